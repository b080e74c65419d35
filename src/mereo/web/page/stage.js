// One photograph with a view painted over it, the selection, the crosses; tells where it is pointed at and clicked on.
import { chosenCodes, groupAt, groupOf, place } from "./maps.js";
import { clicks, regions } from "./edits.js";
import { layerOf, rgba } from "./layers.js";

const MAX_CANVAS_SIDE = 1400, LONG_PRESS_MS = 480, PRESS_SLOP = 10, SHADE = 0.52;
const EDGE = rgba(255, 255, 255, 0.95), RIM = rgba(10, 12, 15, 0.75), SEAM = rgba(255, 255, 255, 1);
const ADD = "#1f5fd0", TAKE = "#c44e08";
const UNDER = { add: rgba(60, 130, 255, 0.42), take: rgba(240, 110, 30, 0.46) };

export class Stage {
  constructor(figure, { onHover, onClick }) {
    this.figure = figure;
    this.picture = figure.querySelector(".picture");
    this.image = figure.querySelector("img");
    this.canvas = figure.querySelector("canvas");
    this.caption = figure.querySelector("figcaption");
    this.context = this.canvas.getContext("2d");
    this.parse = null;
    this.painted = []; // What it was painted from last.
    this.listen(onHover, onClick);
  }

  // `picture`: an image that is decoded already, so that it never comes after what is painted over it.
  show(parse, picture) {
    this.parse = parse;
    this.figure.hidden = !parse;
    if (!parse) return;
    picture.alt = this.image.alt;
    this.image.replaceWith(picture);
    this.image = picture;
  }

  // The picture fills what room there is, on both axes.
  fit(room) {
    if (!this.parse) return;
    const { width, height } = this.parse;
    const scale = Math.min(this.figure.clientWidth / width, room / height);
    const across = Math.max(32, Math.round(width * scale)), down = Math.max(32, Math.round(height * scale));
    const dense = Math.min(devicePixelRatio || 1, MAX_CANVAS_SIDE / Math.max(across, down));
    this.picture.style.width = across + "px";
    this.picture.style.height = down + "px";
    this.dense = dense;
    this.canvas.width = Math.max(1, Math.round(across * dense));
    this.canvas.height = Math.max(1, Math.round(down * dense));
    this.painted = [];
  }

  // A pointer that moves within a group changes nothing that is seen.
  isPainted(state, hovered, isTaking) {
    const { view, opacity, level, lit, pinned, heat, heatLevel, token, cross, parse } = state;
    const wanted = [
      this.parse, parse, clicks(), regions(), hovered, hovered >= 0 && isTaking,
      view, opacity, level, lit, pinned, heat, heatLevel, token, cross,
    ];
    const isSame = wanted.every((value, at) => Object.is(value, this.painted[at]));
    this.painted = wanted;
    return isSame;
  }

  paint(state) {
    const { parse, canvas, context } = this;
    if (!parse || !canvas.width) return;
    const hovered = this.groupUnder(state), isTaking = state.isAltDown !== (state.mode === "take");
    if (this.isPainted(state, hovered, isTaking)) return;
    const across = canvas.width, down = canvas.height, line = Math.max(1, Math.round(this.dense));
    const picture = context.createImageData(across, down), points = new Uint32Array(picture.data.buffer);
    const layer = layerOf(parse, state);
    const selection = this.selectionOf(state, hovered, isTaking);
    if (layer) paintLayer(points, across, down, line, layer, selection);
    else if (selection) points.fill(0);
    if (selection) paintSelection(points, across, down, line, selection, !layer);
    context.putImageData(picture, 0, 0);
    for (const click of clicks()) this.mark(click);
    if (state.cross) this.drawCross(state.cross);
  }

  // Where a click would reach; -1: nowhere, or nobody is about to click.
  groupUnder(state) {
    const { groups } = this.parse, at = state.cross ?? state.hovered;
    const isChoosing = state.isChoosing || state.view === "groups" || clicks().length > 0;
    return groups && at && isChoosing ? groupAt(this.parse, at, state.level) : -1;
  }

  // What is chosen and what lies under the pointer, by the superpixel's code; null where neither is.
  selectionOf(state, hovered, isTaking) {
    const { parse } = this, { groups } = parse;
    if (!groups || (!clicks().length && hovered < 0)) return null;
    // Heat and weights are read by their colours: what is chosen is outlined there, and nothing is shaded.
    const isShaded = state.view !== "heat" && state.view !== "token";
    const chosen = chosenCodes(parse, clicks());
    // Only where a click would change something.
    const isUnder = Uint8Array.from(chosen, (isChosen, code) =>
      isShaded && hovered >= 0 && Boolean(isChosen) === isTaking && groupOf(groups, code, state.level) === hovered ? 1 : 0);
    return { map: groups.map, chosen, isUnder, isAny: clicks().length > 0, isShaded, under: UNDER[isTaking ? "take" : "add"] };
  }

  onCanvas({ x, y }) {
    return [((x + 0.5) / this.parse.width) * this.canvas.width, ((y + 0.5) / this.parse.height) * this.canvas.height];
  }

  mark(click) {
    const { context, dense } = this, [x, y] = this.onCanvas(click), arm = 4 * dense;
    context.beginPath();
    context.arc(x, y, 8 * dense, 0, 7);
    context.fillStyle = click.adds ? ADD : TAKE;
    context.fill();
    context.strokeStyle = "#fff";
    context.lineWidth = 1.75 * dense;
    context.stroke();
    context.beginPath();
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    if (click.adds) { context.moveTo(x, y - arm); context.lineTo(x, y + arm); }
    context.stroke();
  }

  drawCross(cross) {
    const { context, dense } = this, [x, y] = this.onCanvas(cross);
    for (const [colour, thick] of [["rgba(10, 12, 15, .8)", 4], ["#fff", 1.75]]) {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 5 * dense * dx, y + 5 * dense * dy);
        context.lineTo(x + 14 * dense * dx, y + 14 * dense * dy);
      }
      context.strokeStyle = colour;
      context.lineWidth = thick * dense;
      context.stroke();
    }
  }

  pixelUnder(event) {
    const box = this.picture.getBoundingClientRect(), { width, height } = this.parse;
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    return x >= 0 && y >= 0 && x < width && y < height ? { x, y } : null;
  }

  listen(onHover, onClick) {
    const { picture } = this;
    let pressing = 0, isHeld = false, pointer = "mouse", start = null;
    picture.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") onHover(this.pixelUnder(event), event.altKey);
      else if (start && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > PRESS_SLOP) clearTimeout(pressing);
    });
    picture.addEventListener("pointerleave", (event) => {
      clearTimeout(pressing);
      // What a finger touched last stays told below.
      if (event.pointerType === "mouse") onHover(null, false);
    });
    picture.addEventListener("pointerdown", (event) => {
      clearTimeout(pressing);
      // A second finger makes a pinch of it.
      if (!event.isPrimary) return;
      pointer = event.pointerType;
      isHeld = false;
      start = event;
      if (pointer === "mouse") return;
      const pixel = this.pixelUnder(event);
      pressing = setTimeout(() => { isHeld = true; onHover(pixel, false); onClick(pixel, true); }, LONG_PRESS_MS);
    });
    for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => clearTimeout(pressing));
    picture.addEventListener("contextmenu", (event) => { if (pointer !== "mouse") event.preventDefault(); });
    picture.addEventListener("click", (event) => {
      // A long press has already taken away.
      if (!isHeld) {
        // A finger hovers nowhere: where it touches is what it points at.
        if (pointer !== "mouse") onHover(this.pixelUnder(event), false);
        onClick(this.pixelUnder(event), event.altKey);
      }
      isHeld = false;
    });
  }
}

const placesOf = (count, cells) => Uint32Array.from({ length: count }, (_, at) => place(at, count, cells));

function paintLayer(points, across, down, line, layer, selection) {
  const { map, colours, keys } = layer;
  const columns = placesOf(across, map.width), rows = placesOf(down, map.height);
  const seam = layer.line ? (SEAM & 0x00ffffff) | (Math.round(layer.line * 200) << 24) : 0;
  for (let y = 0, at = 0; y < down; y++) {
    const row = rows[y] * map.width, above = rows[Math.max(0, y - line)] * map.width;
    for (let x = 0; x < across; x++, at++) {
      const code = map.values[row + columns[x]];
      points[at] = colours[code];
      if (!seam) continue;
      const left = map.values[row + columns[Math.max(0, x - line)]], over = map.values[above + columns[x]];
      if (keys ? keys[left] !== keys[code] || keys[over] !== keys[code] : left !== code || over !== code) points[at] = seam >>> 0;
    }
  }
}

// Darkens what is not chosen and draws a double edge, visible on light and on dark; tints what lies under the pointer.
function paintSelection(points, across, down, line, { map, chosen, isUnder, isAny, isShaded, under }, isBare) {
  const columns = placesOf(across, map.width), rows = placesOf(down, map.height);
  const underRed = under & 255, underGreen = (under >> 8) & 255, underBlue = (under >> 16) & 255;
  for (let y = 0, at = 0; y < down; y++) {
    const row = rows[y] * map.width;
    const above = rows[Math.max(0, y - line)] * map.width, twiceAbove = rows[Math.max(0, y - 2 * line)] * map.width;
    for (let x = 0; x < across; x++, at++) {
      const code = map.values[row + columns[x]], own = chosen[code];
      if (isAny) {
        const left = chosen[map.values[row + columns[Math.max(0, x - line)]]], over = chosen[map.values[above + columns[x]]];
        if (left !== own || over !== own) { points[at] = EDGE; continue; }
        const far = chosen[map.values[row + columns[Math.max(0, x - 2 * line)]]], high = chosen[map.values[twiceAbove + columns[x]]];
        if (far !== own || high !== own) { points[at] = RIM; continue; }
        if (!isShaded) continue;
        if (!own) points[at] = shaded(points[at], SHADE);
        // Of what is chosen the photograph itself is seen, whatever the view paints elsewhere.
        else if (!isBare) points[at] = (points[at] & 0x00ffffff) | (((points[at] >>> 24) * 0.55) << 24);
      }
      if (isUnder[code]) points[at] = mixed(points[at], underRed, underGreen, underBlue, (under >>> 24) / 255);
    }
  }
}

const shaded = (point, opacity) => mixed(point, 10, 12, 15, opacity);

// A colour laid over another, both with an opacity.
function mixed(point, red, green, blue, opacity) {
  const below = (point >>> 24) / 255, whole = opacity + below * (1 - opacity);
  if (whole === 0) return 0;
  const part = opacity / whole, rest = 1 - part;
  return rgba((point & 255) * rest + red * part, ((point >> 8) & 255) * rest + green * part, ((point >> 16) & 255) * rest + blue * part, whole);
}
