import { h } from "/static/dom.js";
import { ask, lines, mayOperate, tell, value } from "/static/twin.js";
import { dayAndTime, named, number, t } from "/static/words.js";

const BACK = 8 * 3600e6;
const FLOOD = 10, FLOOD_IN = 600e6, CHATTER = 3, CHATTER_IN = 60e6;

export const priority = (severity) => (severity >= 700 ? "high" : severity >= 400 ? "medium" : "low");

export function alarmsPage(main) {
  const active = h("div", { class: "scroll" });
  const past = h("div", { class: "scroll" });
  const flood = h("p", { class: "error", role: "alert", hidden: true }, `⚠ ${t("flood")}`);
  const dialog = h("dialog", { "aria-labelledby": "ack-title" });
  main.append(h("h1", {}, t("alarms")), flood,
    h("section", { class: "card" }, h("h2", {}, t("active")), active),
    h("section", { class: "card" }, h("h2", {}, t("past_alarms")), past), dialog);
  let acknowledged = {}, chattering = new Set(), loaded = false;
  const timer = setInterval(load, 10000);

  const key = (line, unit, alarm, since) => `${line}|${unit}|${alarm}|${since}`;

  function row(line, unit, alarm, since, until) {
    const of = line.stationOf[unit];
    const what = of?.alarms.find((a) => a.id === alarm);
    const grade = priority(what?.severity ?? 0);
    const seen = acknowledged[key(line.id, unit, alarm, since)];
    const shakes = chattering.has(`${line.id}|${unit}|${alarm}`);
    return h("tr", {},
      h("td", {}, h("span", { class: `badge ${grade}` }, { high: "▲ ", medium: "◆ ", low: "● " }[grade], t(`priority_${grade}`))),
      h("td", {}, line.id), h("td", { class: "unit" }, of ? h("a", { href: `#/station/${line.id}/${of.id}` }, unit) : unit),
      h("td", {}, `${alarm} ${what ? named(what.name) : ""}`, shakes ? h("span", { class: "badge medium" }, `≈ ${t("chatter")}`) : null),
      h("td", { class: "time" }, dayAndTime(since, line.time_zone)),
      until === undefined ? null : h("td", { class: "time" }, until === null ? "…" : dayAndTime(until, line.time_zone)),
      h("td", {}, seen ? `✓ ${seen[4]}${seen[5] ? `: ${seen[5]}` : ""}`
        : until === undefined && mayOperate()
          ? h("button", { type: "button", onclick: () => open(line, unit, alarm, since) }, t("acknowledge")) : ""));
  }

  function table(rows, withUntil, label) {
    if (!rows.length) return h("p", { class: "fine" }, `✓ ${t("no_alarms")}`);
    return h("table", { "aria-label": label }, h("thead", {}, h("tr", {},
      [t("priority"), t("line"), t("unit"), t("alarm"), t("since"), withUntil ? t("until") : null, t("acknowledged_by")]
        .filter((text) => text !== null).map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows));
  }

  function changed() {
    if (!loaded && lines.every((line) => value(line.id, "line"))) {
      loaded = true;
      load();
    }
    const standing = lines.flatMap((line) => (value(line.id, "alarms") ?? []).map((a) => [line, ...a]));
    const said = JSON.stringify([standing.map(([line, ...rest]) => [line.id, ...rest]), acknowledged, [...chattering]]);
    if (active.dataset.text === said) return;
    active.dataset.text = said;
    active.replaceChildren(table(standing.map(([line, unit, , alarm, , since]) => row(line, unit, alarm, since)), false, t("active")));
  }

  async function load() {
    const found = await Promise.all(lines.map(async (line) => {
      const now = value(line.id, "line")?.newest_us;
      if (!now) return [line, { spells: [], acknowledged: [] }, 0];
      return [line, await ask(`/lines/${line.id}/alarms?from_us=${now - BACK}&to_us=${now + 1}`)
        .catch(() => ({ spells: [], acknowledged: [] })), now];
    }));
    acknowledged = {};
    chattering = new Set();
    const rows = [];
    let flooded = false;
    for (const [line, told, now] of found) {
      for (const a of told.acknowledged) acknowledged[key(line.id, a[0], a[1], a[2])] = a;
      const spells = told.spells.filter(([unit, alarm]) => {
        const what = line.stationOf[unit]?.alarms.find((a) => a.id === alarm);
        return what && what.category !== "MAT";
      });
      const came = {};
      for (const [unit, alarm, since] of spells) (came[`${line.id}|${unit}|${alarm}`] ??= []).push(since);
      for (const [name, times] of Object.entries(came))
        if (times.some((at, i) => i + CHATTER <= times.length && times[i + CHATTER - 1] - at <= CHATTER_IN)) chattering.add(name);
      flooded ||= spells.filter(([, , since]) => since > now - FLOOD_IN).length > FLOOD;
      for (const [unit, alarm, since, until] of spells) if (until !== null) rows.push([line, unit, alarm, since, until]);
    }
    flood.hidden = !flooded;
    rows.sort((a, b) => b[3] - a[3]);
    past.replaceChildren(table(rows.slice(0, 200).map((r) => row(...r)), true, t("past_alarms")),
      rows.length > 200 ? h("p", { class: "dim" }, `${number(rows.length - 200)} ${t("more")}`) : "");
    active.dataset.text = "";
    changed();
  }

  function open(line, unit, alarm, since) {
    const comment = h("input", { id: "ack-comment", maxlength: 500 });
    const error = h("p", { class: "error", role: "alert" });
    const form = h("form", { method: "dialog" },
      h("h2", { id: "ack-title" }, `${t("acknowledge")}: ${unit} ${alarm}`),
      h("label", { for: "ack-comment" }, t("comment")), comment, error,
      h("div", { class: "controls" },
        h("button", { type: "submit", class: "primary" }, t("acknowledge")),
        h("button", { type: "button", onclick: () => dialog.close() }, t("cancel"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await tell(`/lines/${line.id}/alarms/acknowledge`, { unit, alarm, since_us: since, comment: comment.value });
        dialog.close();
        await load();
      } catch (refused) {
        error.textContent = refused.message;
      }
    });
    dialog.replaceChildren(form);
    dialog.showModal();
    comment.focus();
  }

  return { changed, leave: () => clearInterval(timer) };
}
