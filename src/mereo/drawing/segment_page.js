"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("data").textContent);
  const map = decodedRuns(data.map), numSegments = data.classOf.length, lastStep = data.merges.length + 1;
  const stage = element("stage"), canvas = element("canvas"), context = canvas.getContext("2d"), slider = element("step");
  const OPACITY = 0.72, PALE = 0.45;
  let step = 0, view = "prototypes", chosen = data.chosen, cross = null, playing = 0, frame = 0;

  // Bytes in memory are red, green, blue, opacity on every machine that runs a browser.
  const rgba = (colour, opacity) =>
    ((Math.round(opacity * 255) << 24) | ((colour & 255) << 16) | (colour & 0xff00) | (colour >> 16)) >>> 0;
  const WHITE = rgba(0xffffff, 1), DARK = rgba(0x181a1e, 1), LINE = rgba(0xffffff, 0.8), ACCENT = rgba(0x1f5fd0, 1);
  const LIGHT_STRIPE = rgba(0xffffff, 0.75), DARK_STRIPE = rgba(0x0c0c0c, 0.75), MUTED = rgba(0xffffff, PALE);
  const plural = (count) => count + (count === 1 ? " segment" : " segments");
  const degrees = (cosine) => (Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI;
  const angle = (cosine) => (degrees(cosine) < 9.95 ? degrees(cosine).toFixed(1) : degrees(cosine).toFixed(0)) + "\u00b0";
  const apart = (cosine) => angle(cosine) + " apart (cosine " + cosine.toFixed(3) + ")";

  // The segment that stands for each segment's group after some merges, and the prototype's colour of each.
  function groupsAfter(count) {
    const root = Int32Array.from({ length: numSegments }, (_, segment) => segment), colour = data.colours.slice();
    for (const [kept, gone, , merged] of data.merges.slice(0, count)) {
      for (let segment = 0; segment < numSegments; segment++) if (root[segment] === gone) root[segment] = kept;
      colour[kept] = merged;
    }
    return { root, colour };
  }

  function shown() {
    if (step >= lastStep) {
      const root = Int32Array.from(data.group), isShown = root.map(() => 1);
      const classes = data.groupClass.map((index) => data.classes[index][1]);
      return { root, isShown, colour: view === "classes" ? classes : data.groupColours };
    }
    const { root, colour } = groupsAfter(step);
    const classes = data.classOf.map((index) => data.classes[index][1]);
    return { root, isShown: data.isThing, colour: view === "classes" ? classes : colour };
  }

  function paint() {
    const { root, isShown, colour } = shown(), across = map.width, down = map.height, cells = map.segments;
    const line = Math.max(1, Math.round(across / Math.max(1, stage.clientWidth)));
    const isMerge = step >= 1 && step < lastStep, merge = isMerge ? data.merges[step - 1] : null;
    const before = merge ? groupsAfter(step - 1).root : null;
    // Without a colour of its own a segment is one area with all others like it.
    const area = Int32Array.from(root, (one, segment) => (isShown[segment] ? one : -1));
    const fill = Uint32Array.from(root, (one, segment) => (isShown[segment] ? rgba(colour[one], OPACITY) : MUTED));
    const isMerged = Uint8Array.from(root, (one) => (merge && one === merge[0] ? 1 : 0));
    const isGone = Uint8Array.from(root, (_, segment) => (merge && before[segment] === merge[1] ? 1 : 0));
    const isChosen = Uint8Array.from(root, (one) => (chosen !== null && one === root[chosen] ? 1 : 0));
    const picture = context.createImageData(across, down), points = new Uint32Array(picture.data.buffer);
    const stripe = Math.max(2, Math.round(across / 240)), rings = [[isMerged, DARK], [isChosen, ACCENT]];
    for (let y = 0, at = 0; y < down; y++) {
      for (let x = 0; x < across; x++, at++) {
        const segment = cells[at];
        let value = fill[segment];
        if (isGone[segment]) {
          const phase = Math.floor((x + y) / stripe) % 4;
          if (phase === 0) value = LIGHT_STRIPE;
          else if (phase === 2) value = DARK_STRIPE;
        }
        const right = x + line < across ? cells[at + line] : segment, below = y + line < down ? cells[at + line * across] : segment;
        if (area[right] !== area[segment] || area[below] !== area[segment]) value = LINE;
        for (const [isMember, inner] of rings) {
          if (isMember[segment]) continue;
          if (isBeside(isMember, at, x, y, 2 * line, across, down)) value = inner;
          else if (isBeside(isMember, at, x, y, 4 * line, across, down)) value = WHITE;
        }
        points[at] = value;
      }
    }
    context.putImageData(picture, 0, 0);
    for (const [x, y] of data.seeds) disc(x * across, y * down, 4 * line);
    if (cross) drawCross(line);
    tell(merge);
  }

  function isBeside(isMember, at, x, y, reach, across, down) {
    const cells = map.segments;
    return (x >= reach && isMember[cells[at - reach]]) || (x + reach < across && isMember[cells[at + reach]]) ||
      (y >= reach && isMember[cells[at - reach * across]]) || (y + reach < down && isMember[cells[at + reach * across]]);
  }

  function disc(x, y, radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fillStyle = "#181a1e";
    context.strokeStyle = "#fff";
    context.lineWidth = radius / 2;
    context.fill();
    context.stroke();
  }

  function drawCross(line) {
    for (const [colour, thick] of [["#181a1e", 5], ["#fff", 2]]) {
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(cross.x + 5 * line * dx, cross.y + 5 * line * dy);
        context.lineTo(cross.x + 14 * line * dx, cross.y + 14 * line * dy);
      }
      context.strokeStyle = colour;
      context.lineWidth = thick * line;
      context.stroke();
    }
  }

  function tell(merge) {
    const left = step >= lastStep ? data.groupClass.length : numSegments - step;
    element("status").textContent = "Step " + step + " of " + lastStep + ": " + plural(left);
    let told = "The over-segmentation: nothing has merged yet.";
    if (step >= lastStep) told = "The answer: what is no thing became one segment a class.";
    if (merge) told = data.classes[data.classOf[merge[0]]][0] + " " + (merge[1] + 1) + " (hatched) joined " + (merge[0] + 1) + ", " + apart(merge[2]);
    element("merged").textContent = told;
    slider.value = step;
    slider.setAttribute("aria-valuetext", element("status").textContent + ". " + told);
    element("back").disabled = step <= 0;
    element("forth").disabled = step >= lastStep;
    for (const one of document.querySelectorAll("[data-step]")) one.setAttribute("aria-current", String(Number(one.dataset.step) === step));
    const now = element("now");
    if (!now) return;
    const place = (element("chart").dataset.places.split(" ")[step - 1] || "").split(",");
    now.toggleAttribute("hidden", place.length < 2);
    if (place.length === 2) { now.setAttribute("cx", place[0]); now.setAttribute("cy", place[1]); }
  }

  const paintSoon = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(paint); };
  function go(to) { step = Math.max(0, Math.min(lastStep, to)); paintSoon(); }

  // As drawing/segment_words.py says it.
  function choose(segment) {
    chosen = segment;
    const panel = element("segment"), about = document.createElement("p"), list = document.createElement("ol");
    about.textContent = data.about[segment];
    list.className = "joined";
    const members = data.classOf.map((_, one) => [one]);
    data.merges.forEach(([kept, gone, cosine], at) => {
      const isOfKept = members[kept].includes(segment), other = members[isOfKept ? gone : kept];
      if (isOfKept || members[gone].includes(segment)) list.append(joined(at + 1, other, cosine));
      members[kept] = members[kept].concat(members[gone]);
    });
    panel.replaceChildren(about, list);
    paintSoon();
  }

  function joined(number, other, cosine) {
    const item = document.createElement("li"), button = document.createElement("button"), more = other.length - 6;
    const shownOnes = other.slice(0, 6).map((segment) => segment + 1).join(", ") + (more > 0 ? " and " + more + " more" : "");
    button.type = "button";
    button.dataset.step = number;
    button.textContent = "step " + number + ": with segment" + (other.length === 1 ? " " : "s ") + shownOnes + ", " + apart(cosine);
    item.append(button);
    return item;
  }

  const segmentAt = (x, y) => map.segments[Math.min(map.height - 1, Math.floor(y)) * map.width + Math.min(map.width - 1, Math.floor(x))];
  stage.addEventListener("click", (event) => {
    const box = stage.getBoundingClientRect();
    cross = null;
    choose(segmentAt(((event.clientX - box.left) / box.width) * map.width, ((event.clientY - box.top) / box.height) * map.height));
  });
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  stage.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (move) {
      const far = event.shiftKey ? 1 : Math.max(1, Math.round(map.width / 50)), at = cross || { x: map.width / 2, y: map.height / 2 };
      const within = (value, most) => Math.min(most - 1, Math.max(0, value));
      cross = cross ? { x: within(at.x + far * move[0], map.width), y: within(at.y + far * move[1], map.height) } : at;
      paintSoon();
    } else if ((event.key === "Enter" || event.key === " ") && cross) choose(segmentAt(cross.x, cross.y));
    else return;
    event.preventDefault();
  });
  stage.addEventListener("blur", () => { cross = null; paintSoon(); });

  function play(isOn) {
    clearInterval(playing);
    playing = 0;
    if (isOn) {
      if (step >= lastStep) go(0);
      playing = setInterval(() => { go(step + 1); if (step >= lastStep) play(false); }, Math.min(900, Math.max(60, 12000 / lastStep)));
    }
    element("play").textContent = isOn ? "Pause" : "Play";
  }
  slider.addEventListener("input", () => { play(false); go(Number(slider.value)); });
  element("back").addEventListener("click", () => { play(false); go(step - 1); });
  element("forth").addEventListener("click", () => { play(false); go(step + 1); });
  element("play").addEventListener("click", () => play(!playing));
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-step]");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    play(false);
    go(Number(target.dataset.step));
    if (target.closest("#steps")) element("viewer").scrollIntoView({ block: "nearest" });
  });
  for (const input of document.querySelectorAll('input[name="view"]'))
    input.addEventListener("change", () => { view = input.value; paintSoon(); });
  addEventListener("resize", paintSoon);
  canvas.width = map.width;
  canvas.height = map.height;
  slider.max = lastStep;
  for (const hidden of document.querySelectorAll("#viewer [hidden]")) if (hidden.id !== "now") hidden.hidden = false;
  go(lastStep - 1);
})();
