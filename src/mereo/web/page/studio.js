// The studio: opens photographs, keeps the stages, the list and the panels in step with what is known.
import * as api from "./api.js";
import * as asking from "./asking_panels.js";
import { attempt, connectAttempts } from "./attempts.js";
import { connectButtons } from "./buttons.js";
import { hasUnsaved, isSaved, turnTo } from "./edits.js";
import { element, inWords, made } from "./elements.js";
import { showFound } from "./found_panel.js";
import { connectKeys } from "./keys.js";
import { coloursBeside, sameRow, TITLES, viewsOf } from "./layers.js";
import { chooseLevel, levelToStartWith, showLevel } from "./level_slider.js";
import { percent } from "./maps.js";
import { connectPhotographs } from "./photographs.js";
import { addClick, connectSelection, showClasses, showRegions, showSelection } from "./select_panel.js";
import { parsesFrom, remember } from "./sources.js";
import { Stage } from "./stage.js";
import { announce, change, isShown, shownParses, state, watch } from "./state.js";
import { connectTabs } from "./tabs.js";
import { choiceOf, warningsOf } from "./told_of_parsers.js";
import { showUnder } from "./under_line.js";

const point = { onHover: (pixel, isAltDown) => change({ hovered: pixel, isAltDown, ...(pixel ? { cross: null } : {}) }) };
const stage = new Stage(element("stage"), { ...point, onClick: choosePixel });
const beside = new Stage(element("stage-beside"), { ...point, onClick: choosePixel });
const WELCOME = element("welcome-title").textContent;
let opening = null; // What is being opened: { source, control }. An older one that comes later is dropped.

function choosePixel(pixel, isOther) {
  change({ cross: null });
  addClick(pixel, isOther !== (state.mode === "take"));
}

async function open(source) {
  opening?.control.abort();
  const own = (opening = { source, control: new AbortController() });
  element("welcome-title").textContent = "Parsing " + source.name + " ...";
  const found = await attempt(async () => {
    await started();
    return parsesFrom(source, state, own.control.signal);
  }, { progress: "Parsing " + source.name + " ..." });
  if (opening !== own) return;
  opening = null;
  element("welcome-title").textContent = WELCOME;
  if (found) show(...found); else chooseParsers(state.parse, state.beside);
}

// Nothing is waited for in here: the page is never half of one photograph and half of another.
function show(first, second = { parse: null }) {
  const { parse } = first, isKnown = isShown(parse);
  for (const [name, task] of Object.entries(second.parse?.tasks ?? {})) {
    if (name in parse.tasks) task.colours = coloursBeside(parse.tasks[name], task);
  }
  element("welcome").hidden = true;
  element("skip").hidden = false;
  for (const id of ["stages", "controls", "panels"]) element(id).hidden = false;
  stage.show(first.parse, first.picture);
  beside.show(second.parse, second.picture);
  element("stages").classList.toggle("two", Boolean(second.parse));
  stage.image.alt = "Photograph " + parse.name;
  if (!isKnown) asking.forgetAnswers();
  const { heat, token } = isKnown ? state : { heat: null, token: null };
  const level = turnTo(parse.source.key, parse.parser) ?? levelToStartWith(parse), views = viewsOf(parse, { heat, token });
  remember(parse);
  change({
    parse, beside: second.parse, hovered: null, cross: null, pinned: null, lit: null, heat, token,
    place: state.parse?.source.key === parse.source.key ? state.place : null,
    level: Math.min(level, parse.groups?.levels.length ?? 1), view: views.includes(state.view) ? state.view : "objects",
  });
  showClasses();
  asking.showQuestions();
  asking.showTokensReady();
  asking.showSimilarReady();
  const found = parse.tasks.objects.shares.slice(0, 4).map(([index, share]) => inWords(parse.tasks.objects.classes[index]) + " " + percent(share));
  announce(parse.name + ": " + found.join(", "));
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

function paint() {
  const shown = { ...state, isChoosing: element("tab-select").getAttribute("aria-selected") === "true" };
  stage.paint(shown);
  if (!state.beside) return;
  const row = (index) => sameRow(index, state.view, state.parse, state.beside);
  beside.paint({ ...shown, lit: row(state.lit), pinned: row(state.pinned) });
}

function showViews() {
  const views = viewsOf(state.parse, state), legend = element("views").querySelector("legend");
  const focused = element("views").contains(document.activeElement) ? document.activeElement.value : null;
  element("views").replaceChildren(legend, ...views.map((view) => {
    const radio = made("input", { type: "radio", name: "view", value: view, checked: view === state.view });
    radio.addEventListener("change", () => change({ view, pinned: null, lit: null }));
    return made("label", {}, radio, made("span", { textContent: state.parse.tasks[view]?.title ?? TITLES[view] }));
  }));
  if (focused) element("views").querySelector(`[value="${focused}"]`)?.focus();
}

function showCaptions() {
  const { parse } = state;
  stage.caption.textContent = (state.beside ? parse.parser + ": " : "") + parse.name + ", " + parse.width + " \u00d7 " + parse.height;
  beside.caption.textContent = state.beside ? state.beside.parser : "";
  const warnings = warningsOf(shownParses());
  element("warnings").hidden = !warnings.length;
  element("warnings").replaceChildren(...warnings.map((warning) => made("p", { textContent: warning })));
}

watch((changed) => {
  const any = (...names) => names.some((name) => changed.has(name));
  if (any("opened", "parse")) photographs.showOpened();
  if (!state.parse) return;
  // The last region may be gone, and the view of the label with it.
  if (any("edits") && !viewsOf(state.parse, state).includes(state.view)) change({ view: "objects", pinned: null, lit: null });
  if (any("edits") && !isSaved()) element("saved").replaceChildren();
  if (any("parse", "beside")) { showCaptions(); fit(); }
  if (any("parse", "heat", "token", "view", "edits")) showViews();
  if (any("parse", "level")) showLevel();
  if (any("parse", "beside", "view") || (any("edits") && state.view === "label")) showFound();
  if (any("edits", "level", "parse")) showSelection();
  if (any("edits", "parse")) showRegions();
  if (any("heat", "parse")) asking.showHeats();
  if (any("heat", "heatLevel", "view", "parse")) asking.markHeats();
  if (any("hovered", "cross", "view", "parse", "pinned", "edits")) showUnder();
  paint();
});

const photographs = connectPhotographs(open);

// Whatever is on its way is asked for anew, of the parsers that are chosen now.
function againWithParsers() {
  const source = opening?.source ?? state.parse?.source;
  if (source) open(source);
}

// Where opening failed, the choice goes back to what is shown.
function chooseParsers(parse, besideParse) {
  if (!parse) return;
  change({ parser: parse.parser, besideParser: besideParse?.parser ?? "" });
  element("parser").value = state.parser;
  element("beside").value = state.besideParser;
}

let starting = null;
// Whoever opens a photograph waits for it; what failed is tried again.
const started = () => (starting ??= start().catch((error) => { starting = null; throw error; }));

async function start() {
  const service = await api.parsers();
  change({ service, parser: service.default });
  const options = () => service.parsers.map((one) => Object.assign(new Option(), choiceOf(one)));
  element("parser").replaceChildren(...options());
  element("parser").value = service.default;
  element("beside").replaceChildren(new Option("nothing", ""), ...options());
  element("beside-field").hidden = service.parsers.filter(({ error }) => !error).length < 2;
  attempt(photographs.showFolder);
}

element("parser").addEventListener("change", (event) => { change({ parser: event.target.value }); againWithParsers(); });
element("beside").addEventListener("change", (event) => { change({ besideParser: event.target.value }); againWithParsers(); });
element("opacity").addEventListener("input", (event) => change({ opacity: event.target.value / 100 }));
element("level").addEventListener("input", (event) => chooseLevel(Number(event.target.value)));
addEventListener("resize", fit);
// The browser then asks whether to leave.
addEventListener("beforeunload", (event) => { if (hasUnsaved()) event.preventDefault(); });
connectButtons();
connectAttempts();
connectTabs(() => paint());
connectKeys({ chooseLevel });
connectSelection();
asking.connectQuestions(open);
attempt(started);
