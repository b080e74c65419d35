// Light or dark: as the system says, until somebody chooses. The choice stays in this browser.
const KEY = "mereo-theme", system = matchMedia("(prefers-color-scheme: dark)");
const kept = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
const keep = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* A browser that keeps nothing forgets it. */ } };

export function connectTheme() {
  const button = document.getElementById("theme");
  const put = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", "Change to " + (theme === "dark" ? "light" : "dark") + " colours");
  };
  const fromSystem = () => (system.matches ? "dark" : "light");
  put(kept() ?? fromSystem());
  system.addEventListener("change", () => { if (!kept()) put(fromSystem()); });
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    keep(theme);
    put(theme);
  });
}
