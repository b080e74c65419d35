// Where photographs come from: a file, a drop, the clipboard, the folder that the studio was started with.
import * as api from "./api.js";
import { connectAttempt } from "./attempts.js";
import { element, made } from "./elements.js";
import { listUnopened, ofFile, ofFolder } from "./sources.js";
import { state } from "./state.js";

const PAGE = 24;
let nextStart = 0; // Where the folder's list goes on.

export function connectPhotographs(open) {
  const file = element("file"), openFirst = (files) => {
    const [first, ...others] = [...files].map(ofFile);
    if (others.length) listUnopened(others);
    if (first) open(first);
  };
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
  // Of anything that is dropped: a browser would go to a link, and leave what is painted here.
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    if (!isFile(event)) return;
    depth = 0;
    document.body.classList.remove("dragging");
    openFirst(event.dataTransfer.files);
  });
}

function card(source, picture, open) {
  const image = made("img", { alt: "", loading: "lazy", ...(picture ? { src: picture } : {}) });
  const button = made("button", { type: "button", title: source.name }, image, made("span", { textContent: source.name }));
  button.dataset.source = source.key;
  button.setAttribute("aria-current", "false");
  button.addEventListener("click", () => open(source));
  return made("li", {}, button);
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
  const place = element("opened"), focused = place.contains(document.activeElement) ? document.activeElement : null;
  const shown = new Map([...place.querySelectorAll("button")].map((button) => [button.dataset.source, button.parentElement]));
  element("opened-part").hidden = !state.opened.length;
  place.replaceChildren(...state.opened.map(({ source }) => {
    const picture = source.thumbnail, item = shown.get(source.key) ?? card(source, picture, open), image = item.querySelector("img");
    if (picture && image.getAttribute("src") !== picture) image.src = picture;
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
