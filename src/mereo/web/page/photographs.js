// Where photographs come from: a file, a drop, the clipboard, the folder that the studio was started with.
import * as api from "./api.js";
import { connectAttempt } from "./attempts.js";
import { ofFile, ofFolder } from "./sources.js";
import { state } from "./state.js";

const element = (id) => document.getElementById(id);
const PAGE = 24;
let nextStart = 0; // Where the folder's list goes on.

export function connectPhotographs(open) {
  const file = element("file"), openFirst = ([first]) => { if (first) open(ofFile(first)); };
  element("open").addEventListener("click", () => file.click());
  file.addEventListener("change", () => { openFirst(file.files); file.value = ""; });
  addEventListener("paste", (event) => openFirst(event.clipboardData?.files ?? []));
  connectDrops(openFirst);
  connectAttempt(element("more"), () => showFolder(open));
  return {
    showFolder: () => showFolder(open),
    showOpened: () => showOpened(open),
  };
}

function connectDrops(openFirst) {
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
    openFirst(event.dataTransfer.files);
  });
}

function card(source, picture, open) {
  const item = document.createElement("li"), button = document.createElement("button");
  const image = document.createElement("img"), title = document.createElement("span");
  image.src = picture;
  image.alt = "";
  image.loading = "lazy";
  title.textContent = source.name;
  button.type = "button";
  button.title = source.name;
  button.dataset.source = source.key;
  button.setAttribute("aria-current", "false");
  button.append(image, title);
  button.addEventListener("click", () => open(source));
  item.append(button);
  return item;
}

async function showFolder(open) {
  const list = element("folder"), more = element("more"), numListed = list.children.length;
  const answer = await api.folder(nextStart, PAGE), end = nextStart + answer.photographs.length;
  element("folder-part").hidden = !answer.total;
  element("folder-title").textContent = "In the folder (" + answer.total + ")";
  // Others may have come before these since the last look: each is listed once, and they are found from the beginning.
  nextStart = end < answer.total ? end : 0;
  const listed = new Set([...list.querySelectorAll("button")].map((button) => button.dataset.source));
  const sources = answer.photographs.map((one) => ofFolder(one.number, one.name)).filter((source) => !listed.has(source.key));
  list.append(...sources.map((source) => card(source, source.thumbnail, open)));
  const hadFocus = document.activeElement === more;
  more.hidden = list.children.length >= answer.total || !answer.photographs.length;
  if (hadFocus && more.hidden) (list.children[numListed] ?? list.lastElementChild)?.querySelector("button").focus();
  markCurrent();
}

// Cards that are there stay the same elements, with their pictures and the focus.
function showOpened(open) {
  const list = element("opened"), focused = list.contains(document.activeElement) ? document.activeElement : null;
  const shown = new Map([...list.querySelectorAll("button")].map((button) => [button.dataset.source, button.parentElement]));
  element("opened-part").hidden = !state.opened.length;
  list.replaceChildren(...state.opened.map(({ id, source }) => {
    const picture = source.thumbnail ?? api.pictureOf(id), item = shown.get(source.key) ?? card(source, picture, open), image = item.querySelector("img");
    if (image.getAttribute("src") !== picture) image.src = picture;
    return item;
  }));
  focused?.focus({ preventScroll: true });
  markCurrent();
}

function markCurrent() {
  for (const button of document.querySelectorAll(".pictures button")) {
    button.setAttribute("aria-current", String(button.dataset.source === state.parse?.source.key));
  }
}
