// How large groups are: the slider, its keys, and where it begins.
import { element } from "./elements.js";
import { change, state } from "./state.js";


// About a dozen groups: few enough to see, small enough to choose things by.
export function levelToStartWith({ groups }) {
  if (!groups) return 1;
  const distances = groups.levels.map(({ num }) => Math.abs(Math.log(num / 12)));
  return distances.indexOf(Math.min(...distances)) + 1;
}

export function showLevel() {
  const { groups } = state.parse, slider = element("level");
  slider.disabled = !groups;
  if (!groups) return;
  const count = groups.levels[state.level - 1].num, isLast = state.level === groups.levels.length;
  const words = "level " + state.level + " of " + groups.levels.length + ": " + (isLast && count === 1 ? "the whole picture" : count + (count === 1 ? " group" : " groups"));
  slider.max = groups.levels.length;
  slider.value = state.level;
  slider.setAttribute("aria-valuetext", words);
  // An <output> is read out when it changes.
  element("level-name").textContent = words;
}

export function chooseLevel(level) {
  if (!state.parse?.groups || level < 1 || level > state.parse.groups.levels.length) return;
  change({ level });
}
