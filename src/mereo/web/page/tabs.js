// Tabs as WAI-ARIA describes them: arrows move between them, one panel is shown.
import { element } from "./elements.js";

const tabs = [...document.querySelectorAll('[role="tab"]')];
let onChosen = () => undefined;

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
    tab.addEventListener("click", () => chooseTab(tab.id.slice(4)));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      chooseTab(tabs[(step + tabs.length) % tabs.length].id.slice(4), true);
    });
  });
}
