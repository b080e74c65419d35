// What can be undone: clicks, and the regions painted for a label. Each photograph has its own with each parser, and
// finds them again when it is shown again. Each step knows the level of the slider that it had.
import { change, state, tell } from "./state.js";

const MOST_HISTORIES = 48;
const histories = new Map(); // Those of what is not shown, the one left longest ago first.
const fresh = () => ({ edits: { clicks: [], regions: [] }, past: [], future: [], level: null, saved: null });
let key = "", own = fresh();

export const clicks = () => own.edits.clicks;
export const regions = () => own.edits.regions;
export const canUndo = () => own.past.length > 0;
export const canRedo = () => own.future.length > 0;

// Regions are those that were saved as long as they are the same list; undo and redo bring the same lists back.
export const isSaved = ({ edits, saved } = own) => edits.regions === saved;
export const hasUnsaved = () => [own, ...histories.values()].some((one) => one.edits.regions.length > 0 && !isSaved(one));

// What is shown may be another photograph when these are saved.
export function beingSaved() {
  const history = own, { regions } = own.edits;
  return { regions, done: () => { history.saved = regions; } };
}

const now = () => ({ edits: own.edits, level: state.level });

function put({ edits, level }) {
  own.edits = edits;
  change({ level });
  tell(["edits"]);
}

export function edit(values) {
  own.past.push(now());
  own.future.length = 0;
  put({ edits: { ...own.edits, ...values }, level: state.level });
}

export function undo() {
  if (!own.past.length) return false;
  own.future.push(now());
  put(own.past.pop());
  return true;
}

export function redo() {
  if (!own.future.length) return false;
  own.past.push(now());
  put(own.future.pop());
  return true;
}

const keyOf = (sourceKey, parser) => sourceKey + ", " + parser;

// Whether something was done with this photograph, by any parser, that can still be undone.
export const isEdited = (sourceKey) => [...histories.keys()].some((one) => one.startsWith(keyOf(sourceKey, "")));

// Gives the level at which it was left; null where nothing was done yet.
export function turnTo(sourceKey, parser) {
  const newKey = keyOf(sourceKey, parser);
  if (newKey === key) return state.level;
  own.level = state.level;
  if (canUndo() || canRedo()) keep(key, own);
  key = newKey;
  own = histories.get(key) ?? fresh();
  histories.delete(key);
  tell(["edits"]);
  return own.level;
}

function keep(itsKey, history) {
  histories.set(itsKey, history);
  if (histories.size > MOST_HISTORIES) histories.delete(histories.keys().next().value);
}
