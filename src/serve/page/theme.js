// Light or dark: as the system has it, unless the button says otherwise.

import {byId} from "./dom.js";

const KEY = "headcount-theme";
const NEXT = {auto: "light", light: "dark", dark: "auto"};
const TEXTS = {auto: "as the system", light: "light", dark: "dark"};

export function startTheme(repaint) {
  const button = byId("theme");
  let theme = localStorage.getItem(KEY) ?? "auto";
  if (!(theme in NEXT)) theme = "auto";

  function use() {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.dataset.theme = theme;
    button.setAttribute("aria-label", `Colours: ${TEXTS[theme]}`);
    button.title = `Colours: ${TEXTS[theme]}`;
    repaint();
  }

  button.onclick = () => {
    theme = NEXT[theme];
    localStorage.setItem(KEY, theme);
    use();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  use();
}
