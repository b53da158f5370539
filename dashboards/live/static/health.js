import { h } from "/static/dom.js";
import { ask, health, lines, me, value } from "/static/twin.js";
import { clock, dayAndTime, named, number, percent, span, t } from "/static/words.js";

export function healthPage(main) {
  const connections = h("div", { class: "scroll" });
  const store = h("dl", { class: "facts" });
  const forecasts = h("div", { class: "scroll" });
  const notices = h("ul", { class: "notices" });
  const audit = h("div", { class: "scroll" });
  main.append(h("h1", {}, t("health")),
    h("section", { class: "card" }, h("h2", {}, t("connections")), connections),
    h("section", { class: "card" }, h("h2", {}, t("history")), store),
    h("section", { class: "card" }, h("h2", {}, t("forecasts")), forecasts),
    h("section", { class: "card" }, h("h2", {}, t("notices")), notices),
    me.role === "admin" ? h("section", { class: "card" }, h("h2", {}, t("audit")), audit) : "");
  if (me.role === "admin") loadAudit();
  loadForecasts();
  const timer = setInterval(loadForecasts, 30000);

  function keep(element, text, children) {
    if (element.dataset.text === text) return;
    element.dataset.text = text;
    element.replaceChildren(...children());
  }

  function unknownOf(line, plc) {
    return line.stations.filter((s) => s.plc === plc.id)
      .map((s) => [s.id, value(line.id, `s/${s.id}`)?.unknown_since_us ?? null]).filter(([, since]) => since !== null);
  }

  function stale(line, plc) {
    const unknown = unknownOf(line, plc);
    return unknown.length ? unknown.map(([id, since]) =>
      `⚠ ${id}: ${since ? `${t("unknown_since")} ${clock(since, line.time_zone)}` : t("never_seen")}`).join("; ") : `✓ ${t("all_known")}`;
  }

  function skew(line, plc) {
    const ahead = value(line.id, `c/${plc.id}`) ?? 0;
    return Math.abs(ahead) < 0.5 ? "" : `; ⚠ ${t("clock_ahead")} ${ahead > 0 ? "+" : "−"}${number(Math.abs(ahead), 1)} s`;
  }

  function changed() {
    if (!health()) return;
    const rows = lines.flatMap((line) => line.plcs.map((plc) => [line, plc, value(line.id, `p/${plc.id}`)]));
    keep(connections, JSON.stringify(rows.map(([line, plc, since]) => [line.id, plc.id, since, unknownOf(line, plc), skew(line, plc)])), () => [
      h("table", { "aria-label": t("connections") }, h("thead", {}, h("tr", {}, [t("line"), "PLC", "", t("stations"), t("staleness")].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, rows.map(([line, plc, since]) => h("tr", {}, h("td", {}, line.id), h("td", {}, `${plc.id} ${named(plc.name)}`),
          h("td", { class: since === null ? "fine" : "high" }, since === null ? `✓ ${t("connected")}${skew(line, plc)}`
            : since ? `⚠ ${t("lost_since")} ${clock(since, line.time_zone)}` : `⚠ ${t("never_seen")}`),
          h("td", {}, line.stations.filter((s) => s.plc === plc.id).map((s) => s.id).join(" ")),
          h("td", { class: unknownOf(line, plc).length ? "high" : "fine" }, stale(line, plc))))))]);
    const now = health();
    if (now) {
      const facts = [[t("points_stored"), number(now.stored)], [t("points_waiting"), number(now.waiting)],
        [t("points_refused"), number(now.refused)], [t("points_dropped"), number(now.dropped)]];
      if (now.away) facts.unshift([`⚠ ${t("store_away")}`, now.away]);
      if (now.spool)
        facts.push([t("spool"), `${number(now.spool.points)}, ${t("oldest")} ${span(now.spool.age_s)}, ${number(now.spool.drained_per_s)}/s${now.spool.away ? `, ⚠ ${now.spool.away}` : ""}`]);
      keep(store, JSON.stringify(facts), () => facts.map(([name, is]) => h("div", {}, h("dt", {}, name), h("dd", {}, is))));
    }
    const told = lines.flatMap((line) => (value(line.id, "notices") ?? []).map(([at, text]) => [at, line, text]))
      .sort((a, b) => b[0] - a[0]);
    keep(notices, JSON.stringify(told.map(([at, , text]) => [at, text])), () => told.map(([at, line, text]) =>
      h("li", {}, h("span", { class: "dim" }, `${clock(at, line.time_zone)} ${line.id} `), text)));
  }

  async function loadForecasts() {
    const all = await Promise.all(lines.map((line) => ask(`/lines/${line.id}/forecasts`).catch(() => null)));
    keep(forecasts, JSON.stringify(all), () => lines.map((line, i) => ofLine(line, all[i])));
  }

  function ofLine(line, found) {
    if (!found || !found.last.length) return h("p", { class: "dim" }, `${line.id}: ${t("no_forecasts")}`);
    const did = found.scores;
    const said = did ? `${number(did.count)} ${t("settled")}; ${percent(did.coverage[0], 0)} ${t("in_band")}; ${t("mean_error")} ${number(did.crps)}, ${t("by_rate")} ${number(did.rate_crps)}` : "";
    return h("div", {}, h("h3", {}, line.id), said ? h("p", { class: "dim" }, said) : null,
      h("table", { class: "even", "aria-label": `${t("forecasts")} ${line.id}` },
        h("thead", {}, h("tr", {}, [t("made_at"), t("until"), t("foretold_90"), t("came")].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, found.last.slice(0, 8).map((row) => h("tr", {}, h("td", {}, inWeek(row.state_us)), h("td", {}, inWeek(row.horizon_us)),
          h("td", {}, `${number(row.low)}–${number(row.high)}`), outcome(row))))));
  }

  function outcome(row) {
    if (row.outcome === null) return h("td", { class: "dim" }, t("not_yet"));
    const inside = row.low <= row.outcome && row.outcome <= row.high;
    return h("td", { class: inside ? "fine" : "high" }, `${inside ? "✓" : "⚠"} ${number(row.outcome)}`);
  }

  async function loadAudit() {
    const found = await ask("/audit").catch(() => []);
    audit.replaceChildren(h("table", { "aria-label": t("audit") }, h("thead", {}, h("tr", {}, [t("when"), t("who"), t("what"), ""].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, found.map((e) => h("tr", {}, h("td", {}, dayAndTime(e.at_us, undefined)), h("td", {}, `${e.who} ${e.role ? `(${e.role})` : ""}`),
        h("td", {}, e.action), h("td", {}, e.detail))))));
  }

  return { changed, leave: () => clearInterval(timer) };
}

// Microseconds since Monday 00:00 of the line's own time zone; any Monday will do.
const MONDAY_US = 1767571200000000;
const inWeek = (us) => clock(MONDAY_US + us, "UTC");
