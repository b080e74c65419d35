// Tabs as WAI-ARIA describes them: arrows move between them, one panel is shown.
import { element } from "./elements.js";

const tabs = [...document.querySelectorAll('[role="tab"]')];
let onChosen = () => undefined;

export const chosenTab = () => tabs.find((tab) => tab.getAttribute("aria-selected") === "true").id.slice(4);

// Where the page scrolls, the panel may begin at its lower edge: half of the window is enough for it, and the photograph
// stays in sight.
function bringIntoSight() {
  const { top } = element("panels").getBoundingClientRect(), below = top - innerHeight / 2;
  if (below > 0) scrollBy({ top: below });
}

export function chooseTab(name, takesFocus = false) {
  for (const tab of tabs) {
    const isChosen = tab.id === "tab-" + name;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    element(tab.getAttribute("aria-controls")).hidden = !isChosen;
    if (isChosen && takesFocus) tab.focus();
  }
  onChosen(name);
}

export function connectTabs(chosen) {
  onChosen = chosen;
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => { chooseTab(tab.id.slice(4)); bringIntoSight(); });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      chooseTab(tabs[(step + tabs.length) % tabs.length].id.slice(4), true);
    });
  });
}
