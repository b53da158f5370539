// The frame: head, banner, and which page is shown. A page is a function that fills `main` and
// returns what to call when a value has changed, and what to call when it is left.

import { alarmsPage } from "/static/alarms.js";
import { h, setText } from "/static/dom.js";
import { healthPage } from "/static/health.js";
import { linePage } from "/static/line.js";
import { loginPage } from "/static/login.js";
import { sitePage } from "/static/site.js";
import { stationPage } from "/static/station.js";
import {
  ask, follow, isConnected, lines, listen, loadLines, me, tell, value, whoAmI,
} from "/static/twin.js";
import { whatifPage } from "/static/whatif.js";
import { language, loadTexts, setLanguage, t } from "/static/words.js";

const PAGES = {
  "": sitePage, line: linePage, station: stationPage, alarms: alarmsPage, whatif: whatifPage,
  health: healthPage,
};
const main = document.getElementById("main");
const banner = document.getElementById("banner");
let shown = {};
let count = null;

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/").map(decodeURIComponent);
  return { page, rest, query: new URLSearchParams(query ?? "") };
}

function head() {
  const at = place().page;
  const link = (page, text, extra) => h("a", {
    href: `#/${page}`, "aria-current": at === page.split("/")[0] ? "page" : null,
  }, text, extra ?? null);
  count = h("span", { class: "count", id: "alarm-count" });
  document.getElementById("head").replaceChildren(
    h("a", { class: "brand", href: "#/" }, "linetwin"),
    h("nav", { "aria-label": "linetwin" },
      link("", t("site")),
      ...lines.map((line) => h("a", {
        href: `#/line/${line.id}`,
        "aria-current": place().page === "line" && place().rest[0] === line.id ? "page" : null,
      }, line.id)),
      link("alarms", t("alarms"), count), link("whatif", t("whatif")), link("health", t("health"))),
    h("div", { class: "tools" },
      me.user && me.login ? h("span", { class: "dim" }, `${me.user} (${me.role})`) : null,
      me.user && me.login ? h("button", { type: "button", onclick: logout }, t("logout")) : null,
      h("button", { type: "button", id: "language", onclick: otherLanguage }, t("language")),
      h("button", {
        type: "button", id: "theme", "aria-label": t("theme"), title: t("theme"), onclick: theme,
      }, "◐")));
  setText(document.getElementById("skip"), t("skip"));
  document.title = `linetwin – ${t(at || "site")}`;
}

async function logout() {
  await tell("/logout", {}).catch(() => {});
  location.reload();
}

function otherLanguage() {
  setLanguage(language === "en" ? "zh" : "en");
  show();
}

function theme() {
  const now = document.documentElement.dataset.theme;
  const dark = now === "dark" || (now === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("linetwin.theme", document.documentElement.dataset.theme);
  show();
}

function show() {
  shown.leave?.();
  const { page, rest, query } = place();
  head();
  main.replaceChildren();
  main.dataset.page = page || "site";
  shown = (PAGES[page] ?? sitePage)(main, rest, query) ?? {};
  changed();
}

function changed() {
  banner.hidden = isConnected();
  if (!banner.hidden) setText(banner, t("lost"));
  document.body.classList.toggle("lost", !isConnected());
  const alarms = lines.reduce((sum, line) => sum + (value(line.id, "alarms")?.length ?? 0), 0);
  if (count) setText(count, alarms ? String(alarms) : "");
  shown.changed?.();
}

let due = false;
function soon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; changed(); });
}

async function begin() {
  document.documentElement.dataset.theme = localStorage.getItem("linetwin.theme") ?? "auto";
  const [known] = await Promise.all([whoAmI(), loadTexts()]);
  if (!known) {
    head();
    loginPage(main);
    return;
  }
  follow();
  await loadLines();
  listen(soon);
  addEventListener("hashchange", () => { show(); main.focus({ preventScroll: true }); scrollTo(0, 0); });
  show();
}

// Not by loading the page again: a browser that finds nobody there shows a page of its own.
function beginOrTryAgain() {
  begin().catch((error) => {
    main.replaceChildren(h("p", { class: "error", role: "alert" }, String(error.message ?? error)));
    setTimeout(beginOrTryAgain, 3000);
  });
}
beginOrTryAgain();
