// The list of what was found: classes of the view's task, segments, or words for views without a list.
import { SURE_STOPS } from "./layers.js";
import { percent } from "./maps.js";
import { change, shownParses, state } from "./state.js";
import { termsOf } from "./told_of_parsers.js";

const SVG = "http://www.w3.org/2000/svg";
const element = (id) => document.getElementById(id);

export function swatch(colour) {
  const icon = document.createElementNS(SVG, "svg"), square = document.createElementNS(SVG, "rect");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("class", "swatch");
  icon.setAttribute("aria-hidden", "true");
  for (const [name, value] of [["x", 0.5], ["y", 0.5], ["width", 15], ["height", 15], ["rx", 3.5], ["fill", colour]]) square.setAttribute(name, value);
  icon.append(square);
  return icon;
}

const ABOUT = {
  photograph: "Choose another view below the photograph, or read what was found.",
  groups: "Each group wears the mean colour of what it shows. Change the level below the photograph.",
  confidence: "How sure the parser is of its object at each pixel.",
  heat: "Where the groups are that speak for the answer.",
  token: "Where the chosen token looks.",
};

function rowsOf(parse, view) {
  if (view === "segments") {
    const { colours } = parse.tasks.objects;
    return parse.segments.map((segment, index) => ({
      index, colour: colours[segment.class], name: segment.name + (segment.instance_id ? " #" + segment.instance_id : ""), share: segment.share,
    }));
  }
  const task = parse.tasks[view] || parse.tasks.objects;
  return task.shares.map(([index, share]) => ({ index, colour: task.colours[index], name: task.classes[index], share }));
}

export function showFound() {
  const { parse, view } = state;
  if (!parse) return;
  const task = parse.tasks[view], rows = rowsOf(parse, view);
  element("found-title").textContent = task ? task.title : view === "segments" ? "Segments" : "Objects";
  element("found-about").textContent = task?.derived
    ? "Derived: these labels follow from other classes."
    : view === "segments" ? parse.segments.length + " segments, the largest first" : ABOUT[view] || rows.length + (rows.length === 1 ? " kind" : " kinds") + " found";
  const scene = element("scene"), words = [];
  if (parse.scene) words.push("Scene: " + parse.scene.name + (parse.scene.derived ? " (derived)" : ""));
  if (parse.image_texture) words.push("texture of the whole: " + parse.image_texture);
  scene.hidden = !words.length;
  scene.textContent = words.join("; ");
  showShares(rows);
  const canPin = Boolean(task) || view === "segments";
  const list = element("found"), focused = list.contains(document.activeElement) ? document.activeElement.dataset.row : null;
  list.replaceChildren(...rows.slice(0, 300).map((row) => rowElement(row, canPin)));
  if (focused) list.querySelector(`[data-row="${focused}"]`)?.focus();
  element("terms").textContent = termsOf(shownParses());
  showScale(view);
}

function rowElement(row, canPin) {
  const item = document.createElement("li"), button = document.createElement("button");
  const name = document.createElement("span"), share = document.createElement("span");
  name.textContent = row.name;
  share.textContent = percent(row.share);
  share.className = "share";
  button.type = "button";
  button.dataset.row = row.index;
  button.append(swatch(row.colour), name, share);
  if (canPin) {
    button.setAttribute("aria-pressed", String(state.pinned === row.index));
    button.addEventListener("click", () => change({ pinned: state.pinned === row.index ? null : row.index }));
    button.addEventListener("pointerenter", () => change({ lit: row.index }));
    button.addEventListener("pointerleave", () => change({ lit: null }));
  } else {
    button.addEventListener("click", () => change({ view: "objects", pinned: row.index }));
  }
  item.append(button);
  return item;
}

// The row under the pointer is marked; nothing is rebuilt for it.
export function markFound(underRow) {
  for (const button of document.querySelectorAll("#found button")) {
    const row = Number(button.dataset.row);
    button.classList.toggle("lit", row === underRow);
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(state.pinned === row));
  }
}

function showShares(rows) {
  let left = 0;
  const bars = rows.map((row) => {
    const bar = document.createElementNS(SVG, "rect");
    for (const [name, value] of [["x", left], ["width", 100 * row.share], ["height", 4], ["fill", row.colour]]) bar.setAttribute(name, value);
    left += 100 * row.share;
    return bar;
  });
  element("shares").replaceChildren(...bars);
}

const ENDS = { confidence: ["unsure", "sure"], heat: ["says nothing", "speaks for it"], token: ["looks away", "looks here"] };

function showScale(view) {
  document.querySelector("#panel-found .scale-box")?.remove();
  if (!(view in ENDS)) return;
  const box = document.createElement("div"), words = document.createElement("p");
  box.className = "scale-box";
  const scale = document.createElementNS(SVG, "svg");
  scale.setAttribute("class", "scale");
  scale.setAttribute("viewBox", "0 0 5 1");
  scale.setAttribute("preserveAspectRatio", "none");
  scale.setAttribute("aria-hidden", "true");
  SURE_STOPS.forEach((colour, at) => {
    const part = document.createElementNS(SVG, "rect");
    for (const [name, value] of [["x", at], ["width", 1.02], ["height", 1], ["fill", colour]]) part.setAttribute(name, value);
    scale.append(part);
  });
  words.className = "quiet ends";
  ENDS[view].forEach((word) => { const end = document.createElement("span"); end.textContent = word; words.append(end); });
  box.append(scale, words);
  element("found-about").after(box);
}
