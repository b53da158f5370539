import { intervals, roomOf } from "/static/charts.js";
import { h, setText } from "/static/dom.js";
import { ask, lineOf, lines, mayOperate, Refused, tell } from "/static/twin.js";
import { dayAndTime, named, number, percent, t } from "/static/words.js";

const MOST = 4;
// A week holds each of a plant's regular stops; from a state one asks for the shift.
const SPAN_H = { steady: 168, present: 8, empty: 8 };
const DIGITS = { good_per_h: 1, good: 0, yield_ratio: 4, kwh_per_unit: 4 };

export function whatifPage(main, _rest, query) {
  let ids = (query.get("compare") ?? "").split(",").filter(Boolean).slice(0, MOST);
  let knobs = [], left = false;
  const chosen = [];
  const line = h("select", { id: "wi-line", onchange: loadKnobs }, lines.map((l) => h("option", { value: l.id }, `${l.id} ${named(l.name)}`)));
  const title = h("input", { id: "wi-title", maxlength: 80, value: t("whatif_default") });
  const hours = h("input", { id: "wi-span", type: "number", min: 1, max: 1440, value: SPAN_H.steady });
  const start = h("select", { id: "wi-start", onchange: () => { hours.value = SPAN_H[start.value]; } }, ["steady", "present", "empty"].map((one) => h("option", { value: one }, t(`start_${one}`))));
  const precision = h("select", { id: "wi-precision" }, [["0.02", "± 2 %"], ["0.01", "± 1 %"], ["0.005", "± 0.5 %"], ["0.002", "± 0.2 %"]]
    .map(([value, text]) => h("option", { value, selected: value === "0.01" }, text)));
  const of = h("select", { id: "wi-of", onchange: listKnobs });
  const knob = h("select", { id: "wi-knob" });
  const changes = h("div", { class: "changes" });
  const error = h("p", { class: "error", role: "alert" });
  const results = h("section", { class: "card", "aria-live": "polite" });
  const kept = h("ul", { class: "kept" });
  const form = h("form", { class: "card whatif" },
    field("wi-line", t("whatif_for"), line), field("wi-title", t("whatif_title"), title),
    h("fieldset", {}, h("legend", {}, t("changes")),
      h("div", { class: "controls" }, h("label", { class: "hidden", for: "wi-of" }, t("station")), of,
        h("label", { class: "hidden", for: "wi-knob" }, t("changes")), knob,
        h("button", { type: "button", onclick: addChange }, `+ ${t("add_change")}`)), changes),
    h("div", { class: "controls" }, field("wi-span", t("span"), hours), field("wi-start", t("start_from"), start),
      field("wi-precision", t("precision"), precision)),
    h("button", { type: "submit", class: "primary", disabled: !mayOperate() }, t("ask")),
    mayOperate() ? null : h("p", { class: "dim" }, t("role_needed")), error);
  form.addEventListener("submit", submit);
  main.append(h("h1", {}, t("whatif")), h("div", { class: "two" }, form, results),
    h("section", { class: "card" }, h("h2", {}, t("kept_answers")), h("p", { class: "dim" }, t("at_most_four")), kept));
  loadKnobs();
  listKept();
  show();

  function field(id, text, input) {
    return h("div", { class: "field" }, h("label", { for: id }, text), input);
  }

  async function loadKnobs() {
    const mine = line.value;
    const found = await ask(`/lines/${mine}/knobs`);
    // Another line may have been chosen meanwhile, and its answer come first.
    if (mine !== line.value) return;
    knobs = found;
    chosen.length = 0;
    const at = lineOf(line.value);
    const names = [...new Set(knobs.map((k) => k.of))];
    of.replaceChildren(...names.map((name) => h("option", { value: name },
      `${name} ${at.station[name] ? named(at.station[name].name) : named(at.buffers.find((b) => b.id === name)?.name ?? { en: "" })}`)));
    listKnobs();
    drawChanges();
  }

  function listKnobs() {
    knob.replaceChildren(...knobs.filter((k) => k.of === of.value).map((k) => h("option", { value: k.path }, named(k.name))));
  }

  function addChange() {
    const one = knobs.find((k) => k.path === knob.value);
    if (!one || chosen.some((c) => c.knob.path === one.path)) return;
    chosen.push({ knob: one, value: one.kind === "count" ? one.now + 1 : -20 });
    drawChanges();
  }

  function drawChanges() {
    changes.replaceChildren(...chosen.map((one, i) => {
      const id = `wi-change-${i}`;
      const says = h("output", { for: id });
      const tellIt = () => setText(says, one.knob.kind === "count"
        ? `${one.knob.now} → ${one.value}` : `${one.value > 0 ? "+" : ""}${one.value} %`);
      const slider = h("input", {
        id, type: "range", min: one.knob.low, max: one.knob.high, step: one.knob.kind === "count" ? 1 : 5, value: one.value,
        oninput: () => { one.value = Number(slider.value); tellIt(); },
      });
      tellIt();
      return h("div", { class: "change" }, h("label", { for: id }, `${one.knob.of}: ${named(one.knob.name)}`), slider, says,
        h("button", { type: "button", "aria-label": `${t("remove")} ${one.knob.of} ${named(one.knob.name)}`,
          onclick: () => { chosen.splice(i, 1); drawChanges(); } }, "×"));
    }));
  }

  async function submit(event) {
    event.preventDefault();
    setText(error, "");
    const texts = chosen.map(({ knob: k, value }) => `${k.path}=${k.kind === "count" ? value : `${value > 0 ? "+" : ""}${value}%`}`);
    try {
      const { id } = await tell("/whatif", {
        line: line.value, title: title.value || t("whatif_default"), changes: texts, span_h: Number(hours.value),
        start: start.value, precision: Number(precision.value),
      });
      compareThese([...ids, id].slice(-MOST));
    } catch (refused) {
      setText(error, refused.message);
    }
  }

  function compareThese(next) {
    ids = next;
    history.replaceState(null, "", `#/whatif${ids.length ? `?compare=${ids.join(",")}` : ""}`);
    show();
    listKept();
  }

  async function show() {
    const mine = ids.join();
    while (!left && mine === ids.join() && ids.length) {
      const found = (await Promise.all(ids.map((id) => ask(`/whatif/${id}`).catch((e) => (e instanceof Refused ? null : undefined)))))
        .filter((one) => one);
      if (left || mine !== ids.join()) return;
      draw(found);
      if (found.every((one) => one.state === "done" || one.state === "failed")) { listKept(); return; }
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    if (!ids.length) results.replaceChildren(h("p", { class: "dim" }, t("ask_first")));
  }

  function draw(found) {
    const ready = found.filter((one) => one.variants.length);
    const first = ready[0];
    const digits = DIGITS[first?.figure] ?? 2;
    const same = ready.filter((one) => one.figure === first.figure && one.line === first.line);
    const rows = [];
    for (const one of same)
      one.variants.forEach((variant, i) => {
        if (i === 0 && rows.length) return;
        rows.push({ name: i ? one.title : t("as_it_is"), mean: variant.mean, half: variant.half_width_95 });
      });
    results.replaceChildren(
      h("h2", {}, first ? `${first.line}: ${t(first.figure)}` : t("loading")),
      rows.length ? intervals(rows, digits, roomOf(results) - 30) : "",
      h("p", { class: "dim" }, t("interval_95")),
      h("div", { class: "scroll" }, h("table", { "aria-label": t("whatif") }, h("thead", {}, h("tr", {},
        [t("scenario"), t("states"), t("replications"), t("difference"), ""].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, found.map(answerRow)))),
      h("p", { class: "dim" }, t("share")));
  }

  function answerRow(one) {
    const last = one.variants.at(-1), base = one.variants[0];
    const sure = last?.gain !== null && Math.abs(last?.gain ?? 0) > (last?.gain_half_width_95 ?? Infinity);
    const state = one.state === "failed" ? `✗ ${t("failed")}: ${one.error}` : one.state === "done" ? `✓ ${t("done")}`
      : one.state === "waiting" ? t("state_waiting") : `${t("running")} ${one.precision === null ? "" : `± ${percent(one.precision, 2)}`}`;
    return h("tr", { "data-state": one.state },
      h("td", {}, h("strong", {}, one.title), h("br"), h("span", { class: "dim" }, last?.differences.join("; ") || t("as_it_is"))),
      h("td", {}, state), h("td", {}, number(one.replications)),
      h("td", {}, last && last.gain !== null ? difference(last, base, DIGITS[one.figure] ?? 2, sure) : "–"),
      h("td", { class: "deeds" }, one.state === "done" ? h("a", { href: `/api/v1/whatif/${one.id}/report`, download: "" }, t("report")) : null,
        one.state === "running" && mayOperate()
          ? h("button", { type: "button", onclick: () => ask(`/whatif/${one.id}`, { method: "DELETE" }) }, t("stop")) : null,
        h("button", { type: "button", "aria-label": `${t("remove")} ${one.title}`, onclick: () => compareThese(ids.filter((id) => id !== one.id)) }, "×")));
  }

  // As a share of what it is now; of nothing there is no share.
  function difference({ gain, gain_half_width_95: half }, { mean }, digits, sure) {
    const told = (value) => (mean ? percent(value / Math.abs(mean), 2) : number(value, digits));
    return `${sure ? (gain > 0 ? "▲ " : "▼ ") : "≈ "}${gain > 0 ? "+" : ""}${told(gain)} ± ${told(half ?? 0)}`;
  }

  async function listKept() {
    const answers = await ask("/whatif").catch(() => []);
    if (left) return;
    kept.replaceChildren(...answers.map((one) => h("li", {},
      h("button", { type: "button", disabled: ids.includes(one.id), onclick: () => compareThese([...ids, one.id].slice(-MOST)) }, t("compare")),
      ` ${one.line} `, h("strong", {}, one.title), h("span", { class: "dim" }, ` ${one.who}, ${dayAndTime(one.at_us, undefined)}`))));
  }

  return { leave: () => { left = true; } };
}
