// What a view paints over the photograph: a map of codes, a colour for each code, and where borders are drawn.
import { regions } from "./edits.js";
import { made } from "./elements.js";
import { groupOf } from "./maps.js";
import { paintedClasses } from "./painted_label.js";
import { isOf } from "./state.js";

// Bytes in memory are red, green, blue, opacity on every machine that runs a browser.
export const rgba = (red, green, blue, opacity) =>
  ((Math.round(opacity * 255) << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
const fromHex = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

export const TITLES = {
  photograph: "Photograph", objects: "Objects", parts: "Parts", materials: "Materials", texture: "Texture",
  segments: "Segments", groups: "Groups", confidence: "Confidence", heat: "Why?", token: "Token", label: "Label",
};

// From unsure to sure, and from cold to hot: dark to light, told apart by every reader.
const SURE = ["#2d0a4e", "#7a1f6d", "#c8415b", "#f3873b", "#fbe37a"];
export const SURE_STOPS = SURE;
function onScale(stops, at) {
  const scaled = Math.min(0.9999, Math.max(0, at)) * (stops.length - 1), first = Math.floor(scaled), rest = scaled - first;
  const [from, to] = [fromHex(stops[first]), fromHex(stops[first + 1])];
  return from.map((value, channel) => value + rest * (to[channel] - value));
}

export function viewsOf(parse, { heat, token }) {
  const views = ["photograph", ...Object.keys(parse.tasks), "segments"];
  if (parse.groups) views.push("groups");
  if (parse.confidence) views.push("confidence");
  if (heat) views.push("heat");
  if (token) views.push("token");
  if (regions().length) views.push("label");
  return views;
}

// A row of the list is a class of one parse; in another parser's parse it is the class of the same name, or -1: none.
// Segments have no such names; of the label both show the first one's.
export function sameRow(row, view, parse, other) {
  if (view === "label") return row;
  if (row === null || !(view in parse.tasks) || !(view in other.tasks)) return null;
  return other.tasks[view].classes.indexOf(parse.tasks[view].classes[row]);
}

// The colours of the other parser's classes beside the first one's: a class of the same name has the same, any other one
// that the first does not use.
export function coloursBeside(task, own) {
  const free = own.colours.filter((colour) => !task.colours.includes(colour));
  return own.classes.map((name, index) => {
    const shared = task.classes.indexOf(name);
    if (shared >= 0) return task.colours[shared];
    return free.shift() ?? own.colours[index];
  });
}

// { map, colours (one a code), keys (codes with unlike keys have a border between them), line }
export function layerOf(parse, state) {
  const { view, opacity } = state, chosenRow = state.lit ?? state.pinned;
  if (view in parse.tasks) {
    const task = parse.tasks[view];
    const colours = task.colours.map((colour, index) =>
      rgba(...fromHex(colour), chosenRow === null || chosenRow === index ? opacity : 0.08 * opacity));
    return { map: task.map, colours: Uint32Array.from([...colours, 0]), line: 0.75 * opacity };
  }
  if (view === "segments") {
    const { colours } = parse.tasks.objects;
    const fills = parse.segments.map((segment, index) =>
      rgba(...fromHex(colours[segment.class]), chosenRow === null || chosenRow === index ? opacity : 0.08 * opacity));
    return { map: parse.segmentMap, colours: Uint32Array.from([...fills, 0]), line: 1 };
  }
  if (view === "groups" && parse.groups) {
    const { groups } = parse, num = groups.pixelsOf.length;
    const keys = Int32Array.from({ length: num }, (_, code) => groupOf(groups, code, state.level));
    return { map: groups.map, colours: meanColours(parse, keys, opacity), keys, line: 0.8 };
  }
  // Of two parsers both show it: the regions are those of the first one's classes and groups.
  if (view === "label" && regions().length) {
    const { groups, tasks } = state.parse, keys = paintedClasses(state.parse, regions());
    const colours = Uint32Array.from(keys, (index) => index < 0 ? 0
      : rgba(...fromHex(tasks.objects.colours[index]), chosenRow === null || chosenRow === index ? opacity : 0.08 * opacity));
    return { map: groups.map, colours, keys, line: 0.75 * opacity };
  }
  if (view === "confidence" && parse.confidence) {
    const colours = Uint32Array.from({ length: 101 }, (_, percents) => rgba(...onScale(SURE, percents / 100), opacity));
    return { map: parse.confidence.map, colours, line: 0 };
  }
  if (view === "heat" && state.heat && isOf(state.heat, parse) && parse.groups) {
    const level = state.heat.levels[Math.min(state.heatLevel, state.heat.levels.length) - 1];
    const colours = Uint32Array.from({ length: parse.groups.pixelsOf.length }, (_, code) =>
      code ? rgba(...onScale(SURE, level.heat[code - 1] / 100), opacity * (0.35 + 0.0065 * level.heat[code - 1])) : 0);
    return { map: parse.groups.map, colours, line: 0 };
  }
  if (view === "token" && state.token && isOf(state.token, parse)) {
    const colours = Uint32Array.from({ length: 256 }, (_, weight) =>
      rgba(...onScale(SURE, weight / 255), opacity * (0.35 + (0.65 * weight) / 255)));
    return { map: state.token.map, colours, line: 0 };
  }
  return null;
}

// Groups wear the mean colour of what they show.
function meanColours({ colourSums }, keys, opacity) {
  const sums = new Map();
  keys.forEach((key, code) => {
    const sum = sums.get(key) ?? sums.set(key, [0, 0, 0, 0]).get(key);
    for (let channel = 0; channel < 4; channel++) sum[channel] += colourSums[4 * code + channel];
  });
  // Opaque enough to read as an area: a mean colour hides less than it seems to.
  const opaque = Math.min(1, 0.35 + opacity);
  return Uint32Array.from(keys, (key, code) => {
    const [red, green, blue, count] = sums.get(key);
    return code && count ? rgba(red / count, green / count, blue / count, opaque) : 0;
  });
}

// Red, green, blue and number of the pixels of each superpixel's code, in the picture at the map's size.
export function colourSumsOf(image, { map, pixelsOf }) {
  const pixels = drawnSmall(image, map).getContext("2d").getImageData(0, 0, map.width, map.height).data;
  const sums = new Float64Array(4 * pixelsOf.length);
  map.values.forEach((code, at) => {
    for (let channel = 0; channel < 3; channel++) sums[4 * code + channel] += pixels[4 * at + channel];
    sums[4 * code + 3] += 1;
  });
  return sums;
}

export function drawnSmall(image, { width, height }) {
  const canvas = made("canvas", { width, height });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0, width, height);
  return canvas;
}
