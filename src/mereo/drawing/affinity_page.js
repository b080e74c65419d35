"use strict";
(() => {
  // A click on a picture chooses the region under it.
  const data = JSON.parse(document.getElementById("data").textContent);
  const map = decodedRuns(data.hover);
  const hint = document.getElementById("hint");
  function choose(index, isMoved) {
    const section = document.getElementById("region-" + index);
    for (const other of document.querySelectorAll("#regions section")) other.classList.toggle("chosen", other === section);
    if (section && isMoved) section.scrollIntoView({ block: "nearest" });
    hint.textContent = section
      ? "Chosen: " + section.querySelector("h2").textContent.trim() + ". Click another place to ask about it."
      : "This sliver is smaller than a cell of the answer: nothing reached it.";
  }
  for (const picture of document.querySelectorAll("figure.asks img")) {
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const row = Math.min(map.height - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * map.height)));
      const column = Math.min(map.width - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * map.width)));
      choose(data.hover[3][map.segments[row * map.width + column]], true);
    });
  }
  hint.textContent = "Click a place in a picture to see what supported and what suppressed its region.";
  if (data.chosen !== null) choose(data.chosen, false);
})();
