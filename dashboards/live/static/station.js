import { isFault, keyOf, pastTable, seenOf } from "/static/alarm_table.js";
import { bands, histogram, roomOf } from "/static/charts.js";
import { h, setText } from "/static/dom.js";
import { plotCurve } from "/static/plot.js";
import { legend, stateClass, stateWord } from "/static/states.js";
import { ask, lineOf, value } from "/static/twin.js";
import { clock, named, number, percent, short, span, t } from "/static/words.js";

const HOUR = 3600e6;

export function stationPage(main, [lineId, id]) {
  const line = lineOf(lineId), station = line?.station[id];
  if (!station) {
    main.append(h("p", { class: "error" }, `${t("station")} ${id}?`));
    return {};
  }
  const hours = h("select", { id: "hours", onchange: () => load() },
    [1, 4, 8, 24].map((n) => h("option", { value: n }, String(n))));
  const unit = h("select", { id: "unit", onchange: () => load() },
    station.machines.map((m) => h("option", { value: m }, m)));
  const tiles = h("div", { class: "tiles" });
  const facts = h("dl", { class: "facts" });
  const timeline = h("div", { class: "scroll" });
  const times = h("div");
  const failures = h("div", { class: "scroll" });
  const variables = h("div", { class: "variables" });
  const alarms = h("ul", { class: "wrong" });
  const pastAlarms = h("div", { class: "scroll" });
  main.append(
    h("p", { class: "crumbs" }, h("a", { href: `#/line/${line.id}` }, `← ${line.id}`)),
    h("h1", {}, station.id, " ", h("span", { class: "thin" }, named(station.name))),
    tiles, legend(), facts,
    h("div", { class: "controls" }, h("label", { for: "hours" }, t("last_hours")), hours,
      h("label", { for: "unit" }, t("machine")), unit),
    h("section", { class: "card" }, h("h2", {}, t("timeline")), timeline),
    h("div", { class: "halves" },
      h("section", { class: "card" }, h("h2", {}, t("cycle_times")), times),
      h("section", { class: "card" }, h("h2", {}, t("failures")), failures)),
    h("section", { class: "card" }, h("h2", {}, t("variables")), variables),
    h("section", { class: "card" }, h("h2", {}, t("alarms")), alarms,
      h("h3", {}, t("past_alarms_shown")), pastAlarms));
  for (const one of [timeline, times, failures, variables, pastAlarms])
    one.append(h("p", { class: "dim" }, `${t("loading")} …`));
  let loading = 0;
  load();
  const timer = setInterval(() => load(), 30000);

  function changed() {
    if (!loading) load();
    const known = value(line.id, `s/${station.id}`);
    const letters = station.machines.map((m) => value(line.id, `m/${m}`) ?? "?");
    const text = letters.join("");
    if (tiles.dataset.text !== text) {
      tiles.dataset.text = text;
      tiles.replaceChildren(...station.machines.map((m, i) => h("span", {
        class: `tile wide ${stateClass(letters[i])}`, title: stateWord(letters[i]),
      }, `${m} ${letters[i]}`)));
    }
    if (!known) return;
    const rows = [
      [t("waiting"), percent(known.waiting_share)],
      [t("processed"), number(known.processed)],
      [t("scrap"), number(known.defective)],
      [t("failure_count"), number(known.failures)],
    ];
    if (known.unknown_since_us !== null)
      rows.unshift([t("unknown_since"), known.unknown_since_us ? clock(known.unknown_since_us, line.time_zone) : t("never_seen")]);
    const said = JSON.stringify(rows);
    if (facts.dataset.text !== said) {
      facts.dataset.text = said;
      facts.replaceChildren(...rows.map(([name, is]) => h("div", {}, h("dt", {}, name), h("dd", {}, is))));
    }
    const standing = (value(line.id, "alarms") ?? []).filter((alarm) => alarm[1] === station.id);
    const told = JSON.stringify(standing);
    if (alarms.dataset.text !== told) {
      alarms.dataset.text = told;
      alarms.replaceChildren(...(standing.length ? standing.map(([of, , alarm, severity, since]) =>
        h("li", { class: severity >= 700 ? "grave" : "lesser" },
          `${of} ${alarm} ${named(station.alarms.find((a) => a.id === alarm).name)} `,
          h("span", { class: "dim" }, clock(since, line.time_zone, false))))
        : [h("li", { class: "fine" }, `✓ ${t("no_alarms")}`)]));
    }
  }

  function failureTable(spells, from, to) {
    const rows = Object.entries(spells).flatMap(([machine, changes]) => {
      const downs = changes.map(([since, letter], i) => [letter, since, changes[i + 1]?.[0] ?? null])
        .filter(([letter]) => letter === "F");
      if (!downs.length) return [];
      const ended = downs.filter(([, since, until]) => until !== null && since > from);
      const down = downs.reduce((sum, [, since, until]) => sum + (until ?? to) - since, 0);
      const repair = ended.reduce((sum, [, since, until]) => sum + until - since, 0) / ended.length;
      return [[machine, number(downs.length), span(down / 1e6), ended.length ? span(repair / 1e6) : "–",
        downs.at(-1)[2] === null ? `⚠ ${t("still_down")}` : ""]];
    });
    return [
      rows.length ? h("table", { "aria-label": t("failures") }, h("thead", {}, h("tr", {},
        [t("machine"), t("failures"), t("down_for"), t("to_repair"), ""].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((text) => h("td", {}, text))))))
        : h("p", { class: "fine" }, `✓ ${t("none_in_hours")}`),
      station.failures.length ? h("table", { "aria-label": t("model_says") }, h("thead", {}, h("tr", {},
        [t("model_says"), t("between_failures"), t("to_repair")].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, station.failures.map((f) => h("tr", {}, h("td", {}, named(f.name)),
        h("td", {}, `${span(f.mtbf_s)}${f.depends_on === "operation" ? ` ${t("of_operation")}` : ""}`),
        h("td", {}, span(f.mttr_s)))))) : "",
    ];
  }

  function showPast(told) {
    const seen = seenOf(line, told.acknowledged);
    const gone = told.spells.filter(([of, alarm, , until]) => until !== null && isFault(line, of, alarm)).map(([of, alarm, since, until]) =>
      ({ line, unit: of, alarm, since, until, seen: seen[keyOf(line, of, alarm, since)] }));
    pastAlarms.replaceChildren(...pastTable(t("past_alarms_shown"), gone, { withLine: false }));
  }

  // What the stream has not said yet is asked for when it has: see `changed`.
  async function load() {
    const to = value(line.id, "line")?.newest_us;
    if (!to) return;
    const mine = ++loading;
    const from = to - Number(hours.value) * HOUR;
    const range = `from_us=${from}&to_us=${to}`;
    const at = `/lines/${line.id}/stations/${station.id}`;
    async function drawn(into, paths, draw) {
      try {
        const told = await Promise.all(paths.map((path) => ask(path)));
        if (mine === loading) draw(...told);
      } catch (error) {
        if (mine === loading) setText(into, error.message);
      }
    }
    await Promise.all([
      drawn(timeline, [`${at}/spells?${range}`], (spells) => {
        timeline.replaceChildren(bands(line, spells, from, to, roomOf(timeline)));
        failures.replaceChildren(...failureTable(spells, from, to));
      }),
      drawn(times, [`${at}/cycle_times?${range}`], (cycles) => times.replaceChildren(...cycleTimes(cycles))),
      drawn(pastAlarms, [`/lines/${line.id}/alarms?station=${station.id}&${range}`], showPast),
    ]);
    if (mine !== loading) return;
    const curve = (variable) =>
      `/lines/${line.id}/curve?unit=${unit.value}&signal=variable.${variable.id}&${range}`;
    await drawn(variables, station.variables.map(curve), showVariables);
  }

  function cycleTimes(cycles) {
    if (!cycles.operations) return [h("p", { class: "dim" }, t("no_history"))];
    return [
      histogram(cycles, station.cycle_time_hundredths_s, roomOf(times)),
      h("p", { class: "dim" }, h("span", { class: "key measured" }), `${t("measured")}: ${number(cycles.operations)} ${t("operations")}, ${t("mean")} ${short(cycles.mean_s)} s`,
        h("span", { class: "key model" }), `${t("model")}: ${t("mean")} ${short(station.cycle_time_s)} s`,
        cycles.longer ? `; ${number(cycles.longer)} ${t("longer_left_out")}` : ""),
    ];
  }

  function showVariables(...curves) {
    variables.replaceChildren(...(curves.length ? [] : [h("p", { class: "dim" }, t("no_variables"))]));
    const plots = curves.map((curve, i) => {
      const variable = station.variables[i];
      const holder = h("figure", {}, h("figcaption", {}, `${unit.value} ${named(variable.name)}, ${variable.unit}`,
        h("span", { class: "dim" }, ` ${t("limits")} ${short(variable.alarm_low)} … ${short(variable.alarm_high)}`)));
      variables.append(holder);
      return [holder, variable, curve];
    });
    // Only now is it known how wide each may be.
    for (const [holder, variable, curve] of plots)
      if (curve.at_us.length) plotCurve(holder, line, curve, [variable.alarm_low, variable.alarm_high]);
      else holder.append(h("p", { class: "dim" }, t("no_history")));
  }

  return { changed, leave: () => { loading = -1; clearInterval(timer); } };
}
