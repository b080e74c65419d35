// Where photographs come from: a file, a drop, the clipboard, the folder that the studio was started with.
import * as api from "./api.js";
import { change, state } from "./state.js";

const element = (id) => document.getElementById(id);
const PAGE = 24;

export function connectPhotographs(openFile, openNumber, openKept) {
  const file = element("file");
  element("open").addEventListener("click", () => file.click());
  file.addEventListener("change", () => { if (file.files.length) openFile(file.files[0]); file.value = ""; });
  addEventListener("paste", (event) => { const [pasted] = event.clipboardData?.files ?? []; if (pasted) openFile(pasted); });
  let depth = 0;
  const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => { if (isFile(event)) { depth += 1; document.body.classList.add("dragging"); } });
  addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) document.body.classList.remove("dragging"); });
  addEventListener("dragover", (event) => { if (isFile(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dragging");
    const [dropped] = event.dataTransfer.files;
    if (dropped) openFile(dropped);
  });
  element("more").addEventListener("click", () => showFolder(openNumber));
  return {
    showFolder: () => showFolder(openNumber),
    showOpened: () => showOpened(openKept),
  };
}

function card(source, name, isCurrent, open) {
  const item = document.createElement("li"), button = document.createElement("button");
  const image = document.createElement("img"), title = document.createElement("span");
  image.src = source;
  image.alt = "";
  image.loading = "lazy";
  title.textContent = name;
  button.type = "button";
  button.title = name;
  button.setAttribute("aria-current", String(isCurrent));
  button.append(image, title);
  button.addEventListener("click", open);
  item.append(button);
  return item;
}

async function showFolder(openNumber) {
  const list = element("folder"), shown = list.children.length;
  const answer = await api.folder(shown, PAGE);
  element("folder-part").hidden = !answer.total;
  element("folder-title").textContent = "In the folder (" + answer.total + ")";
  list.append(...answer.photographs.map((one) => card(api.thumbnailOf(one.number), one.name, false, () => openNumber(one.number, one.name))));
  element("more").hidden = list.children.length >= answer.total || !answer.photographs.length;
}

function showOpened(openKept) {
  element("opened-part").hidden = !state.opened.length;
  element("opened").replaceChildren(...state.opened.map((one) =>
    card(api.pictureOf(one.id), one.name, state.parse?.photograph === one.id, () => openKept(one))));
}

export function remember(parse) {
  const others = state.opened.filter((one) => one.id !== parse.photograph);
  change({ opened: [{ id: parse.photograph, name: parse.name }, ...others].slice(0, 12) });
}
