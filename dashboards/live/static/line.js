import { h, setText } from "/static/dom.js";
import { drawMimic } from "/static/mimic.js";
import { legend } from "/static/states.js";
import { ask, lineOf, value } from "/static/twin.js";
import { dayAndTime, named, ofTarget, percent, perHour, short, t } from "/static/words.js";

const BACK_MINUTES = 480;

export function linePage(main, [id]) {
  const line = lineOf(id);
  if (!line) {
    main.append(h("p", { class: "error" }, `${t("line")} ${id}?`));
    return {};
  }
  // `then`: the past minute that is asked for, null while live; `past`: its values, once they are there.
  let then = null, past = null, mimic = null, size = "";
  const lead = h("p", { class: "lead" });
  const time = h("output", { for: "slider" });
  const live = h("button", { type: "button", class: "primary", hidden: true, onclick: backToLive }, t("back_to_live"));
  const slider = h("input", {
    type: "range", id: "slider", min: -BACK_MINUTES, max: 0, step: 1, value: 0, "aria-label": t("time"),
    oninput: move,
  });
  const holder = h("div", { class: "mimic-holder" });
  main.append(
    h("div", { class: "card-head" },
      h("h1", {}, line.id, " ", h("span", { class: "thin" }, named(line.name))),
      h("div", { class: "slider" }, h("label", { for: "slider" }, t("time")), slider, time, live)),
    lead, legend(), holder);
  const watch = new ResizeObserver(draw);
  watch.observe(document.body);

  function read(key) {
    if (past === null) return value(line.id, key);
    return key.startsWith("m/") || key.startsWith("b/") || key.startsWith("l/") ? past[key] : null;
  }

  function draw() {
    const now = `${holder.clientWidth} ${innerHeight}`;
    if (now === size) return;
    size = now;
    const height = innerHeight - holder.getBoundingClientRect().top - scrollY - 30;
    mimic = drawMimic(line, Math.max(280, holder.clientWidth), height, (station) => `#/station/${line.id}/${station.id}`);
    holder.replaceChildren(mimic.root);
    mimic.changed(read);
  }

  function changed() {
    const now = value(line.id, "line");
    if (!now) return;
    if (then === null) setText(time, `${t("live")} · ${dayAndTime(now.newest_us, line.time_zone)}`);
    const slow = now.slowest.length === 1 ? line.station[now.slowest[0]] : null;
    const unknown = now.output_unknown_since_us;
    setText(lead, [
      unknown !== null ? `? ${t("output")} ${t("unknown")}` : now.good_per_h === null ? t("no_rate")
        : `${short(now.good_per_h)} ${perHour(line)}${line.target_per_h
          ? ` (${ofTarget(now.good_per_h, line.target_per_h)})` : ""}`,
      `${t("yield")} ${percent(now.yield_ratio, 2)}`,
      slow ? `${t("bottleneck")}: ${slow.id} ${named(slow.name)} – ${t("bottleneck_why")}` : `${t("bottleneck")}: ${t("bottleneck_unsure")}`,
    ].join(" · "));
    mimic?.changed(read);
  }

  async function move() {
    const minutes = Number(slider.value);
    if (minutes === 0) { backToLive(); return; }
    const newest = value(line.id, "line")?.newest_us ?? 0;
    const mine = then = Math.floor((newest + minutes * 60e6) / 60e6) * 60e6;
    setText(time, `${t("past")} · ${dayAndTime(mine, line.time_zone)}`);
    live.hidden = false;
    const found = await ask(`/lines/${line.id}/at?at_us=${mine}`).catch((error) => {
      if (mine === then) setText(time, error.message);
      return null;
    });
    if (mine !== then || found === null) return;
    past = found;
    holder.classList.add("past");
    mimic?.changed(read);
  }

  function backToLive() {
    then = null;
    past = null;
    slider.value = 0;
    live.hidden = true;
    holder.classList.remove("past");
    changed();
  }

  return { changed, leave: () => watch.disconnect() };
}
