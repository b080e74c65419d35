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
import { chooseTab, chosenTab } from "./tabs.js";

export function addClick(pixel, takes) {
  if (!pixel || !state.parse?.groups) return;
  // What was chosen, and how to go back, is told there.
  if (chosenTab() === "found") chooseTab("select");
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

// Labels of one folder are all of the same classes, in the same order.
function hasClassesOfLabels() {
  const begun = state.service.label_classes, { classes } = state.parse.tasks.objects;
  return !begun || (begun.length === classes.length && begun.every((name, at) => name === classes[at]));
}

const differingClass = () => {
  const begun = state.service.label_classes, { classes } = state.parse.tasks.objects;
  return begun.find((name) => !classes.includes(name)) ?? classes.find((name) => !begun.includes(name)) ?? begun[0];
};

export function showSelection() {
  if (!state.parse) return;
  const isAny = clicks().length > 0;
  element("selection").textContent = selectionInWords();
  allow(element("undo"), canUndo());
  allow(element("redo"), canRedo());
  allow(element("clear"), isAny);
  document.querySelectorAll("[data-format]").forEach((button) => allow(button, isAny));
  const canLabel = Boolean(state.service.labels) && hasClassesOfLabels();
  element("labels-about").textContent = !state.service.labels
    ? "Start mereo studio with a folder of photographs, and corrected labels are saved beside them."
    : canLabel ? "Paint the selection as a class; save it, and mereo train learns from it."
    : "The labels in this folder were begun with a parser of other classes (" + inWords(differingClass()) + "): choose that one to go on, or rename mereo_labels.";
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
  state.service.label_classes ??= parse.tasks.objects.classes;
  const before = !saved.replaced ? "" : keep ? ", added to the label that was there" : ", in place of the label that was there";
  const told = "Saved as " + saved.name + before;
  // Meanwhile another photograph may be shown, or more be painted on this one.
  if (!isShown(parse) || regions() !== painted) { announce(told + "."); return; }
  // A line that begins with # is a remark, as in a shell.
  const commands = saved.next.filter((line) => !line.startsWith("#"));
  const after = saved.next.map((line) => commands.includes(line) ? made("code", { textContent: line }) : made("p", { textContent: line.replace(/^#\s*/, "") }));
  const words = told + "; " + percent(saved.unlabelled) + " left unlabelled." + (commands.length ? " Next:" : "");
  element("saved").replaceChildren(made("span", { textContent: words }), ...after);
  element("saved").scrollIntoView?.({ block: "nearest" });
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
