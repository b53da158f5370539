import { alarmTable, isFault, keyOf, pastTable, seenOf } from "/static/alarm_table.js";
import { h } from "/static/dom.js";
import { ask, lines, mayOperate, tell, value } from "/static/twin.js";
import { t } from "/static/words.js";

const BACK = 8 * 3600e6;
const FLOOD = 10, FLOOD_IN = 600e6, CHATTER = 3, CHATTER_IN = 60e6;

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

  const seenBy = (line, unit, alarm, since) => acknowledged[keyOf(line, unit, alarm, since)];

  function standingAlarm(line, unit, alarm, since) {
    return {
      line, unit, alarm, since, seen: seenBy(line, unit, alarm, since),
      shakes: chattering.has(`${line.id}|${unit}|${alarm}`),
      deed: mayOperate()
        ? h("button", { type: "button", onclick: () => open(line, unit, alarm, since) }, t("acknowledge")) : null,
    };
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
    active.replaceChildren(alarmTable(t("active"), standing.map(([line, unit, , alarm, , since]) => standingAlarm(line, unit, alarm, since))));
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
      seenOf(line, told.acknowledged, acknowledged);
      const spells = told.spells.filter(([unit, alarm]) => isFault(line, unit, alarm));
      const came = {};
      for (const [unit, alarm, since] of spells) (came[`${line.id}|${unit}|${alarm}`] ??= []).push(since);
      for (const [name, times] of Object.entries(came))
        if (times.some((at, i) => i + CHATTER <= times.length && times[i + CHATTER - 1] - at <= CHATTER_IN)) chattering.add(name);
      flooded ||= spells.filter(([, , since]) => since > now - FLOOD_IN).length > FLOOD;
      for (const [unit, alarm, since, until] of spells) if (until !== null)
        rows.push({ line, unit, alarm, since, until, seen: seenBy(line, unit, alarm, since), shakes: chattering.has(`${line.id}|${unit}|${alarm}`) });
    }
    flood.hidden = !flooded;
    past.replaceChildren(...pastTable(t("past_alarms"), rows));
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
