// What takes time and may fail: it is told while it runs, a refusal's sentence is shown, and the page stays as it was.
import { whileBusy } from "./buttons.js";
import { element } from "./elements.js";

const running = []; // What is told of each attempt that runs; the newest is shown.
let asker = null;   // The button that the problem came from.

function showProgress() {
  const text = running.at(-1)?.progress ?? "", place = element("progress");
  // Set anew, the same words would be read out again.
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}

function showProblem(sentence, button) {
  asker = button;
  element("problem").querySelector("span").textContent = sentence;
  element("problem").hidden = false;
}

// `button`: what was pressed; it waits with us.
export async function attempt(action, { progress = "", button = null } = {}) {
  element("problem").hidden = true;
  const own = { progress };
  if (progress) running.push(own);
  showProgress();
  try {
    return await (button ? whileBusy(button, action) : action());
  } catch (error) {
    if (error.name !== "AbortError") showProblem(error.message, button);
    return undefined;
  } finally {
    if (progress) running.splice(running.indexOf(own), 1);
    showProgress();
  }
}

// A button's click as an attempt.
export function connectAttempt(button, action, progress) {
  button.addEventListener("click", () => attempt(action, { progress, button }));
}

export function connectAttempts() {
  element("close-problem").addEventListener("click", () => {
    element("problem").hidden = true;
    // The panel of whoever asked may be closed by now.
    (asker?.offsetParent ? asker : element("open")).focus();
  });
}
