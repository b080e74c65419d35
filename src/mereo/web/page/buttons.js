// Buttons that cannot be pressed just now keep the focus. One with `disabled` would drop it, and keys start anew.

const forbidden = new WeakSet(), busy = new WeakSet();
const show = (button) => button.setAttribute("aria-disabled", String(forbidden.has(button) || busy.has(button)));

export function allow(button, can) {
  if (can) forbidden.delete(button); else forbidden.add(button);
  show(button);
}

// Cannot be pressed again before the action is done.
export async function whileBusy(button, action) {
  busy.add(button);
  show(button);
  try {
    return await action();
  } finally {
    busy.delete(button);
    show(button);
  }
}

export function connectButtons() {
  addEventListener("click", (event) => {
    if (!event.target.closest?.('button[aria-disabled="true"]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
}
