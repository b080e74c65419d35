// What the page knows, in one place. Whoever changes it says what; whoever shows it is told, once a frame.
import { element } from "./elements.js";

export const state = {
  service: null,       // /v1/parsers: parsers, default, index, labels, limits
  parser: "", besideParser: "",
  opened: [],          // photographs of this visit, the newest first: { id, source }; see sources.js
  parse: null, beside: null,
  view: "objects", opacity: 0.6, level: 1, mode: "add",
  hovered: null, cross: null, isAltDown: false, // a pixel of the photograph, where the pointer is; where the keys are
  place: null,                                  // where arrow keys went since the last click: panels ask about it
  lit: null, pinned: null,                      // rows of the list of what was found
  heat: null, heatLevel: 1, token: null,        // heat and token say of which photograph and parser they are
};

const watchers = new Set();
let changed = null;

export function watch(watcher) { watchers.add(watcher); }

export function change(values) {
  Object.assign(state, values);
  tell(Object.keys(values));
}

export function tell(names) {
  if (changed) { names.forEach((name) => changed.add(name)); return; }
  changed = new Set(names);
  requestAnimationFrame(() => {
    const told = changed;
    changed = null;
    for (const watcher of watchers) watcher(told);
  });
}

export const isOf = (answer, parse) => answer.photograph === parse.photograph && answer.parser === parse.parser;

// An answer may come when something else is shown; whoever asked looks here first.
export const isShown = (parse) => state.parse !== null && isOf(parse, state.parse);

// The parse, and the one beside it.
export const shownParses = () => [state.parse, state.beside].filter(Boolean);

let announcing = 0;
export function announce(text) {
  const place = element("announced");
  place.textContent = "";
  clearTimeout(announcing);
  announcing = setTimeout(() => { place.textContent = text; }, 60);
}
