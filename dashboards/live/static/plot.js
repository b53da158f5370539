// Plots: uPlot with this page's colours.

import uPlot from "/static/vendor/uPlot.js";
import { language } from "/static/words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A signal over time with its limits: {at_us, mean, low, high}, in the plant's time zone.
export function plotCurve(holder, line, curve, limits) {
  const seconds = curve.at_us.map((us) => us / 1e6);
  const flat = (level) => (level === null ? null : seconds.map(() => level));
  const series = [{}, { label: "high" }, { label: "low" },
    { label: "mean", stroke: colour("--accent"), width: 1.5 }];
  const data = [seconds, curve.high, curve.low, curve.mean];
  for (const level of limits.filter((one) => one !== null)) {
    series.push({ label: "limit", stroke: colour("--bad"), width: 1, dash: [6, 4], points: { show: false } });
    data.push(flat(level));
  }
  // A canvas does not grow with the page's letters by itself.
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const axis = { font: `${(rem * 0.78).toFixed(1)}px system-ui, sans-serif`, gap: rem * 0.3, stroke: colour("--dim"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule") } };
  return new uPlot({
    width: Math.max(240, holder.clientWidth), height: 10 * rem, legend: { show: false }, cursor: { y: false },
    tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), line.time_zone),
    series, bands: [{ series: [1, 2], fill: colour("--band") }],
    axes: [{
      ...axis, size: rem * 2.2, space: rem * 4.5,
      values: (_, splits) => splits.map((at) => new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
        timeZone: line.time_zone, hour: "2-digit", minute: "2-digit",
      }).format(new Date(at * 1e3))),
    }, { ...axis, size: rem * 4.3, space: rem * 2 }],
  }, data, holder);
}
