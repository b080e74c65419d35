// What the page knows, in one place. Whoever changes it says what; whoever shows it is told, once a frame.

export const state = {
  service: null,       // /v1/parsers: parsers, default, index, labels, limits
  parser: "", besideParser: "",
  opened: [],          // photographs of this visit: { id, name, source }
  parse: null, beside: null,
  view: "objects", opacity: 0.6, level: 1, mode: "add",
  hovered: null, cross: null, isAltDown: false, // a pixel of the photograph, where the pointer is; where the keys are
  lit: null, pinned: null,                      // rows of the list of what was found
  heat: null, heatLevel: 1, token: null,
};

// What can be undone: clicks, and the regions painted for a label.
const past = [], future = [];
let edits = { clicks: [], regions: [] };
const watchers = new Set();
let changed = null;

export function watch(watcher) { watchers.add(watcher); }

export function change(values) {
  Object.assign(state, values);
  tell(Object.keys(values));
}

function tell(names) {
  if (changed) { names.forEach((name) => changed.add(name)); return; }
  changed = new Set(names);
  requestAnimationFrame(() => {
    const told = changed;
    changed = null;
    for (const watcher of watchers) watcher(told);
  });
}

export const clicks = () => edits.clicks;
export const regions = () => edits.regions;
export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;

function put(values) { edits = values; tell(["edits"]); }

export function edit(values) {
  past.push(edits);
  future.length = 0;
  put({ ...edits, ...values });
}

export function undo() {
  if (!past.length) return false;
  future.push(edits);
  put(past.pop());
  return true;
}

export function redo() {
  if (!future.length) return false;
  past.push(edits);
  put(future.pop());
  return true;
}

export function forgetEdits() {
  past.length = future.length = 0;
  put({ clicks: [], regions: [] });
}

let announcing = 0;
export function announce(text) {
  const place = document.getElementById("announced");
  place.textContent = "";
  clearTimeout(announcing);
  announcing = setTimeout(() => { place.textContent = text; }, 60);
}
