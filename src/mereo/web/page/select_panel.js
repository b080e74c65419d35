// The selection: what clicks choose, undo and redo, exports, and regions painted for a label.
import * as api from "./api.js";
import { connectAttempt } from "./attempts.js";
import { allow } from "./buttons.js";
import { beingSaved, canRedo, canUndo, clicks, edit, redo, regions, undo } from "./edits.js";
import { element, inWords, made } from "./elements.js";
import { swatch } from "./found_panel.js";
import { chosenCodes, percent, shareOf, withClick } from "./maps.js";
import { askOf } from "./sources.js";
import { announce, change, isShown, state } from "./state.js";

export function addClick(pixel, takes) {
  if (!pixel || !state.parse?.groups) return;
  const click = { x: pixel.x, y: pixel.y, adds: !takes, level: state.level }, all = withClick(state.parse, clicks(), click);
  if (all.includes(click) || all.length < clicks().length) edit({ clicks: all });
  change({ place: null });
  announce(selectionInWords());
}

export function stepBack() { announce(undo() ? "Undone. " + selectionInWords() : "Nothing to undo."); }
export function stepForward() { announce(redo() ? "Done again. " + selectionInWords() : "Nothing to do again."); }
export function clearClicks() {
  if (clicks().length) edit({ clicks: [] });
  change({ place: null });
  announce(selectionInWords());
}

export function selectionInWords() {
  if (!clicks().length) return "Nothing is chosen yet";
  const share = percent(shareOf(state.parse, chosenCodes(state.parse, clicks())));
  return clicks().length + (clicks().length > 1 ? " clicks choose " : " click chooses ") + share + " of the photograph";
}

export function showSelection() {
  if (!state.parse) return;
  const isAny = clicks().length > 0;
  element("selection").textContent = selectionInWords();
  allow(element("undo"), canUndo());
  allow(element("redo"), canRedo());
  allow(element("clear"), isAny);
  document.querySelectorAll("[data-format]").forEach((button) => allow(button, isAny));
  const canLabel = Boolean(state.service.labels);
  element("labels-about").textContent = canLabel
    ? "Paint the selection as a class; save it, and mereo train learns from it."
    : "Start mereo studio with a folder of photographs, and corrected labels are saved beside them.";
  allow(element("paint"), isAny && canLabel);
  element("label-class").disabled = !canLabel;
  for (const id of ["keep-before", "keep-parse"]) element(id).disabled = !canLabel;
  allow(element("save-labels"), canLabel && regions().length > 0);
}

// Whoever removed a region by a key is next at the one that follows it; behind the last, at Paint.
export function showRegions() {
  const { classes, colours } = state.parse.tasks.objects, list = element("regions");
  const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement);
  list.replaceChildren(...regions().map((region, at) => {
    const share = shareOf(state.parse, chosenCodes(state.parse, region.clicks));
    const name = made("span", { textContent: inWords(region.class) + ", " + percent(share) });
    const remove = made("button", { type: "button", textContent: "Remove" });
    remove.setAttribute("aria-label", "Remove " + inWords(region.class));
    remove.addEventListener("click", () => edit({ regions: regions().filter((_, other) => other !== at) }));
    return made("li", {}, swatch(colours[classes.indexOf(region.class)]), name, remove);
  }));
  const buttons = list.querySelectorAll("button");
  if (focused >= 0) (buttons[Math.min(focused, buttons.length - 1)] ?? element("paint")).focus();
}

export function showClasses() {
  const { classes, shares } = state.parse.tasks.objects;
  const order = [...shares.map(([index]) => index), ...classes.keys()];
  element("label-class").replaceChildren(...[...new Set(order)].map((index) => new Option(inWords(classes[index]), classes[index])));
}

function paint() {
  const name = element("label-class").value;
  // What was painted is seen at once; whoever then looks at another view stays there.
  if (!regions().length) change({ view: "label", pinned: null, lit: null });
  edit({ regions: [...regions(), { class: name, level: state.level, clicks: clicks() }], clicks: [] });
  announce("Painted as " + name + ".");
}

async function exportMask(format) {
  const { parse } = state, { name, parser, width, height } = parse, stem = name.replace(/\.[^.]*$/, "") || "photograph";
  const asked = { parser, level: state.level, clicks: clicks(), format };
  const answer = await askOf(parse, (photograph) => api.mask({ photograph, ...asked }));
  if (format === "png") return download(answer, stem + "-mask.png");
  const segmentation = format === "rle" ? answer.rle : answer.polygon;
  const content = { image: name, width, height, area: answer.area_pixels, segmentation };
  return download(new Blob([JSON.stringify(content)], { type: "application/json" }), stem + "-" + format + ".json");
}

function download(content, name) {
  const link = made("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  announce("Saved as " + name + ".");
}

async function save() {
  const { parse } = state, { regions: painted, done } = beingSaved(), keep = element("keep-before").checked;
  const asked = { parser: parse.parser, regions: painted, keep, keep_parse: element("keep-parse").checked };
  const { saved } = await askOf(parse, (photograph) => api.saveLabels({ photograph, ...asked }));
  done();
  const before = !saved.replaced ? "" : keep ? ", added to the label that was there" : ", in place of the label that was there";
  const told = "Saved as " + saved.name + before;
  // Meanwhile another photograph may be shown, or more be painted on this one.
  if (!isShown(parse) || regions() !== painted) { announce(told + "."); return; }
  const commands = saved.next.map((line) => made("code", { textContent: line }));
  element("saved").replaceChildren(made("span", { textContent: told + "; " + percent(saved.unlabelled) + " left unlabelled. Next:" }), ...commands);
}

export function connectSelection() {
  element("undo").addEventListener("click", stepBack);
  element("redo").addEventListener("click", stepForward);
  element("clear").addEventListener("click", clearClicks);
  element("paint").addEventListener("click", paint);
  connectAttempt(element("save-labels"), save, "Saving the label ...");
  for (const button of document.querySelectorAll("[data-format]")) {
    connectAttempt(button, () => exportMask(button.dataset.format), "Making the mask ...");
  }
  for (const radio of document.querySelectorAll('input[name="mode"]')) {
    radio.addEventListener("change", () => change({ mode: radio.value }));
  }
}
