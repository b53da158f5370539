// States as colour, letter and word: never by colour alone.

import { h } from "/static/dom.js";
import { t } from "/static/words.js";

export const ORDER = ["E", "s", "b", "F", "H", "-", "i", "t", "?"];
const NAMES = {
  E: "execute", s: "starved", b: "blocked", F: "fault", H: "held", "-": "stopped", i: "idle",
  t: "moving", "?": "unknown",
};

export const stateClass = (letter) => `state-${NAMES[letter] ?? "unknown"}`;
export const stateWord = (letter) => t(`state_${letter}`);

export function legend(letters = ["E", "s", "b", "F", "H", "-", "?"]) {
  return h("ul", { class: "legend", "aria-label": t("states") },
    letters.map((letter) => h("li", {},
      h("span", { class: `tile ${stateClass(letter)}`, "aria-hidden": "true" }, letter),
      stateWord(letter))));
}
