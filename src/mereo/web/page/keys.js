// What keys do: on the page, and on the photograph.
import { element } from "./elements.js";
import { addClick, clearClicks, stepBack, stepForward } from "./select_panel.js";
import { change, state } from "./state.js";
import { chooseTab } from "./tabs.js";

const LETTERS = "mereo-one-key";
const TABS = { f: "found", s: "select", w: "why", t: "tokens", m: "similar" };
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function connectKeys({ chooseLevel }) {
  const dialog = element("keys");
  element("show-keys").addEventListener("click", () => dialog.showModal());
  connectOneKey(element("one-key"));
  addEventListener("keydown", (event) => {
    if (event.key === "Alt") change({ isAltDown: true });
    if (dialog.open || event.defaultPrevented) return;
    const key = event.key.toLowerCase(), isTyping = event.target.matches("select, input:not([type=range]):not([type=radio]):not([type=checkbox])");
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      if (key === "y" || event.shiftKey) stepForward(); else stepBack();
      return;
    }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length === 1 && !element("one-key").checked) return;
    if (key === "?") { event.preventDefault(); dialog.showModal(); return; }
    if (key === "o") { event.preventDefault(); element("open").click(); return; }
    if (!state.parse) return;
    if (key === "escape") clearClicks();
    else if (key === ",") chooseLevel(state.level - 1);
    else if (key === ".") chooseLevel(state.level + 1);
    else if (key in TABS) chooseTab(TABS[key], true);
    else if (/^[1-9]$/.test(key)) {
      const radio = document.querySelectorAll('input[name="view"]')[Number(key) - 1];
      if (radio) change({ view: radio.value, pinned: null, lit: null });
    }
  });
  addEventListener("keyup", (event) => { if (event.key === "Alt") change({ isAltDown: false }); });
  // Its release is told to the window that was gone to.
  addEventListener("blur", () => change({ isAltDown: false }));
  connectCross(element("canvas"));
}

// Who dictates, or touches keys by chance, switches off those that are one letter, number or sign (WCAG 2.1.4).
function connectOneKey(box) {
  try { box.checked = localStorage.getItem(LETTERS) !== "off"; } catch { /* A browser that keeps nothing forgets it. */ }
  box.addEventListener("change", () => {
    try { localStorage.setItem(LETTERS, box.checked ? "on" : "off"); } catch { /* As above. */ }
  });
}

// Arrow keys move a cross over the photograph; Enter and Backspace click there.
function connectCross(canvas) {
  canvas.addEventListener("focus", () => {
    // Focus by the mouse needs no cross: the pointer is there.
    if (state.parse && canvas.matches(":focus-visible") && !state.cross) {
      change({ cross: { x: Math.floor(state.parse.width / 2), y: Math.floor(state.parse.height / 2) } });
    }
  });
  canvas.addEventListener("blur", () => change({ cross: null }));
  canvas.addEventListener("keydown", (event) => {
    const { parse } = state;
    if (!parse) return;
    const middle = { x: Math.floor(parse.width / 2), y: Math.floor(parse.height / 2) }, at = state.cross ?? state.hovered ?? middle;
    if (event.key in MOVES) {
      event.preventDefault();
      const step = Math.max(1, Math.round(Math.max(parse.width, parse.height) * (event.shiftKey ? 0.08 : 0.012)));
      const [dx, dy] = MOVES[event.key], within = (value, size) => Math.min(size - 1, Math.max(0, value));
      const cross = { x: within(at.x + dx * step, parse.width), y: within(at.y + dy * step, parse.height) };
      // The cross goes when the photograph is left; the panels still ask about this place.
      change({ cross, place: cross });
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      change({ cross: at });
      addClick(at, event.altKey !== (state.mode === "take"));
    } else if (event.key === "Backspace" || event.key === "Delete") {
      event.preventDefault();
      change({ cross: at });
      addClick(at, true);
    }
  });
}
