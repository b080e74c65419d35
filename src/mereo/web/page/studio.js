// The studio: fetches parses, keeps the stages, the list and the panels in step with what is known.
import * as api from "./api.js";
import * as asking from "./asking_panels.js";
import { markFound, showFound } from "./found_panel.js";
import { connectKeys } from "./keys.js";
import { pixelsAt, TITLES, viewsOf } from "./layers.js";
import { percent, prepared, valueAt } from "./maps.js";
import { connectPhotographs, remember } from "./photographs.js";
import { addClick, connectSelection, showClasses, showSelection } from "./select_panel.js";
import { Stage } from "./stage.js";
import { announce, change, forgetEdits, state, watch } from "./state.js";
import { connectTabs } from "./tabs.js";
import { connectTheme } from "./theme.js";

const element = (id) => document.getElementById(id);
const point = { onHover: (pixel, isAltDown) => change({ hovered: pixel, isAltDown, ...(pixel ? { cross: null } : {}) }) };
const stage = new Stage(element("stage"), { ...point, onClick: choosePixel });
const beside = new Stage(element("stage-beside"), { ...point, onClick: choosePixel });
let asked = null; // What the newest parse waits for: an older one that comes later is dropped.

function choosePixel(pixel, isOther) {
  change({ cross: null });
  addClick(pixel, isOther !== (state.mode === "take"));
}

// One thing at a time that may fail: its sentence is shown, and the page stays as it was.
async function attempt(action, progress) {
  element("problem").hidden = true;
  if (progress) {
    element("progress").textContent = progress;
    element("progress").hidden = false;
  }
  try {
    return await action();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    element("problem").querySelector("span").textContent = error.message;
    element("problem").hidden = false;
    return undefined;
  } finally {
    if (progress && !asked) element("progress").hidden = true;
  }
}

async function open(name, parseWith) {
  asked?.abort();
  const own = (asked = new AbortController());
  const answers = await attempt(async () => {
    // The service knows no names of files; whoever opened one does.
    const first = { ...prepared(await parseWith(state.parser, own.signal)), name };
    const second = state.besideParser ? prepared(await api.parseAgain(first.photograph, state.besideParser, own.signal)) : null;
    return [first, second];
  }, "Parsing " + name + " ...");
  if (asked !== own) return;
  asked = null;
  element("progress").hidden = true;
  if (answers) await show(...answers);
}

async function show(parse, second) {
  const source = api.pictureOf(parse.photograph), isSame = state.parse?.photograph === parse.photograph;
  element("welcome").hidden = true;
  for (const id of ["stages", "controls", "panels"]) element(id).hidden = false;
  for (const [one, its] of [[stage, parse], [beside, second]]) {
    one.show(its);
    if (!its) continue;
    if (one.image.getAttribute("src") !== source) one.image.src = source;
    await one.image.decode().catch(() => undefined);
    if (its.groups) its.pixels = pixelsAt(one.image, its.groups.map);
  }
  element("stages").classList.toggle("two", Boolean(second));
  stage.image.alt = "Photograph " + parse.name;
  const isKnown = isSame && state.parse.parser === parse.parser;
  if (!isKnown) { forgetEdits(); asking.forgetAnswers(); }
  const { heat, token } = isKnown ? state : { heat: null, token: null }, views = viewsOf(parse, { heat, token });
  remember(parse);
  change({
    parse, beside: second, cross: null, pinned: null, lit: null, heat, token,
    level: isKnown ? state.level : levelToStartWith(parse), view: views.includes(state.view) ? state.view : "objects",
  });
  showClasses();
  asking.showQuestions();
  asking.showTokensReady();
  asking.showSimilarReady();
  const found = parse.tasks.objects.shares.slice(0, 4).map(([index, share]) => parse.tasks.objects.classes[index] + " " + percent(share));
  announce(parse.name + ": " + found.join(", "));
}

// About a dozen groups: few enough to see, small enough to choose things by.
function levelToStartWith({ groups }) {
  if (!groups) return 1;
  const distances = groups.levels.map(({ num }) => Math.abs(Math.log(num / 12)));
  return distances.indexOf(Math.min(...distances)) + 1;
}

function fit() {
  if (!state.parse) return;
  const isNarrow = matchMedia("(max-width: 720px)").matches;
  const below = 230 + (element("warnings").hidden ? 0 : element("warnings").offsetHeight + 10);
  const room = Math.max(220, isNarrow ? innerHeight * 0.55 : innerHeight - below);
  stage.fit(room);
  beside.fit(room);
  paint();
}

const shown = () => ({ ...state, isChoosing: element("tab-select").getAttribute("aria-selected") === "true" });
function paint() { stage.paint(shown()); beside.paint(shown()); }

function showViews() {
  const views = viewsOf(state.parse, state), legend = element("views").querySelector("legend");
  const focused = element("views").contains(document.activeElement) ? document.activeElement.value : null;
  element("views").replaceChildren(legend, ...views.map((view) => {
    const label = document.createElement("label"), radio = document.createElement("input"), title = document.createElement("span");
    Object.assign(radio, { type: "radio", name: "view", value: view, checked: view === state.view });
    radio.addEventListener("change", () => change({ view, pinned: null, lit: null }));
    title.textContent = state.parse.tasks[view]?.title ?? TITLES[view];
    label.append(radio, title);
    return label;
  }));
  if (focused) element("views").querySelector(`[value="${focused}"]`)?.focus();
}

function showLevel() {
  const { groups } = state.parse, slider = element("level");
  slider.disabled = !groups;
  if (!groups) return;
  const count = groups.levels[state.level - 1].num, isLast = state.level === groups.levels.length;
  const words = "level " + state.level + " of " + groups.levels.length + ": " + (isLast && count === 1 ? "the whole picture" : count + (count === 1 ? " group" : " groups"));
  slider.max = groups.levels.length;
  slider.value = state.level;
  slider.setAttribute("aria-valuetext", words);
  element("level-name").textContent = words;
}

export function chooseLevel(level) {
  if (!state.parse?.groups || level < 1 || level > state.parse.groups.levels.length) return;
  change({ level });
  announce(element("level-name").textContent);
}

// What lies under the pointer or the cross, in words; of two parsers what both say.
function wordsAt(parse, pixel) {
  const words = [], { objects, parts, materials } = parse.tasks;
  const index = valueAt(objects.map, parse, pixel);
  words.push(objects.classes[index]);
  for (const task of [parts, materials]) {
    const value = task ? valueAt(task.map, parse, pixel) : null;
    if (value !== null && value < task.classes.length && task.classes[value] !== "rest") words.push(task.classes[value]);
  }
  const segment = parse.segments[valueAt(parse.segmentMap, parse, pixel)];
  if (segment?.instance_id) words[0] += " #" + segment.instance_id;
  if (parse.confidence) words.push(valueAt(parse.confidence.map, parse, pixel) + " % sure");
  return words.join(", ");
}

function showUnder() {
  const { parse } = state, at = state.cross ?? state.hovered, under = element("under");
  if (!at) { under.textContent = ""; markFound(null); return; }
  const place = at.x + ", " + at.y + ": ";
  under.textContent = state.beside
    ? place + parse.parser + " says " + wordsAt(parse, at) + "; " + state.beside.parser + " says " + wordsAt(state.beside, at)
    : place + wordsAt(parse, at);
  const map = state.view === "segments" ? parse.segmentMap : (parse.tasks[state.view] ?? parse.tasks.objects).map;
  markFound(valueAt(map, parse, at));
}

function showCaptions() {
  const { parse } = state;
  stage.caption.textContent = (state.beside ? parse.parser + ": " : "") + parse.name + ", " + parse.width + " \u00d7 " + parse.height;
  beside.caption.textContent = state.beside ? state.beside.parser : "";
  element("warnings").hidden = !parse.warnings.length;
  element("warnings").replaceChildren(...parse.warnings.map((warning) => { const line = document.createElement("p"); line.textContent = warning.charAt(0).toUpperCase() + warning.slice(1) + "."; return line; }));
}

watch((changed) => {
  if (!state.parse) return;
  const any = (...names) => names.some((name) => changed.has(name));
  if (any("parse", "beside")) { showCaptions(); fit(); }
  if (any("parse", "heat", "token", "view")) showViews();
  if (any("parse", "level")) showLevel();
  if (any("parse", "view")) showFound();
  if (any("opened", "parse")) photographs.showOpened();
  if (any("edits", "level", "parse")) showSelection();
  if (any("heat", "heatLevel", "view", "parse")) asking.showHeats();
  if (any("hovered", "cross", "view", "parse", "pinned")) showUnder();
  paint();
});

const photographs = connectPhotographs(
  (file) => open(file.name, (parser, signal) => api.parseFile(file, parser, signal)),
  (number, name) => open(name, (parser, signal) => api.parseFolder(number, parser, signal)),
  (kept) => open(kept.name, (parser, signal) => api.parseAgain(kept.id, parser, signal)),
);

function againWithParsers() {
  const parse = state.parse;
  if (parse) open(parse.name, (parser, signal) => api.parseAgain(parse.photograph, parser, signal));
}

async function start() {
  const service = await api.parsers();
  change({ service, parser: service.default });
  const options = () => service.parsers.map((one) => Object.assign(new Option(one.name, one.name), { title: one.title }));
  element("parser").replaceChildren(...options());
  element("parser").value = service.default;
  element("beside").replaceChildren(new Option("nothing", ""), ...options());
  element("beside-field").hidden = service.parsers.length < 2;
  await photographs.showFolder();
}

element("parser").addEventListener("change", (event) => { change({ parser: event.target.value }); againWithParsers(); });
element("beside").addEventListener("change", (event) => { change({ besideParser: event.target.value }); againWithParsers(); });
element("opacity").addEventListener("input", (event) => change({ opacity: event.target.value / 100 }));
element("level").addEventListener("input", (event) => chooseLevel(Number(event.target.value)));
element("close-problem").addEventListener("click", () => { element("problem").hidden = true; });
addEventListener("resize", fit);
connectTabs(() => paint());
connectTheme();
connectKeys({ chooseLevel });
connectSelection(attempt);
asking.connectQuestions(attempt);
attempt(start);
