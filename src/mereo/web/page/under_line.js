// The line below the photograph: what lies under the pointer or the cross, in words.
import { regions } from "./edits.js";
import { element, inWords } from "./elements.js";
import { markFound } from "./found_panel.js";
import { valueAt } from "./maps.js";
import { paintedAt } from "./painted_label.js";
import { state } from "./state.js";

function wordsAt(parse, pixel) {
  const words = [], { objects, parts, materials, texture } = parse.tasks;
  const index = valueAt(objects.map, parse, pixel);
  words.push(inWords(objects.classes[index]));
  for (const task of [parts, materials, texture]) {
    const value = task ? valueAt(task.map, parse, pixel) : null;
    if (value !== null && value < task.classes.length && task.classes[value] !== "rest") words.push(inWords(task.classes[value]));
  }
  const segment = parse.segments[valueAt(parse.segmentMap, parse, pixel)];
  if (segment?.number) words[0] += " #" + segment.number;
  if (parse.confidence) words.push(valueAt(parse.confidence.map, parse, pixel) + " % sure");
  return words.join(", ");
}

// Of two parsers what both say.
export function showUnder() {
  const { parse } = state, at = state.cross ?? state.hovered, under = element("under");
  if (!at) { under.textContent = ""; markFound(null); return; }
  const place = at.x + ", " + at.y + ": ", painted = paintedAt(parse, regions(), at);
  const said = state.beside
    ? parse.parser + " says " + wordsAt(parse, at) + "; " + state.beside.parser + " says " + wordsAt(state.beside, at)
    : wordsAt(parse, at);
  under.textContent = place + said + (painted < 0 ? "" : "; painted as " + inWords(parse.tasks.objects.classes[painted]));
  const map = state.view === "segments" ? parse.segmentMap : (parse.tasks[state.view] ?? parse.tasks.objects).map;
  markFound(state.view === "label" ? painted : valueAt(map, parse, at));
}
