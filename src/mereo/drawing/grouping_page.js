"use strict";
(() => {
  // The same rule as interaction/clicks.py: a click reaches its superpixel's group at the level, negative clicks win.
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("data").textContent);
  const [height, width] = data.size;
  const map = decodedRuns(data.map); // 0: no superpixel, else its number plus one.
  const numCodes = data.levels[0].groups.length + 1;
  const pixelsOf = new Float64Array(numCodes);
  for (const code of map.segments) pixelsOf[code] += 1;
  const stage = element("stage"), canvas = element("canvas"), context = canvas.getContext("2d");
  const ADD = "#1f5fd0", TAKE = "#c44e08", LONG_PRESS_MS = 480, PRESS_SLOP = 10, MAX_CANVAS_SIDE = 1800;
  let clicks = data.clicks.map(([x, y, isPositive]) => ({ x, y, isPositive }));
  let level = data.level, mode = "add", view = "photograph", hovered = 0, cross = null, cells = null, isAltDown = false;

  const share = (part) =>
    part <= 0 ? "0 %" : part < 0.001 ? "< 0.1 %" : part < 0.0995 ? (100 * part).toFixed(1) + " %" : (100 * part).toFixed(0) + " %";
  // The cell of the map in which the middle of a pixel lies, along one axis.
  const place = (at, pixels, cellsAlong) => Math.floor(((2 * at + 1) * cellsAlong) / (2 * pixels));
  const codeAt = (x, y) => map.segments[place(y, height, map.height) * map.width + place(x, width, map.width)];
  const groupOf = (code) => (code ? data.levels[level - 1].groups[code - 1] : -1);

  function chosenCodes() {
    const reached = { true: new Set(), false: new Set() };
    for (const click of clicks) reached[click.isPositive].add(groupOf(codeAt(click.x, click.y)));
    return Uint8Array.from({ length: numCodes }, (_, code) =>
      code && reached.true.has(groupOf(code)) && !reached.false.has(groupOf(code)) ? 1 : 0);
  }

  function fit() {
    const frame = element("frame");
    const isNarrow = matchMedia("(max-width: 860px)").matches;
    const room = isNarrow ? innerHeight * 0.62 : frame.clientHeight;
    const scale = Math.min(frame.clientWidth / width, room / height);
    const across = Math.max(24, Math.round(width * scale)), down = Math.max(24, Math.round(height * scale));
    stage.style.width = across + "px";
    stage.style.height = down + "px";
    const dense = Math.min(devicePixelRatio || 1, MAX_CANVAS_SIDE / Math.max(across, down));
    canvas.width = Math.max(1, Math.round(across * dense));
    canvas.height = Math.max(1, Math.round(down * dense));
    // Which superpixel each point of the canvas shows: borders are drawn as fine as the screen is.
    cells = new Uint16Array(canvas.width * canvas.height);
    const columns = Uint32Array.from({ length: canvas.width }, (_, x) => place(x, canvas.width, map.width));
    for (let y = 0, at = 0; y < canvas.height; y++) {
      const row = place(y, canvas.height, map.height) * map.width;
      for (let x = 0; x < canvas.width; x++) cells[at++] = map.segments[row + columns[x]];
    }
    paint();
  }

  // Bytes in memory are red, green, blue, opacity on every machine that runs a browser.
  const rgba = (red, green, blue, opacity) => ((Math.round(opacity * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  const SHADE = rgba(10, 12, 15, 0.62), SEAM = rgba(10, 12, 15, 0.6), EDGE = rgba(255, 255, 255, 0.95);
  const BORDER = rgba(255, 255, 255, 0.3), NOTHING = 0;
  const UNDER = { add: rgba(60, 130, 255, 0.42), take: rgba(240, 110, 30, 0.42) };

  function paint() {
    const chosen = chosenCodes();
    const across = canvas.width, down = canvas.height, line = Math.max(1, Math.round(across / stage.clientWidth));
    const isAny = chosen.includes(1), group = groupOf(hovered), asked = isAltDown ? "take" : mode;
    const groups = Int32Array.from({ length: numCodes }, (_, code) => groupOf(code));
    const fills = Uint32Array.from({ length: numCodes }, (_, code) =>
      hovered && groups[code] === group ? UNDER[asked] : isAny && !chosen[code] ? SHADE : NOTHING);
    const picture = context.createImageData(across, down), points = new Uint32Array(picture.data.buffer);
    const showsBorders = view === "photograph";
    for (let y = 0, at = 0; y < down; y++) {
      for (let x = 0; x < across; x++, at++) {
        const code = cells[at];
        const left = x >= line ? cells[at - line] : code, above = y >= line ? cells[at - line * across] : code;
        if (left === code && above === code && !isAny) { points[at] = fills[code]; continue; }
        const own = chosen[code];
        if (isAny && (chosen[left] !== own || chosen[above] !== own)) points[at] = EDGE;
        else if (isAny && !own && isBeside(at, x, y, 2 * line, across, down, chosen)) points[at] = SEAM;
        else if (showsBorders && fills[code] === NOTHING && (groups[left] !== groups[code] || groups[above] !== groups[code])) points[at] = BORDER;
        else points[at] = fills[code];
      }
    }
    context.putImageData(picture, 0, 0);
    const dense = across / stage.clientWidth;
    for (const click of clicks) drawMark(click, dense);
    if (cross) drawCross(dense);
    tell(chosen);
  }

  function isBeside(at, x, y, reach, across, down, chosen) {
    return (x >= reach && chosen[cells[at - reach]] === 1) || (x + reach < across && chosen[cells[at + reach]] === 1) ||
      (y >= reach && chosen[cells[at - reach * across]] === 1) || (y + reach < down && chosen[cells[at + reach * across]] === 1);
  }

  const onCanvas = (click) => [((click.x + 0.5) / width) * canvas.width, ((click.y + 0.5) / height) * canvas.height];

  function drawMark(click, dense) {
    const [x, y] = onCanvas(click), arm = 4 * dense;
    context.beginPath();
    context.arc(x, y, 8 * dense, 0, 7);
    context.fillStyle = click.isPositive ? ADD : TAKE;
    context.fill();
    context.strokeStyle = "#fff";
    context.lineWidth = 1.75 * dense;
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    if (click.isPositive) {
      context.moveTo(x, y - arm);
      context.lineTo(x, y + arm);
    }
    context.stroke();
  }

  function drawCross(dense) {
    const [x, y] = onCanvas(cross);
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

  function tell(chosen) {
    const part = chosen.reduce((sum, isChosen, code) => sum + (isChosen ? pixelsOf[code] : 0), 0) / map.segments.length;
    const found = data.levels[level - 1];
    element("level-name").textContent = "Level " + level + " of " + data.levels.length;
    element("level-about").textContent = found.about;
    element("status").textContent = clicks.length
      ? clicks.length + (clicks.length > 1 ? " clicks choose " : " click chooses ") + share(part) + " of the photograph"
      : "Nothing is chosen yet";
    element("undo").disabled = element("clear").disabled = !clicks.length;
    element("save").disabled = !part;
    const slider = element("level");
    slider.value = level;
    slider.setAttribute("aria-valuetext", "Level " + level + ": " + found.about);
    [...document.querySelectorAll("#levels a")].forEach((card, at) => card.setAttribute("aria-current", String(at === level - 1)));
  }

  function tellUnder() {
    const group = groupOf(hovered);
    let part = 0, pieces = 0;
    if (hovered) data.levels[level - 1].groups.forEach((one, at) => { if (one === group) { part += pixelsOf[at + 1]; pieces += 1; } });
    element("under").textContent = hovered
      ? "Under the pointer: " + share(part / map.segments.length) + ", " + pieces + (pieces > 1 ? " superpixels" : " superpixel") : "";
  }

  function hover(code) {
    const isSame = groupOf(code) === groupOf(hovered) && Boolean(code) === Boolean(hovered);
    hovered = code;
    if (!isSame) { tellUnder(); paint(); }
  }

  function pixelUnder(event) {
    const box = stage.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * width), y = Math.floor(((event.clientY - box.top) / box.height) * height);
    return x >= 0 && y >= 0 && x < width && y < height ? { x, y } : null;
  }

  function add(pixel, isPositive) {
    if (!pixel) return;
    clicks.push({ x: pixel.x, y: pixel.y, isPositive });
    element("saved").textContent = "";
    paint();
  }

  function undo() {
    clicks.pop();
    element("saved").textContent = "";
    paint();
  }

  function choose(wanted) {
    if (wanted < 1 || wanted > data.levels.length) return;
    level = wanted;
    element("saved").textContent = "";
    showView();
    tellUnder();
    paint();
  }

  function showView() {
    const picture = element("picture");
    picture.src = view === "groups" ? data.levels[level - 1].picture : data.photograph;
    picture.alt = view === "groups" ? "The groups of level " + level : "The photograph";
  }

  function chooseMode(wanted) {
    mode = wanted;
    document.querySelector(`input[name="mode"][value="${wanted}"]`).checked = true;
    paint();
  }

  // Written here and not from the pictures: of pictures on a disk a browser does not give out the pixels.
  function save() {
    const chosen = chosenCodes(), whole = document.createElement("canvas");
    whole.width = width;
    whole.height = height;
    const inWhole = whole.getContext("2d"), row = inWhole.createImageData(width, 1), points = new Uint32Array(row.data.buffer);
    const columns = Uint32Array.from({ length: width }, (_, x) => place(x, width, map.width));
    for (let y = 0; y < height; y++) {
      const start = place(y, height, map.height) * map.width;
      for (let x = 0; x < width; x++) points[x] = chosen[map.segments[start + columns[x]]] ? 0xffffffff : 0xff000000;
      inWhole.putImageData(row, 0, y);
    }
    whole.toBlob((content) => {
      if (!content) {
        element("saved").textContent = "The photograph is too large for this browser; mereo group writes its mask.";
        return;
      }
      const link = document.createElement("a");
      link.href = URL.createObjectURL(content);
      link.download = data.mask;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      element("saved").textContent = "Saved as " + data.mask + ", " + width + " \u00d7 " + height + " pixels";
    }, "image/png");
  }

  let pointerType = "mouse", pressing = 0, isHeld = false, start = null;
  stage.addEventListener("pointerdown", (event) => {
    clearTimeout(pressing);
    // A second finger makes a pinch of it.
    if (!event.isPrimary) return;
    start = event;
    pointerType = event.pointerType;
    isHeld = false;
    if (cross) { cross = null; paint(); }
    if (pointerType === "mouse") return;
    const pixel = pixelUnder(event);
    pressing = setTimeout(() => { isHeld = true; add(pixel, mode !== "add"); }, LONG_PRESS_MS);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) stage.addEventListener(end, () => clearTimeout(pressing));
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") {
      // A finger that moves scrolls.
      if (start && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > PRESS_SLOP) clearTimeout(pressing);
      return;
    }
    isAltDown = event.altKey;
    const pixel = pixelUnder(event);
    hover(pixel ? codeAt(pixel.x, pixel.y) : 0);
  });
  stage.addEventListener("pointerleave", () => hover(0));
  stage.addEventListener("click", (event) => {
    // A finger that was held has clicked already.
    if (!isHeld) add(pixelUnder(event), (mode === "add") !== event.altKey);
    isHeld = false;
  });
  stage.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    if (pointerType === "mouse") add(pixelUnder(event), mode !== "add");
  });
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  stage.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step) {
      const far = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / 50));
      const from = cross || { x: width >> 1, y: height >> 1 };
      const within = (value, most) => Math.min(most - 1, Math.max(0, value));
      cross = cross ? { x: within(from.x + far * step[0], width), y: within(from.y + far * step[1], height) } : from;
      hovered = codeAt(cross.x, cross.y);
      tellUnder();
      paint();
    } else if ((event.key === "Enter" || event.key === " ") && cross) add(cross, (mode === "add") !== event.altKey);
    else return;
    event.preventDefault();
  });
  stage.addEventListener("blur", () => { cross = null; hover(0); paint(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Alt") { isAltDown = true; if (hovered) paint(); }
    const isUndo = event.key === "Backspace" || ((event.ctrlKey || event.metaKey) && event.key === "z");
    if (isUndo) { event.preventDefault(); return undo(); }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^[1-9]$/.test(event.key)) choose(Number(event.key));
    if (event.key === "+" || event.key === "=") chooseMode("add");
    if (event.key === "-" || event.key === "\u2212") chooseMode("take");
  });
  document.addEventListener("keyup", (event) => { if (event.key === "Alt") { isAltDown = false; if (hovered) paint(); } });
  element("level").addEventListener("input", (event) => choose(Number(event.target.value)));
  document.querySelectorAll('input[name="mode"]').forEach((input) => input.addEventListener("change", () => chooseMode(input.value)));
  document.querySelectorAll('input[name="view"]').forEach((input) =>
    input.addEventListener("change", () => { view = input.value; showView(); paint(); }));
  element("undo").addEventListener("click", undo);
  element("clear").addEventListener("click", () => { clicks = []; element("saved").textContent = ""; paint(); });
  element("save").addEventListener("click", save);
  document.querySelectorAll("#levels a").forEach((card, at) => card.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(at + 1);
    element("viewer").scrollIntoView({ block: "nearest" });
  }));
  addEventListener("resize", fit);
  element("viewer").hidden = false;
  element("level").max = data.levels.length;
  showView();
  fit();
})();
