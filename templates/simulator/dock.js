// The lower edge of a phone: the keyboard, the account's menu, and what the + opens.

import { h, icon } from "./dom.js";
import { gloss } from "./glosses.js";
import { startSheets } from "./sheets.js";
import { SMALL } from "./words.js";

const SHEET_OF_BUTTON = {
  scancode_push: "scan",
  scancode_waitmsg: "scan",
  pic_sysphoto: "photo",
  pic_photo_or_album: "photo",
  pic_weixin: "photo",
  location_select: "place",
};

/**
 * ``part(name)`` finds a part of this phone. ``acts`` is what becomes of what people send: text, photo, place, voice,
 * scan, tap, follow, unfollow; ``codes()`` gives the account's codes for the scanner.
 */
export function makeDock(part, acts) {
  const words = part("words");
  let menuButtons = [];
  let pressed = ""; // the menu button whose sheet is open: "0.2"

  function write() {
    const text = words.value.trim();
    if (text) acts.text(text);
    words.value = "";
    grow();
    words.focus();
  }

  function grow() {
    const empty = words.value.trim() === "";
    part("send").hidden = empty;
    part("more").hidden = !empty;
    words.style.height = "auto";
    words.style.height = `${Math.min(words.scrollHeight, 120)}px`;
  }

  function setKeys(keys, focus) {
    part("writer").hidden = !keys;
    part("menu").hidden = keys;
    part("strip").dataset.shows = keys ? "keys" : "menu";
    const label = (keys ? SMALL.toMenu : SMALL.toKeys).join(" ");
    part("switch").setAttribute("aria-label", label);
    part("switch").title = label;
    closePanel();
    closeMenus();
    if (focus && keys) words.focus();
  }

  function closePanel() {
    part("panel").hidden = true;
    part("more").setAttribute("aria-expanded", "false");
    pressed = "";
  }

  function closeMenus() {
    for (const list of part("menu").querySelectorAll("ul")) list.hidden = true;
    for (const title of part("menu").querySelectorAll("[aria-expanded]")) title.setAttribute("aria-expanded", "false");
  }

  function openSheet(name) {
    pressed = "";
    part("panel").hidden = false;
    part("more").setAttribute("aria-expanded", "true");
    part("tiles").hidden = name !== "";
    for (const sheet of part("panel").querySelectorAll(".sheet")) sheet.hidden = sheet.dataset.part !== `sheet-${name}`;
    const first = name ? part(`sheet-${name}`).querySelector("button, select, input") : part("tiles").querySelector("button");
    first.focus();
  }

  function tapMenu(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const list = button.parentElement.querySelector(":scope > ul");
    const opens = list && list.hidden;
    closeMenus();
    if (opens) {
      list.hidden = false;
      button.setAttribute("aria-expanded", "true");
    }
    if (list) return;
    const path = button.dataset.path;
    const found = path.split(".").reduce((level, index) => (level.sub_button ?? level)[index], { sub_button: menuButtons });
    const sheet = SHEET_OF_BUTTON[found.type];
    if (!sheet) acts.tap(path, found);
    else {
      openSheet(sheet);
      pressed = path;
    }
  }

  const sheets = startSheets(part, acts, { pressed: () => pressed, close: closePanel });
  part("writer").addEventListener("submit", (event) => {
    event.preventDefault();
    write();
  });
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    write();
  });
  words.addEventListener("input", grow);
  words.addEventListener("focus", closePanel);
  part("more").addEventListener("click", () => (part("panel").hidden ? openSheet("") : closePanel()));
  part("switch").addEventListener("click", () => setKeys(part("writer").hidden, true));
  part("follow").addEventListener("click", acts.follow);
  part("unfollow").addEventListener("click", () => {
    closePanel();
    acts.unfollow();
  });
  for (const tile of part("tiles").querySelectorAll("[data-sheet]")) tile.addEventListener("click", () => openSheet(tile.dataset.sheet));
  part("menu").addEventListener("click", tapMenu);
  part("menu").addEventListener("keydown", (event) => moveFocus(event, part("menu")));
  document.addEventListener("click", (event) => part("menu").contains(event.target) || closeMenus());

  const mayType = () => part("writer").hidden && !part("strip").hidden && !part("dock").hidden;

  return {
    closePanel,
    showCodes: sheets.showCodes,
    /** The menu shown is another person's until theirs is here. */
    awaitMenu() {
      part("strip").setAttribute("aria-busy", "true");
    },
    /** The menu that this person sees; without one, only the keyboard. Whoever is typing goes on typing. */
    showMenu(buttons, samePerson) {
      part("strip").removeAttribute("aria-busy");
      const typing = samePerson && menuButtons.length > 0 && !part("writer").hidden;
      menuButtons = buttons;
      part("switch").hidden = buttons.length === 0;
      part("menu").replaceChildren(...buttons.map(menuButton));
      if (!typing) setKeys(buttons.length === 0, false);
    },
    showStranger(isStranger) {
      part("stranger").hidden = !isStranger;
      part("strip").hidden = isStranger;
      if (isStranger) closePanel();
    },
    /** A letter typed while the menu is shown brings the keyboard, as reaching for it would. */
    startTyping() {
      if (mayType()) setKeys(true, true);
    },
    /** So does a text that is pasted. True where it was taken. */
    paste(text) {
      if (!mayType()) return false;
      setKeys(true, true);
      words.setRangeText(text, words.selectionStart, words.selectionEnd, "end");
      grow();
      return true;
    },
    draft: () => words.value,
    setDraft(text) {
      words.value = text;
      grow();
    },
    /** True where something was open and is closed now. */
    escape() {
      const opened = part("menu").querySelector("[aria-expanded=true]");
      closeMenus();
      if (opened) opened.focus();
      else if (part("panel").hidden) return false;
      else {
        closePanel();
        if (!part("writer").hidden) part("more").focus();
      }
      return true;
    },
  };
}

/** A button's name, and under it what it says in English, where the page knows it. */
function named(name) {
  const english = gloss(name);
  return english ? [h("span", {}, name, h("small", { lang: "en", "aria-hidden": "true" }, english))] : [name];
}

function menuButton(button, index) {
  const subs = button.sub_button ?? [];
  const title = h("button", { type: "button", className: "title", title: gloss(button.name) }, subs.length ? icon("lines") : null, named(button.name));
  title.dataset.path = subs.length ? "" : index;
  if (!subs.length) return h("div", {}, title);
  title.setAttribute("aria-haspopup", "true");
  title.setAttribute("aria-expanded", "false");
  const items = subs.map((sub, place) => {
    const item = h("button", { type: "button", title: gloss(sub.name) }, named(sub.name));
    item.dataset.path = `${index}.${place}`;
    return h("li", {}, item);
  });
  return h("div", {}, title, h("ul", { hidden: true }, items));
}

/** The arrows walk through the menu, as its look promises. */
function moveFocus(event, menu) {
  const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const upwards = event.key === "ArrowUp" || event.key === "ArrowDown";
  const open = menu.querySelector("ul:not([hidden])");
  const buttons = upwards && open ? [...open.querySelectorAll("button")] : [...menu.querySelectorAll(".title")];
  const at = buttons.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : buttons.length - 1) : (at + step + buttons.length) % buttons.length;
  buttons[next]?.focus();
  event.preventDefault();
}
