"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("data").textContent);
  const images = data.images;
  const cards = [...document.querySelectorAll("#cards li")];
  const stage = element("stage"), layer = element("layer"), tip = element("tip"), spotlight = element("spotlight");
  // `maps` holds what lies where: segments ("objects"), and the class indices of each task. `listed` are the rows of the
  // list, and `rowMap` says which of them each pixel belongs to.
  const NO_ROW = 0xffffffff;
  let current = -1, view = "overlay", maps = {}, listed = [], rowMap = null, pinned = null;

  const shown = () => cards.map((card, index) => (card.hidden ? -1 : index)).filter((index) => index >= 0);
  const percent = (share) =>
    share < 0.001 ? "< 0.1 %" : share < 0.0995 ? (100 * share).toFixed(1) + " %" : (100 * share).toFixed(0) + " %";
  const nameOf = (segment) => data.classes[segment[0]] + (segment[2] ? " #" + segment[2] : "");

  function choose(index, isMoved) {
    current = index;
    const image = images[index];
    maps = { objects: decodedRuns(image.hover) };
    for (const task in image.tasks) maps[task] = decodedRuns(image.tasks[task].hover);
    document.querySelectorAll("[data-task]").forEach((label) => { label.hidden = !(label.dataset.task in image.tasks); });
    if (view in data.tasks && !(view in image.tasks)) setView("overlay");
    element("viewer").hidden = false;
    element("photograph").src = image.photograph;
    element("photograph").alt = "Photograph " + image.name;
    element("name").textContent = image.name;
    element("about").textContent = image.width + " \u00d7 " + image.height + " pixels" + (image.scene ? ", " + image.scene : "");
    element("warned").textContent = image.warnings.map((text) => text[0].toUpperCase() + text.slice(1) + ".").join(" ");
    element("warned").hidden = !image.warnings.length;
    // The stage has the picture's shape; CSS alone cannot fit it into the frame on both axes.
    fit();
    const links = [["Overlay", image.overlay], ["Labels", image.labels], ["Photograph", image.photograph]];
    for (const task in image.tasks) links.push([data.tasks[task].title, image.tasks[task].labels]);
    element("files").replaceChildren(...links.map(([text, path]) => {
      const link = document.createElement("a");
      link.href = path;
      link.textContent = text;
      return link;
    }));
    cards.forEach((card, at) => card.firstElementChild.setAttribute("aria-current", String(at === index)));
    showView();
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

  // The segments of the image; in the view of a task, the classes of that task.
  function listRows() {
    const image = images[current], task = image.tasks[view], map = maps[task ? view : "objects"];
    if (task) {
      const rowOf = new Map(task.classes.map(([index], row) => [index, row]));
      listed = task.classes.map(([index, share]) => ({ name: data.tasks[view].classes[index], colour: view + "-" + index, share }));
      rowMap = map && { ...map, rows: map.segments.map((index) => rowOf.get(index) ?? NO_ROW) };
    } else {
      listed = image.segments.map((segment) => ({ name: nameOf(segment), colour: "k" + segment[0], share: segment[1] }));
      rowMap = map && { ...map, rows: map.segments };
    }
    element("hint").textContent = !rowMap
      ? "Pointing is left out for this image to keep the page small; its label map is in the files below."
      : listed.length ? "Point at the picture, or choose a row, to see where a class lies." : "Nothing was found here.";
    element("listing").textContent = task ? data.tasks[view].about : "";
    element("listing").hidden = !element("listing").textContent;
    // Parts cover little of a picture: the bar shows how what is listed compares.
    const total = listed.reduce((sum, one) => sum + one.share, 0) || 1;
    let left = 0;
    element("bar").replaceChildren(...listed.map((one) => {
      const part = document.createElementNS("http://www.w3.org/2000/svg", "rect"), width = 100 * one.share / total;
      part.setAttribute("x", left);
      part.setAttribute("width", width);
      part.setAttribute("height", 4);
      part.setAttribute("class", one.colour);
      left += width;
      return part;
    }));
    element("segments").replaceChildren(...listed.map((one, index) => {
      const row = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      const swatch = document.createElement("span"), name = document.createElement("span"), share = document.createElement("span");
      swatch.className = "swatch " + one.colour;
      name.textContent = one.name;
      share.className = "share";
      share.textContent = percent(one.share);
      button.append(swatch, name, share);
      button.addEventListener("pointerenter", () => spotlightOn(index));
      button.addEventListener("pointerleave", () => spotlightOn(pinned));
      button.addEventListener("focus", () => spotlightOn(index));
      button.addEventListener("blur", () => spotlightOn(pinned));
      button.addEventListener("click", () => pin(pinned === index ? null : index));
      row.append(button);
      return row;
    }));
    pinned = null;
    hideTip();
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
    if (!rowMap || index === null) {
      context.clearRect(0, 0, spotlight.width, spotlight.height);
      return;
    }
    spotlight.width = rowMap.width;
    spotlight.height = rowMap.height;
    const shade = context.createImageData(rowMap.width, rowMap.height);
    rowMap.rows.forEach((row, at) => { shade.data[4 * at + 3] = row === index ? 0 : 185; });
    context.putImageData(shade, 0, 0);
  }

  // The place in each map that the pointer is at; null outside of the picture, or without maps.
  function placeUnder(event) {
    const box = stage.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    if (!rowMap || x < 0 || y < 0 || x >= 1 || y >= 1) return null;
    return Math.floor(y * rowMap.height) * rowMap.width + Math.floor(x * rowMap.width);
  }

  function rowAt(place) {
    return place === null || rowMap.rows[place] === NO_ROW ? null : rowMap.rows[place];
  }

  // The object, and below it what all tasks say: its part, what it is made of, its texture.
  function wordsAt(place) {
    const image = images[current];
    const segment = maps.objects && image.segments[maps.objects.segments[place]];
    const more = Object.keys(image.tasks).map((task) => maps[task] && data.tasks[task].classes[maps[task].segments[place]]);
    return [segment ? nameOf(segment) + "  " + percent(segment[1]) : "", more.filter(Boolean).join(" \u00b7 ")];
  }

  function point(event) {
    const place = placeUnder(event);
    if (place === null) return hideTip();
    const row = rowAt(place), [object, more] = wordsAt(place);
    tip.hidden = false;
    tip.firstElementChild.hidden = row === null;
    tip.firstElementChild.className = "swatch " + (row === null ? "" : listed[row].colour);
    element("tip-text").textContent = object;
    element("tip-more").textContent = more;
    const box = stage.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const left = x + 16 + tip.offsetWidth > box.width ? x - tip.offsetWidth - 12 : x + 16;
    const top = y + 18 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 12 : y + 18;
    tip.style.transform = `translate(${Math.max(2, left)}px, ${Math.max(2, top)}px)`;
    [...element("segments").querySelectorAll("button")].forEach((button, at) => button.classList.toggle("lit", at === row));
  }

  function hideTip() {
    tip.hidden = true;
    spotlightOn(pinned);
  }

  function setView(chosen) {
    view = chosen;
    document.querySelector('input[name="view"][value="' + chosen + '"]').checked = true;
  }

  function showView() {
    const image = images[current], task = image.tasks[view];
    listRows();
    layer.hidden = view === "photograph";
    element("opacity").disabled = view === "photograph";
    layer.classList.toggle("sharp", view === "labels" || Boolean(task));
    if (view !== "photograph") {
      layer.src = task ? task.labels : image[view];
      const what = task ? data.tasks[view].title : view === "labels" ? "Label map" : "Overlay";
      const found = task ? listed.slice(0, 4).map((one) => one.name + " " + percent(one.share)).join(", ") : image.found;
      layer.alt = what + " of " + image.name + ": " + found;
    }
    setOpacity();
  }

  function setOpacity() {
    // What a task's flat colours lie on shows through, as in the overlay.
    layer.style.opacity = element("opacity").value / 100 * (view in data.tasks ? 0.65 : 1);
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
    const index = rowAt(placeUnder(event));
    if (index !== null) pin(pinned === index ? null : index);
  });
  document.querySelectorAll('input[name="view"]').forEach((input) =>
    input.addEventListener("change", () => { view = input.value; showView(); }));
  element("opacity").addEventListener("input", setOpacity);
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
