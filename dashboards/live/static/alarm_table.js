// A table of alarms: how grave, whose, which, since when, until when, and who has seen it.

import { h } from "/static/dom.js";
import { dayAndTime, named, number, t } from "/static/words.js";

const SIGNS = { high: "▲ ", medium: "◆ ", low: "● " };
const MOST_PAST = 200;

export const priority = (severity) => (severity >= 700 ? "high" : severity >= 400 ? "medium" : "low");
export const keyOf = (line, unit, alarm, since) => `${line.id}|${unit}|${alarm}|${since}`;
const definition = (line, unit, alarm) => line.stationOf[unit]?.alarms.find((a) => a.id === alarm);

// Want of material is no alarm here: the states show it.
export const isFault = (line, unit, alarm) => !["MAT", undefined].includes(definition(line, unit, alarm)?.category);

// Who has seen which, as the twin tells it of a line.
export function seenOf(line, told, found = {}) {
  for (const one of told) found[keyOf(line, one[0], one[1], one[2])] = one;
  return found;
}

// `one`: line, unit, alarm, since; `until` where it has gone, null where it stood to the end of what
// was asked for; `seen` by whom; `deed`: what is shown where nobody has seen it; `shakes`: it chatters.
function row(one, withLine) {
  const { line, unit, alarm, since, until, seen, deed, shakes } = one;
  const what = definition(line, unit, alarm), of = line.stationOf[unit];
  const grade = priority(what?.severity ?? 0);
  return h("tr", {},
    h("td", {}, h("span", { class: `badge ${grade}` }, SIGNS[grade], t(`priority_${grade}`))),
    withLine ? h("td", {}, line.id) : null,
    h("td", { class: "unit" }, of && withLine ? h("a", { href: `#/station/${line.id}/${of.id}` }, unit) : unit),
    h("td", { class: "alarm" }, `${alarm} ${what ? named(what.name) : ""}`, shakes ? h("span", { class: "badge medium" }, `≈ ${t("chatter")}`) : null),
    h("td", { class: "time" }, dayAndTime(since, line.time_zone)),
    until === undefined ? null : h("td", { class: "time" }, until === null ? "…" : dayAndTime(until, line.time_zone)),
    h("td", {}, seen ? `✓ ${seen[4]}${seen[5] ? `: ${seen[5]}` : ""}` : deed ?? ""));
}

export function alarmTable(label, alarms, { withLine = true, withUntil = false } = {}) {
  if (!alarms.length) return h("p", { class: "fine" }, `✓ ${t("no_alarms")}`);
  const names = ["priority", withLine && "line", "unit", "alarm", "since", withUntil && "until", "acknowledged_by"];
  return h("table", { "aria-label": label },
    h("thead", {}, h("tr", {}, names.filter(Boolean).map((name) => h("th", { scope: "col" }, t(name))))),
    h("tbody", {}, alarms.map((one) => row(one, withLine))));
}

// The latest first, and no more than somebody would read.
export function pastTable(label, alarms, options = {}) {
  const latest = [...alarms].sort((a, b) => b.since - a.since);
  return [alarmTable(label, latest.slice(0, MOST_PAST), { ...options, withUntil: true }),
    latest.length > MOST_PAST ? h("p", { class: "dim" }, `${number(latest.length - MOST_PAST)} ${t("more")}`) : ""];
}
