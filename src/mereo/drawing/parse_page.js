"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("data").textContent);
  const images = data.images;
  const cards = [...document.querySelectorAll("#cards li")];
  const stage = element("stage"), layer = element("layer"), tip = element("tip"), spotlight = element("spotlight");
  let current = -1, view = "overlay", map = null, pinned = null;

  const shown = () => cards.map((card, index) => (card.hidden ? -1 : index)).filter((index) => index >= 0);
  const percent = (share) =>
    share < 0.001 ? "< 0.1 %" : share < 0.0995 ? (100 * share).toFixed(1) + " %" : (100 * share).toFixed(0) + " %";
  const nameOf = (segment) => data.classes[segment[0]] + (segment[2] ? " #" + segment[2] : "");

  function choose(index, isMoved) {
    current = index;
    const image = images[index];
    map = decodedRuns(image.hover);
    pinned = null;
    element("viewer").hidden = false;
    element("photograph").src = image.photograph;
    element("photograph").alt = "Photograph " + image.name;
    element("name").textContent = image.name;
    element("about").textContent = image.width + " \u00d7 " + image.height + " pixels" + (image.scene ? ", " + image.scene : "");
    // The stage has the picture's shape; CSS alone cannot fit it into the frame on both axes.
    fit();
    listSegments(image);
    element("hint").textContent = map
      ? "Point at the picture, or choose a row, to see where a class lies."
      : "Pointing is left out for this image to keep the page small; its label map is in the files below.";
    const links = [["Overlay", image.overlay], ["Labels", image.labels], ["Photograph", image.photograph]];
    element("files").replaceChildren(...links.map(([text, path]) => {
      const link = document.createElement("a");
      link.href = path;
      link.textContent = text;
      return link;
    }));
    cards.forEach((card, at) => card.firstElementChild.setAttribute("aria-current", String(at === index)));
    showView();
    spotlightOn(null);
    hideTip();
    counted();
    if (isMoved) element("viewer").scrollIntoView({ block: "start" });
  }

  function fit() {
    if (current < 0) return;
    const { width, height } = images[current];
    const frame = element("frame");
    const isNarrow = matchMedia("(max-width: 860px)").matches;
    const room = isNarrow ? innerHeight * 0.7 : frame.clientHeight;
    const scale = Math.min(frame.clientWidth / width, room / height);
    stage.style.width = Math.max(24, Math.round(width * scale)) + "px";
    stage.style.height = Math.max(24, Math.round(height * scale)) + "px";
  }

  function listSegments(image) {
    const bar = element("bar");
    let left = 0;
    bar.replaceChildren(...image.segments.map((segment) => {
      const part = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      part.setAttribute("x", left);
      part.setAttribute("width", 100 * segment[1]);
      part.setAttribute("height", 4);
      part.setAttribute("class", "k" + segment[0]);
      left += 100 * segment[1];
      return part;
    }));
    element("segments").replaceChildren(...image.segments.map((segment, index) => {
      const row = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      const swatch = document.createElement("span"), name = document.createElement("span"), share = document.createElement("span");
      swatch.className = "swatch k" + segment[0];
      name.textContent = nameOf(segment);
      share.className = "share";
      share.textContent = percent(segment[1]);
      button.append(swatch, name, share);
      button.addEventListener("pointerenter", () => spotlightOn(index));
      button.addEventListener("pointerleave", () => spotlightOn(pinned));
      button.addEventListener("focus", () => spotlightOn(index));
      button.addEventListener("blur", () => spotlightOn(pinned));
      button.addEventListener("click", () => pin(pinned === index ? null : index));
      row.append(button);
      return row;
    }));
  }

  function pin(index) {
    pinned = index;
    [...element("segments").querySelectorAll("button")].forEach((button, at) =>
      button.setAttribute("aria-pressed", String(at === index)));
    spotlightOn(index);
  }

  // Everything but one segment in shade.
  function spotlightOn(index) {
    [...element("segments").querySelectorAll("button")].forEach((button, at) => button.classList.toggle("lit", at === index));
    const context = spotlight.getContext("2d");
    if (!map || index === null) {
      context.clearRect(0, 0, spotlight.width, spotlight.height);
      return;
    }
    spotlight.width = map.width;
    spotlight.height = map.height;
    const shade = context.createImageData(map.width, map.height);
    map.segments.forEach((segment, at) => { shade.data[4 * at + 3] = segment === index ? 0 : 185; });
    context.putImageData(shade, 0, 0);
  }

  function segmentUnder(event) {
    const box = stage.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    if (!map || x < 0 || y < 0 || x >= 1 || y >= 1) return null;
    return map.segments[Math.floor(y * map.height) * map.width + Math.floor(x * map.width)];
  }

  function point(event) {
    const index = segmentUnder(event);
    if (index === null) return hideTip();
    const segment = images[current].segments[index];
    tip.hidden = false;
    tip.firstElementChild.className = "swatch k" + segment[0];
    element("tip-text").textContent = nameOf(segment) + "  " + percent(segment[1]);
    const box = stage.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const left = x + 16 + tip.offsetWidth > box.width ? x - tip.offsetWidth - 12 : x + 16;
    const top = y + 18 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 12 : y + 18;
    tip.style.transform = `translate(${Math.max(2, left)}px, ${Math.max(2, top)}px)`;
    [...element("segments").querySelectorAll("button")].forEach((button, at) => button.classList.toggle("lit", at === index));
  }

  function hideTip() {
    tip.hidden = true;
    spotlightOn(pinned);
  }

  function showView() {
    const image = images[current];
    layer.hidden = view === "photograph";
    element("opacity").disabled = view === "photograph";
    layer.classList.toggle("sharp", view === "labels");
    if (view !== "photograph") {
      layer.src = image[view];
      layer.alt = (view === "labels" ? "Label map" : "Overlay") + " of " + image.name + ": " + image.found;
    }
    layer.style.opacity = element("opacity").value / 100;
  }

  function counted() {
    const visible = shown();
    const place = visible.indexOf(current);
    element("position").textContent = place < 0 ? "" : place + 1 + " of " + visible.length;
    element("previous").disabled = element("next").disabled = visible.length < 2 && place >= 0;
    element("count").textContent = visible.length === cards.length ? String(cards.length) : visible.length + " of " + cards.length;
  }

  function step(by) {
    const visible = shown();
    if (!visible.length) return;
    const place = visible.indexOf(current);
    choose(visible[place < 0 ? 0 : (place + by + visible.length) % visible.length], false);
  }

  function filter() {
    const wanted = [...document.querySelectorAll('#filters [aria-pressed="true"]')].map((button) => Number(button.dataset.k));
    cards.forEach((card, index) => {
      const present = new Set(images[index].segments.map((segment) => segment[0]));
      card.hidden = !wanted.every((one) => present.has(one));
    });
    counted();
  }

  stage.addEventListener("pointermove", point);
  stage.addEventListener("pointerleave", hideTip);
  stage.addEventListener("click", (event) => {
    point(event);
    const index = segmentUnder(event);
    if (index !== null) pin(pinned === index ? null : index);
  });
  document.querySelectorAll('input[name="view"]').forEach((input) =>
    input.addEventListener("change", () => { view = input.value; showView(); }));
  element("opacity").addEventListener("input", showView);
  element("previous").addEventListener("click", () => step(-1));
  element("next").addEventListener("click", () => step(1));
  document.querySelectorAll("#filters button").forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    filter();
  }));
  cards.forEach((card, index) => card.firstElementChild.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(index, true);
  }));
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
    if (event.key === "Escape") pin(null);
  });
  addEventListener("resize", fit);
  element("filters").hidden = element("gallery").hidden = element("previous").parentElement.hidden = images.length < 2;
  if (images.length) choose(0, false);
  fit();
})();
