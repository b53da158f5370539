// Texts, numbers and times as the reader wants them.

let texts = {};
export let language = localStorage.getItem("linetwin.language")
  || (navigator.language.startsWith("zh") ? "zh" : "en");

export async function loadTexts() {
  texts = await (await fetch("/api/v1/texts")).json();
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

export function setLanguage(next) {
  language = next;
  localStorage.setItem("linetwin.language", next);
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
}

export const t = (key) => texts[key]?.[language] ?? key;
export const named = (text) => text[language] ?? text.en;

export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

// Four figures that count, whatever the size.
export function short(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  return number(value, digits);
}

export const perHour = (line) => (language === "zh" ? t("good_per_h") : `good ${line.unit}s/h`);
export const perUnit = (line) => (language === "zh" ? t("per_unit") : `/ ${line.unit}`);
export const ofTarget = (is, target) => t("of_target")
  .replace("{share}", percent(is / target)).replace("{target}", number(target));

export const percent = (share, digits = 1) =>
  share === null || share === undefined ? "–" : `${number(share * 100, digits)} %`;

export function clock(us, zone, withDay = true) {
  if (!us) return "–";
  return new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit",
    ...(withDay ? { weekday: "short" } : {}),
  }).format(new Date(us / 1000));
}

export function dayAndTime(us, zone) {
  if (!us) return "–";
  return new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit",
    minute: "2-digit", second: "2-digit",
  }).format(new Date(us / 1000));
}

export function span(seconds) {
  if (seconds < 90) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 5400) return `${number(seconds / 60)} min`;
  if (seconds < 129600) return `${number(seconds / 3600, 1)} h`;
  return `${number(seconds / 86400, 1)} d`;
}
