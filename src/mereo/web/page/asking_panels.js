// Why?, tokens and similar surroundings: questions that the service answers.
import * as api from "./api.js";
import { connectAttempt } from "./attempts.js";
import { allow } from "./buttons.js";
import { clicks } from "./edits.js";
import { drawn, element, inWords, made } from "./elements.js";
import { percent } from "./maps.js";
import { askOf, ofFolder } from "./sources.js";
import { announce, change, isOf, isShown, state } from "./state.js";

const NAMES = { object: "Object", part: "Part", material: "Material", scene: "Scene", texture: "Texture" };
const lastPlace = () => { const last = state.place ?? clicks().at(-1); return last ? { x: last.x, y: last.y } : null; };

let leaving = new AbortController(); // Of the questions about the photograph that is shown.

const words = (content, className = "") => made("span", { textContent: content, className });
const title = (content) => made("strong", { textContent: content });

// Nobody waits for the answer any more when another photograph is shown.
function ask(parse, how, content) {
  const { signal } = leaving;
  return askOf(parse, (photograph) => how({ photograph, ...content }, signal), signal);
}

function told(id, content) {
  element(id).textContent = content;
}

// ---- why?

export function showQuestions() {
  const known = state.service.parsers.find((one) => one.name === state.parse.parser), questions = known?.questions ?? {};
  const tasks = Object.keys(questions);
  element("why-task").replaceChildren(...tasks.map((task) => new Option(NAMES[task] ?? task, task)));
  showAnswers();
  const canAsk = state.parse.can.why;
  for (const id of ["why-task", "why-class"]) element(id).disabled = !canAsk;
  allow(element("ask-why"), canAsk);
  element("why-about").textContent = canAsk
    ? "Which groups speak for an answer, at each level (Grad-CAM on the graph of groups)."
    : "This parser has no graph of groups to ask; choose one that groups, for one everyday.";
}

export function showAnswers() {
  const known = state.service.parsers.find((one) => one.name === state.parse.parser);
  const task = element("why-task").value, names = known?.questions?.[task] ?? [];
  // What was found comes first: that is what one asks about.
  const found = { object: "objects", part: "parts", material: "materials" }[task];
  const first = found && state.parse.tasks[found] ? state.parse.tasks[found].shares.map(([index]) => state.parse.tasks[found].classes[index]) : [];
  const scene = task === "scene" && state.parse.scene ? [state.parse.scene.name] : [];
  element("why-class").replaceChildren(...[...new Set([...scene, ...first.filter((name) => names.includes(name)), ...names])].map((name) => new Option(inWords(name), name)));
}

async function askWhy() {
  const { parse } = state, { parser } = parse, question = element("why-task").value + "=" + element("why-class").value;
  const answer = await ask(parse, api.why, { parser, question });
  if (!isShown(parse)) return;
  told("told", answer.told);
  // The first level that tells places apart: where nothing or everything is hot there is little to see.
  const telling = answer.levels.find(({ heat }) => new Set(heat).size > 1) ?? answer.levels[0];
  change({ heat: { photograph: parse.photograph, parser, levels: answer.levels }, heatLevel: telling.level, view: "heat" });
}

export function showHeats() {
  const { heat, parse } = state;
  element("heats").replaceChildren(...(heat && isOf(heat, parse) ? heat.levels : []).map((level) => {
    const { groups } = parse;
    const hot = level.heat.reduce((sum, value, at) => sum + (value >= 50 ? groups.pixelsOf[at + 1] : 0), 0) / groups.map.values.length;
    const nodes = words("Level " + level.level + ", " + level.nodes + (level.nodes === 1 ? " node" : " nodes"));
    const says = words(level.heat.some((value) => value > 0) ? "hot: " + percent(hot) : "says nothing", "quiet");
    const button = made("button", { type: "button" }, nodes, says);
    button.dataset.level = level.level;
    button.addEventListener("click", () => change({ heatLevel: level.level, view: "heat" }));
    return made("li", {}, button);
  }));
}

// Marked in place: a button made anew would have lost the focus.
export function markHeats() {
  for (const button of document.querySelectorAll("#heats button")) {
    button.setAttribute("aria-pressed", String(state.view === "heat" && state.heatLevel === Number(button.dataset.level)));
  }
}

// ---- tokens

export function showTokensReady() {
  const can = state.parse.can.tokens;
  allow(element("ask-tokens"), can);
  element("tokens-about").textContent = can
    ? "What each token of this parser looks at, the heaviest first. Click on a place first to ask about it."
    : "This parser gathers no tokens; choose one that does, for one concepts.";
}

async function askTokens() {
  const { parse } = state, { parser } = parse, place = lastPlace();
  const answer = await ask(parse, api.tokens, { parser, ...(place ?? {}) });
  if (!isShown(parse)) return;
  told("tokens-told", answer.tokens.length + " tokens" + (place ? ", those that look at " + place.x + ", " + place.y + " most first" : ", the heaviest first"));
  element("tokens").replaceChildren(...answer.tokens.map((token) => tokenCard(token, parse)));
}

function tokenCard(token, parse) {
  const weights = Uint8Array.from(atob(token.weights), (letter) => letter.charCodeAt(0));
  const map = { width: token.width, height: token.height, values: Uint32Array.from(weights) };
  const small = made("canvas", { width: map.width, height: map.height });
  const context = small.getContext("2d"), picture = context.createImageData(map.width, map.height);
  weights.forEach((weight, at) => picture.data.set([weight, weight, weight, 255], 4 * at));
  context.putImageData(picture, 0, 0);
  const classes = token.classes.slice(0, 2).map(([name, share]) => inWords(name) + " " + percent(share)).join(", ");
  const button = made("button", { type: "button" }, small, title("Token " + token.token), words(classes, "quiet"));
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    document.querySelectorAll("#tokens button").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    change({ token: { photograph: parse.photograph, parser: parse.parser, map }, view: "token" });
    announce("Token " + token.token + ": " + classes);
  });
  return made("li", {}, button);
}

// ---- similar surroundings

export function showSimilarReady() {
  const { index } = state.service, select = element("similar-class");
  element("similar-about").textContent = index
    ? "Click on a place; the " + index.segments + " segments of the index are searched for what is most like the segment there."
    : "No index is open. Build one with mereo index build FOLDER --out FOLDER.index, then start mereo studio FOLDER.";
  allow(element("ask-similar"), Boolean(index));
  for (const id of ["similar-class", "not-this"]) element(id).disabled = !index;
  // Classes of the index, whichever parser is shown; filled once, so that a choice stays.
  if (!select.options.length) select.replaceChildren(new Option("any", ""), ...(index?.classes ?? []).map((name) => new Option(inWords(name), name)));
}

async function askSimilar(open) {
  const { parse } = state, place = lastPlace();
  if (!place) { told("similar-told", "Click on a place of the photograph first, or go there with the arrow keys."); return; }
  const asked = { ...place, class: element("similar-class").value || null, not_this: element("not-this").checked };
  const answer = await ask(parse, api.find, asked);
  if (!isShown(parse)) return;
  told("similar-told", answer.found.length + (answer.found.length === 1 ? " segment" : " segments") + " like this " + inWords(answer.query.class) + " of " + parse.name + ", the most alike first");
  element("similar").replaceChildren(...answer.found.map((found) => foundCard(found, open)));
}

// A photograph of the studio's folder is opened from its card; what else an index knows cannot be.
function foundCard(found, open) {
  const isHere = Number.isInteger(found.folder);
  const image = made("img", { src: "data:image/jpeg;base64," + found.thumbnail, alt: inWords(found.class) + " in " + found.image });
  const [left, top, right, bottom] = found.shown_xyxy, [x0, y0, x1, y1] = found.box_xyxy;
  const box = drawn("svg", { viewBox: [left, top, right - left, bottom - top].join(" "), "aria-hidden": "true" },
    drawn("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0 }));
  const about = [title(inWords(found.class)), words(found.image + ", distance " + found.distance.toFixed(3), "quiet")];
  const card = made(isHere ? "button" : "div", isHere ? { type: "button", title: "Open " + found.image } : {}, made("span", { className: "boxed" }, image, box), ...about);
  const middle = { x: Math.floor((x0 + x1) / 2), y: Math.floor((y0 + y1) / 2) };
  if (isHere) card.addEventListener("click", () => openFound(ofFolder(found.folder, found.image), middle, open));
  return made("li", {}, card);
}

// The cross says where in the photograph; what else was found stays, to go on from.
async function openFound(source, middle, open) {
  const cards = [...element("similar").children], words = element("similar-told").textContent;
  await open(source);
  if (state.parse.source.key !== source.key) return;
  told("similar-told", words);
  element("similar").replaceChildren(...cards);
  change({ cross: middle, place: middle });
}

export function forgetAnswers() {
  leaving.abort();
  leaving = new AbortController();
  for (const id of ["told", "tokens-told", "similar-told", "saved"]) told(id, "");
  for (const id of ["heats", "tokens", "similar"]) element(id).replaceChildren();
}

export function connectQuestions(open) {
  element("why-task").addEventListener("change", showAnswers);
  connectAttempt(element("ask-why"), askWhy, "Asking why ...");
  connectAttempt(element("ask-tokens"), askTokens, "Asking for the tokens ...");
  connectAttempt(element("ask-similar"), () => askSimilar(open), "Searching the index ...");
}
