// Light or dark: as the system says, until somebody chooses. The choice stays in this browser. This is no module: it
// runs before anything is shown, so that nothing shines up in the dark.
{
  const KEY = "mereo-theme", system = matchMedia("(prefers-color-scheme: dark)"), { dataset } = document.documentElement;
  const kept = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* A browser that keeps nothing forgets it. */ } };
  const follow = () => { dataset.theme = kept() ?? (system.matches ? "dark" : "light"); };
  const other = () => (dataset.theme === "dark" ? "light" : "dark");
  follow();

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const name = () => {
      button.textContent = other() === "dark" ? "Dark" : "Light";
      button.setAttribute("aria-label", "Change to " + other() + " colours");
    };
    name();
    system.addEventListener("change", () => { follow(); name(); });
    button.addEventListener("click", () => {
      dataset.theme = other();
      keep(dataset.theme);
      name();
    });
  });
}
