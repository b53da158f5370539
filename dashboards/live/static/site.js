import { roomOf, shiftCurve } from "/static/charts.js";
import { h, setText } from "/static/dom.js";
import { legend, ORDER, stateClass, stateWord } from "/static/states.js";
import { ask, lines, value } from "/static/twin.js";
import { clock, language, named, number, ofTarget, percent, perHour, perUnit, short, span, t } from "/static/words.js";

const MOST_WRONG = 6;

export function sitePage(main) {
  const cards = lines.map(card);
  main.append(h("h1", { class: "hidden" }, t("site")),
    h("div", { class: "site" }, cards.map((one) => one.element)));
  const timer = setInterval(() => cards.forEach((one) => one.ask()), 10000);
  cards.forEach((one) => one.ask());
  return {
    changed: () => cards.forEach((one) => one.changed()),
    leave: () => clearInterval(timer),
  };
}

function card(line) {
  const rate = h("span", { class: "big" });
  const rateNote = h("p", { class: "dim" });
  const share = h("span", { class: "medium" });
  const bar = h("div", { class: "bar", role: "img" }, h("div", { class: "fill" }));
  const yieldShare = h("span", { class: "medium" });
  const yieldNote = h("p", { class: "dim" });
  const slow = h("span", { class: "medium" });
  const slowNote = h("p", { class: "dim" });
  const strip = h("div", { class: "strip", role: "img" });
  const states = h("div");
  const wrong = h("ul", { class: "wrong" });
  const time = h("span", { class: "dim" });
  const shift = h("div", { class: "shift" });
  const curve = h("div");
  const element = h("section", { class: "card", "aria-labelledby": `name-${line.id}` },
    h("div", { class: "card-head" },
      h("h2", { id: `name-${line.id}` },
        h("a", { href: `#/line/${line.id}` }, line.id, " ", h("span", { class: "thin" }, named(line.name)))),
      time),
    h("div", { class: "figures" },
      h("div", {}, h("h3", {}, t("output")), rate, bar, share, rateNote),
      h("div", {}, h("h3", {}, t("yield")), yieldShare, yieldNote),
      h("div", {}, h("h3", {}, t("bottleneck")), slow, slowNote)),
    shift, curve, strip, states, h("h3", {}, t("wrong_now")), wrong);
  return { element, changed, ask: askShift };

  function changed() {
    const lead = value(line.id, "line");
    if (!lead) return;
    setText(time, clock(lead.newest_us, line.time_zone));
    const unknown = lead.output_unknown_since_us;
    element.classList.toggle("stale", unknown !== null);
    if (unknown !== null) {
      setText(rate, "?");
      setText(rateNote, unknown
        ? `${t("unknown_since")} ${clock(unknown, line.time_zone)}` : t("never_seen"));
    } else if (lead.good_per_h === null) {
      setText(rate, "–");
      setText(rateNote, t("no_rate"));
    } else {
      setText(rate, `${short(lead.good_per_h)}`);
      setText(rateNote, `${perHour(line)}, ${span(lead.watched_s)}`);
    }
    const reached = line.target_per_h && lead.good_per_h !== null ? lead.good_per_h / line.target_per_h : null;
    bar.hidden = reached === null;
    if (reached !== null) {
      bar.firstChild.style.width = `${Math.min(100, reached * 100)}%`;
      bar.className = `bar ${reached >= 1 ? "good" : reached >= 0.95 ? "near" : "behind"}`;
      bar.setAttribute("aria-label", ofTarget(lead.good_per_h, line.target_per_h));
    }
    setText(share, reached === null ? ""
      : `${reached >= 1 ? "▲" : "▼"} ${ofTarget(lead.good_per_h, line.target_per_h)}`);
    setText(yieldShare, percent(lead.yield_ratio, 2));
    setText(yieldNote, `${number(lead.good)} ${t("good")}, ${number(lead.scrap)} ${t("scrap")}, ${t("since_start")}`);
    const one = lead.slowest.length === 1 ? line.station[lead.slowest[0]] : null;
    setText(slow, one ? one.id : "–");
    setText(slowNote, one ? named(one.name) : lead.slowest.length
      ? `${t("bottleneck_unsure")}: ${lead.slowest.slice(0, 4).join(", ")}${lead.slowest.length > 4 ? " …" : ""}`
      : t("bottleneck_unsure"));
    counts();
    problems();
  }

  function counts() {
    const sums = {};
    for (const station of line.stations)
      for (const unit of station.machines) {
        const letter = value(line.id, `m/${unit}`) ?? "?";
        sums[letter] = (sums[letter] ?? 0) + 1;
      }
    const present = ORDER.filter((letter) => sums[letter]);
    strip.setAttribute("aria-label",
      present.map((letter) => `${sums[letter]} ${stateWord(letter)}`).join(", "));
    strip.replaceChildren(...present.map((letter) => {
      const part = h("span", { class: stateClass(letter), title: stateWord(letter) }, `${letter} ${sums[letter]}`);
      part.style.flexGrow = sums[letter];
      return part;
    }));
    const shown = present.join("");
    if (states.dataset.text === shown + language) return;
    states.dataset.text = shown + language;
    states.replaceChildren(legend(present));
  }

  function problems() {
    const rows = [];
    for (const plc of line.plcs) {
      const since = value(line.id, `p/${plc.id}`);
      if (since !== null && since !== undefined)
        rows.push(h("li", { class: "grave" }, ` ${plc.id} ${named(plc.name)}: `,
          since ? `${t("lost_since")} ${clock(since, line.time_zone)}` : t("never_seen")));
    }
    const alarms = value(line.id, "alarms") ?? [];
    for (const [unit, station, alarm, severity, since] of alarms.slice(0, MOST_WRONG)) {
      const of = line.station[station].alarms.find((a) => a.id === alarm);
      rows.push(h("li", { class: severity >= 700 ? "grave" : "lesser" },
        h("a", { href: `#/station/${line.id}/${station}` }, unit), ` ${named(of.name)} `,
        h("span", { class: "dim" }, clock(since, line.time_zone, false))));
    }
    if (alarms.length > MOST_WRONG)
      rows.push(h("li", {}, h("a", { href: "#/alarms" }, `${alarms.length - MOST_WRONG} ${t("more")}`)));
    if (!rows.length) rows.push(h("li", { class: "fine" }, `✓ ${t("nothing_wrong")}`));
    const text = rows.map((row) => row.textContent).join("\n");
    if (wrong.dataset.text !== text) {
      wrong.dataset.text = text;
      wrong.replaceChildren(...rows);
    }
  }

  async function askShift() {
    const found = await ask(`/lines/${line.id}/shift`).catch(() => null);
    if (!found) return;
    const part = (name, text, note) => h("div", {}, h("h3", {}, name), h("span", { class: "medium" }, text),
      note ? h("p", { class: "dim" }, note) : null);
    const late = found.watched_from_us !== null && found.watched_from_us - found.from_us > 120e6;
    const parts = [
      part(t("shift"), `${number(found.good)} ${t("good")}`,
        [late ? `${t("watched_from")} ${clock(found.watched_from_us, line.time_zone, false)}` : t("so_far"),
          found.expected === null ? null : `${t("expected_by_now")} ${number(found.expected)}`,
          found.target === null ? null : `${t("shift_target")} ${number(found.target)}`].filter(Boolean).join(", ")),
      part(found.oee_station ? `${t("oee")} ${found.oee_station}` : t("oee"), percent(found.oee),
        `${t("availability")} ${percent(found.availability)} · ${t("effectiveness")} ${percent(found.effectiveness)} · ${t("quality")} ${percent(found.quality)}`),
      part(t("energy"), found.kwh_per_unit === null ? "–" : `${short(found.kwh_per_unit)} kWh`, perUnit(line)),
    ];
    shift.replaceChildren(...parts);
    curve.replaceChildren(shiftCurve(line, found, found.foretold, roomOf(curve)), h("p", { class: "dim keys" },
      h("span", { class: "key made" }), t("made"),
      found.planned.length ? [h("span", { class: "key planned" }), t("expected_so_far")] : null,
      found.foretold.length ? [h("span", { class: "key model-band" }), foretold(found)] : null));
  }
}

// What the shift will end with, in words: nobody should have to read it off the curve.
function foretold(found) {
  const [, [low, , high]] = found.foretold.at(-1);
  const reach = found.reach_ratio === null ? "" : `, ${t("target_reached")} ${percent(found.reach_ratio)}`;
  return `${t("foretold")} ${number(low)}–${number(high)}${reach}`;
}
