// What lies over the right side: one drawer at a time, opened by its button, closed by its cross or Escape.

import { $ } from "./dom.js";

let opener = null;

export function startDrawers(opened) {
  for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
      const drawer = $(button.dataset.open);
      if (!drawer.hidden) return closeDrawer();
      closeDrawer();
      opener = button;
      drawer.hidden = false;
      button.setAttribute("aria-expanded", "true");
      opened(drawer.id);
      drawer.querySelector("[data-close]").focus();
    });
  }
  for (const cross of document.querySelectorAll("[data-close]")) cross.addEventListener("click", closeDrawer);
}

export const openDrawer = () => document.querySelector(".drawer:not([hidden])");

/** True where one was open. */
export function closeDrawer() {
  const drawer = openDrawer();
  if (!drawer) return false;
  const held = drawer.contains(document.activeElement);
  drawer.hidden = true;
  opener.setAttribute("aria-expanded", "false");
  if (held) opener.focus();
  return true;
}
