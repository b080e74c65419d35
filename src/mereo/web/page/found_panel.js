// The list of what was found: classes of the view's task, segments, or words for views without a list.
import { regions } from "./edits.js";
import { drawn, element, inWords, made, partInWords } from "./elements.js";
import { SURE_STOPS, TITLES } from "./layers.js";
import { percent } from "./maps.js";
import { paintedShares } from "./painted_label.js";
import { change, shownParses, state } from "./state.js";
import { termsOf } from "./told_of_parsers.js";


export const swatch = (colour) =>
  drawn("svg", { viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true" },
    drawn("rect", { x: 0.5, y: 0.5, width: 15, height: 15, rx: 3.5, fill: colour }));

const ABOUT = {
  photograph: "Choose another view below the photograph, or read what was found.",
  groups: "Each group wears the mean colour of what it shows. Change the level below the photograph.",
  confidence: "How sure the parser is of its object at each pixel.",
  heat: "Where the groups are that speak for the answer.",
  token: "Where the chosen token looks.",
  label: "What you painted, later regions over earlier ones.",
};

// Views with a list of their own that are no task.
const OWN_LISTS = ["segments", "label"];

function rowsOf(parse, view) {
  if (view === "segments") {
    const { colours } = parse.tasks.objects;
    return parse.segments.map((segment, index) => ({
      index, colour: colours[segment.class], name: inWords(segment.name) + (segment.number ? " #" + segment.number : ""), share: segment.share,
    }));
  }
  const task = parse.tasks[view] || parse.tasks.objects, shares = view === "label" ? paintedShares(parse, regions()) : task.shares;
  const told = view === "parts" ? partInWords : inWords;
  return shares.map(([index, share]) => ({ index, colour: task.colours[index], name: told(task.classes[index]), share }));
}

// Of two parsers each row has both shares, and what only the other one found follows.
function withOther(rows, own, other) {
  const shares = new Map(other.shares.map(([index, share]) => [other.classes[index], share]));
  const both = rows.map((row) => ({ ...row, otherShare: shares.get(own.classes[row.index]) ?? 0 }));
  const found = new Set(rows.map((row) => own.classes[row.index]));
  const others = other.shares.filter(([index]) => !found.has(other.classes[index]));
  return [...both, ...others.map(([index, share]) =>
    ({ index: null, colour: other.colours[index], name: inWords(other.classes[index]), share: 0, otherShare: share }))];
}

// Without "no part", which is no kind of part.
const kindsIn = ({ shares, classes }) => shares.filter(([index]) => classes[index] !== "rest").length;

function kindsFound(task, other) {
  if (other) return state.parse.parser + " found " + kindsIn(task) + ", " + state.beside.parser + " " + kindsIn(other) + "; shares of both";
  return kindsIn(task) + (kindsIn(task) === 1 ? " kind" : " kinds") + " found";
}

export function showFound() {
  const { parse, view } = state;
  if (!parse) return;
  const task = parse.tasks[view], other = task && state.beside?.tasks[view];
  const rows = other ? withOther(rowsOf(parse, view), task, other) : rowsOf(parse, view);
  element("found-title").textContent = task ? task.title : TITLES[OWN_LISTS.includes(view) ? view : "objects"];
  element("found-about").textContent = task?.derived
    ? "Derived: these labels follow from other classes."
    : view === "segments" ? parse.segments.length + " segments" + (state.beside ? " of " + parse.parser : "") + ", the largest first"
    : ABOUT[view] || kindsFound(task ?? parse.tasks.objects, other);
  const scene = element("scene"), words = [];
  if (parse.scene) words.push("Scene: " + inWords(parse.scene.name) + (parse.scene.derived ? " (derived)" : ""));
  if (parse.image_texture) words.push("texture of the whole: " + inWords(parse.image_texture));
  scene.hidden = !words.length;
  scene.textContent = words.join("; ");
  showShares(rows);
  const canPin = Boolean(task) || OWN_LISTS.includes(view);
  const list = element("found"), focused = list.contains(document.activeElement) ? document.activeElement.dataset.row : null;
  list.replaceChildren(...rows.slice(0, 300).map((row) => rowElement(row, canPin)));
  if (focused) list.querySelector(`[data-row="${focused}"]`)?.focus();
  element("terms").textContent = termsOf(shownParses());
  showScale(view);
}

function rowElement(row, canPin) {
  const shares = [row.share, row.otherShare].filter((share) => share !== undefined).map((share) => (share ? percent(share) : "-"));
  const name = made("span", { textContent: row.name }), share = made("span", { textContent: shares.join(" | "), className: "share" });
  if (row.index === null) return made("li", { className: "other" }, swatch(row.colour), name, share);
  const button = made("button", { type: "button" }, swatch(row.colour), name, share);
  button.dataset.row = row.index;
  if (canPin) {
    button.setAttribute("aria-pressed", String(state.pinned === row.index));
    button.addEventListener("click", () => change({ pinned: state.pinned === row.index ? null : row.index }));
    button.addEventListener("pointerenter", () => change({ lit: row.index }));
    button.addEventListener("pointerleave", () => change({ lit: null }));
  } else {
    button.addEventListener("click", () => change({ view: "objects", pinned: row.index }));
  }
  return made("li", {}, button);
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
    const bar = drawn("rect", { x: left, width: 100 * row.share, height: 4, fill: row.colour });
    left += 100 * row.share;
    return bar;
  });
  element("shares").replaceChildren(...bars);
}

const ENDS = { confidence: ["unsure", "sure"], heat: ["says nothing", "speaks for it"], token: ["looks away", "looks here"] };

function showScale(view) {
  document.querySelector("#panel-found .scale-box")?.remove();
  if (!(view in ENDS)) return;
  const parts = SURE_STOPS.map((colour, at) => drawn("rect", { x: at, width: 1.02, height: 1, fill: colour }));
  const scale = drawn("svg", { class: "scale", viewBox: "0 0 5 1", preserveAspectRatio: "none", "aria-hidden": "true" }, ...parts);
  const words = made("p", { className: "quiet ends" }, ...ENDS[view].map((word) => made("span", { textContent: word })));
  element("found-about").after(made("div", { className: "scale-box" }, scale, words));
}
