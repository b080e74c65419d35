"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("data").textContent);
  const stage = element("stage"), marks = element("marks").getContext("2d"), picture = element("picture").getContext("2d");
  const buttons = [...document.querySelectorAll("#legend button")];
  let shown = -1, chosen = null;

  // Rings around one segment, and around all that the chosen class surrounds.
  function mark() {
    marks.clearRect(0, 0, data.width, data.height);
    if (chosen !== null) {
      marks.fillStyle = "rgba(255, 255, 255, .72)";
      marks.fillRect(0, 0, data.width, data.height);
      const colour = getComputedStyle(buttons.find((button) => Number(button.dataset.k) === chosen).firstElementChild);
      marks.fillStyle = colour.getPropertyValue("--k");
      marks.strokeStyle = "#18191e";
      data.segments.filter((segment) => segment[2] === chosen).forEach((segment) => ring(segment, 6, 1.5, true));
    }
    if (shown >= 0) {
      marks.strokeStyle = "#ffffff";
      ring(data.segments[shown], 12, 6, false);
      marks.strokeStyle = "#18191e";
      ring(data.segments[shown], 12, 3, false);
    }
  }

  function ring([x, y], radius, width, isFull) {
    marks.lineWidth = width;
    marks.beginPath();
    marks.arc(x, y, radius, 0, 2 * Math.PI);
    if (isFull) marks.fill();
    marks.stroke();
  }

  function show(number) {
    if (number === shown) return;
    shown = number;
    const [, , , image, around, size] = data.segments[number];
    const row = Math.floor(number / data.columns), column = number % data.columns;
    const board = element("picture"), scale = board.width / data.cell;
    const left = (board.width - size[0] * scale) / 2, top = (board.height - size[1] * scale) / 2;
    picture.clearRect(0, 0, board.width, board.height);
    picture.imageSmoothingQuality = "high";
    picture.drawImage(
      element("sheet"), column * data.cell, row * data.cell, size[0], size[1], left, top, size[0] * scale, size[1] * scale);
    element("image").textContent = image;
    element("around").replaceChildren(...around.map(([index, share]) => {
      const line = document.createElement("li"), swatch = document.createElement("span"), number = document.createElement("span");
      swatch.className = "swatch k" + index;
      number.className = "number";
      number.textContent = (100 * share).toFixed(0) + " %";
      line.append(swatch, data.classes[index], number);
      return line;
    }));
    mark();
  }

  function nearest(event) {
    const box = stage.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.width, y = (event.clientY - box.top) / box.height * data.height;
    let best = -1, least = Infinity;
    data.segments.forEach((segment, number) => {
      const distance = (segment[0] - x) ** 2 + (segment[1] - y) ** 2;
      if ((chosen === null || segment[2] === chosen) && distance < least) [best, least] = [number, distance];
    });
    return best;
  }

  stage.addEventListener("pointermove", (event) => { const number = nearest(event); if (number >= 0) show(number); });
  stage.addEventListener("pointerdown", (event) => { const number = nearest(event); if (number >= 0) show(number); });
  buttons.forEach((button) => button.addEventListener("click", () => {
    const index = Number(button.dataset.k);
    chosen = chosen === index ? null : index;
    buttons.forEach((one) => one.setAttribute("aria-pressed", String(Number(one.dataset.k) === chosen)));
    mark();
  }));
  document.querySelectorAll('input[name="view"]').forEach((input) => input.addEventListener("change", () => {
    element("dots").hidden = input.value !== "dots";
    element("thumbnails").hidden = input.value !== "thumbnails";
  }));
})();
