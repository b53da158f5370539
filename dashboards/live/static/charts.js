// Small charts as SVG: a histogram beside a model, state bands, intervals.

import { svg } from "/static/dom.js";
import { ORDER, stateClass, stateWord } from "/static/states.js";
import { clock, number, short, t } from "/static/words.js";

// How wide a holder is in the units in which text has its usual size.
export function roomOf(holder) {
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;
  return Math.max(280, holder.clientWidth / size);
}

export function histogram(found, hundredths, room) {
  const width = Math.min(560, room), height = 180, left = 8, bottom = 22;
  const edges = found.edges_s, low = Math.min(edges[0], hundredths[0]);
  const high = Math.max(edges.at(-1), hundredths.at(-1));
  const span = high - low || 1;
  const x = (s) => left + ((s - low) / span) * (width - 2 * left);
  const densities = found.count.map((n, i) => n / found.operations / (edges[i + 1] - edges[i] || 1));
  const model = density(hundredths);
  const most = Math.max(...densities, ...(model.length ? model.map(([, d]) => d) : [0])) || 1;
  const y = (d) => (height - bottom) * (1 - d / most / 1.05);
  const bars = densities.map((d, i) => svg("rect", {
    x: x(edges[i]).toFixed(1), width: Math.max(1, x(edges[i + 1]) - x(edges[i]) - 0.5).toFixed(1),
    y: y(d).toFixed(1), height: (height - bottom - y(d)).toFixed(1), class: "bar-measured",
  }));
  const line = model.length
    ? svg("path", { class: "line-model", d: model.map(([s, d], i) => `${i ? "L" : "M"}${x(s).toFixed(1)} ${y(d).toFixed(1)}`).join("") })
    : svg("line", { class: "line-model", x1: x(hundredths[50]), x2: x(hundredths[50]), y1: 0, y2: height - bottom });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => svg("text", {
    x: x(low + share * span), y: height - 6, class: "tick",
    "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle",
  }, duration(low + share * span, span)));
  return svg("svg", {
    class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${t("cycle_times")}: ${t("mean")} ${short(found.mean_s)} s, ${number(found.operations)} ${t("operations")}`,
  }, ...bars, line, svg("line", { class: "axis", x1: left, x2: width - left, y1: height - bottom, y2: height - bottom }), ...ticks);
}

const duration = (seconds, spread) =>
  spread > 7200 ? `${short(seconds / 3600)} h` : spread > 120 ? `${short(seconds / 60)} min` : `${short(seconds)} s`;

// A density from hundredths, smoothed over five of them; none for a constant.
function density(hundredths) {
  const found = [];
  for (let i = 2; i + 2 < hundredths.length; i += 1) {
    const wide = hundredths[i + 2] - hundredths[i - 2];
    if (wide <= 0) return [];
    found.push([hundredths[i], 0.04 / wide]);
  }
  return found;
}

// The states of machines over time, a row for each.
export function bands(line, spells, from, to, room) {
  const units = Object.keys(spells), left = 76, width = Math.max(600, room), row = 16, top = 4;
  const height = top + units.length * row + 20;
  const x = (us) => left + ((us - from) / (to - from)) * (width - left - 6);
  const rows = units.flatMap((unit, i) => {
    const y = top + i * row;
    const times = {};
    const parts = spells[unit].map(([since, letter], k) => {
      const until = spells[unit][k + 1]?.[0] ?? to;
      times[letter] = (times[letter] ?? 0) + until - since;
      return svg("rect", {
        x: x(since).toFixed(2), width: Math.max(0.4, x(until) - x(since)).toFixed(2), y, height: row - 3,
        class: stateClass(letter),
      });
    });
    const words = ORDER.filter((letter) => times[letter]).map((letter) =>
      `${stateWord(letter)} ${number((times[letter] / (to - from)) * 100, 1)} %`).join(", ");
    return [svg("text", { x: 0, y: y + row - 5, class: "tick" }, unit),
      svg("g", {}, svg("title", {}, `${unit}: ${words}`), ...parts)];
  });
  const ticks = Array.from({ length: 9 }, (_, i) => from + ((to - from) * i) / 8).map((us, i) => svg("text", {
    x: x(us), y: height - 4, class: "tick", "text-anchor": i === 0 ? "start" : i === 8 ? "end" : "middle",
  }, clock(us, line.time_zone, false)));
  return svg("svg", {
    class: "chart wide", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${t("timeline")}: ${units.join(", ")}`,
  }, ...rows, ...ticks);
}

// Means with their intervals, one row each, on one axis.
export function intervals(rows, digits, room) {
  const width = Math.min(720, room), left = Math.min(210, width * 0.35), row = 34, height = rows.length * row + 34;
  const ends = rows.flatMap((r) => [r.mean - (r.half ?? 0), r.mean + (r.half ?? 0)]);
  let low = Math.min(...ends), high = Math.max(...ends);
  const pad = (high - low) * 0.12 || Math.abs(high) * 0.01 || 1;
  low -= pad; high += pad;
  const x = (v) => left + ((v - low) / (high - low)) * (width - left - 20);
  const drawn = rows.flatMap((r, i) => {
    const y = i * row + 18;
    return [
      svg("text", { x: left - 10, y: y + 4, class: "tick", "text-anchor": "end" }, r.name),
      r.half === null ? null : svg("line", { x1: x(r.mean - r.half), x2: x(r.mean + r.half), y1: y, y2: y, class: "interval" }),
      svg("circle", { cx: x(r.mean), cy: y, r: 4.5, class: i === 0 ? "point first" : "point" }),
      svg("text", { x: x(r.mean), y: y - 8, class: "tick", "text-anchor": "middle" },
        `${number(r.mean, digits)}${r.half === null ? "" : ` ± ${number(r.half, digits)}`}`),
    ];
  });
  const ticks = [0, 0.5, 1].map((share) => svg("text", {
    x: x(low + share * (high - low)), y: height - 6, class: "tick",
    "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle",
  }, number(low + share * (high - low), digits)));
  return svg("svg", {
    class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": rows.map((r) => `${r.name}: ${number(r.mean, digits)} ± ${number(r.half ?? 0, digits)}`).join("; "),
  }, svg("line", { class: "axis", x1: left, x2: width - 20, y1: height - 20, y2: height - 20 }), ...drawn.filter(Boolean), ...ticks);
}

// The next number that is easy to read, and whose half is, too.
function roundUp(most) {
  const size = 10 ** Math.floor(Math.log10(most));
  return size * [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((m) => m * size >= most * 0.9999);
}

// What a shift has made against what it should have, with a band for what is to come.
// `band`: pairs of an instant with [low, middle, high]; empty where nothing is foretold.
export function shiftCurve(line, found, band, room) {
  const width = room, height = 170, left = 62, right = 12, top = 8, bottom = 22;
  const { from_us: from, to_us: to, made, planned } = found;
  const highest = roundUp(Math.max(2, ...made.map((p) => p[1]), ...planned.map((p) => p[1]), ...band.map((b) => b[1][2])));
  const x = (us) => (left + ((us - from) / (to - from)) * (width - left - right)).toFixed(1);
  const y = (units) => (top + (height - top - bottom) * (1 - units / highest)).toFixed(1);
  const path = (points) => points.map(([us, units], i) => `${i ? "L" : "M"}${x(us)} ${y(units)}`).join("");
  const drawn = [0, 0.5, 1].map((share) => svg("g", {},
    svg("line", { class: "rule", x1: left, x2: width - right, y1: y(share * highest), y2: y(share * highest) }),
    svg("text", { class: "tick", x: left - 6, y: Number(y(share * highest)) + 4, "text-anchor": "end" }, number(share * highest))));
  const hours = [0, 0.25, 0.5, 0.75, 1].map((share) => svg("text", {
    class: "tick", x: x(from + share * (to - from)), y: height - 5,
    "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle",
  }, clock(from + share * (to - from), line.time_zone, false).slice(0, -3)));
  if (band.length)
    drawn.push(
      svg("path", { class: "foretold", d: `${path(band.map(([us, b]) => [us, b[2]]))}${path(band.map(([us, b]) => [us, b[0]]).reverse()).replace("M", "L")}Z` }),
      svg("path", { class: "line-foretold", d: path(band.map(([us, b]) => [us, b[1]])) }));
  drawn.push(svg("path", { class: "line-planned", d: path(planned) }), svg("path", { class: "line-made", d: path(made) }));
  const last = made.at(-1);
  if (last) drawn.push(svg("circle", { class: "point", cx: x(last[0]), cy: y(last[1]), r: 3.5 }));
  return svg("svg", {
    class: "chart wide", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${t("shift")}: ${number(found.good)} ${t("good")}, ${t("expected_by_now")} ${number(found.expected)}`,
  }, ...drawn, ...hours);
}
