// The lower edge of the phone: the keyboard, the account's menu, and what the + opens.

import { $, both, h, icon } from "./dom.js";
import { drawing, SCENE_PICTURES } from "./scenes.js";
import { SCENES, SMALL } from "./words.js";

const SHEET_OF_BUTTON = {
  scancode_push: "scan",
  scancode_waitmsg: "scan",
  pic_sysphoto: "photo",
  pic_photo_or_album: "photo",
  pic_weixin: "photo",
  location_select: "place",
};

let menuButtons = [];
let pressed = ""; // the menu button whose sheet is open: "0.2"

/** ``acts``: what the desk does with what people send: text, photo, place, voice, scan, tap, follow, unfollow. */
export function startDock(acts) {
  const words = $("words");
  const write = () => {
    const text = words.value.trim();
    if (text) acts.text(text);
    words.value = "";
    grow();
    words.focus();
  };
  $("writer").addEventListener("submit", (event) => {
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
  $("more").addEventListener("click", () => ($("panel").hidden ? openSheet("") : closePanel()));
  $("switch").addEventListener("click", () => setKeys($("writer").hidden, true));
  $("follow").addEventListener("click", acts.follow);
  $("unfollow").addEventListener("click", () => leave(acts.unfollow));
  for (const tile of document.querySelectorAll("[data-sheet]")) tile.addEventListener("click", () => openSheet(tile.dataset.sheet));
  startSheets(acts);
  $("menu").addEventListener("click", (event) => tapMenu(event, acts));
  document.addEventListener("click", (event) => event.target.closest("#menu") || closeMenus());
  document.addEventListener("keydown", escape);
  document.addEventListener("keydown", startTyping);
}

/** The menu that this person sees; without one, only the keyboard. Whoever is typing goes on typing. */
export function showMenu(buttons, samePerson) {
  const typing = samePerson && menuButtons.length > 0 && !$("writer").hidden;
  menuButtons = buttons;
  $("switch").hidden = buttons.length === 0;
  $("menu").replaceChildren(...buttons.map(menuButton));
  if (!typing) setKeys(buttons.length === 0, false);
}

export function showStranger(isStranger) {
  $("stranger").hidden = !isStranger;
  $("strip").hidden = isStranger;
  if (isStranger) closePanel();
}

export function closePanel() {
  $("panel").hidden = true;
  $("more").setAttribute("aria-expanded", "false");
  pressed = "";
}

function grow() {
  const words = $("words");
  words.style.height = "auto";
  words.style.height = `${Math.min(words.scrollHeight, 120)}px`;
  const empty = words.value.trim() === "";
  $("send").hidden = empty;
  $("more").hidden = !empty;
}

function setKeys(keys, focus) {
  $("writer").hidden = !keys;
  $("menu").hidden = keys;
  $("strip").dataset.shows = keys ? "keys" : "menu";
  const label = (keys ? SMALL.toMenu : SMALL.toKeys).join(" ");
  $("switch").setAttribute("aria-label", label);
  $("switch").title = label;
  closePanel();
  closeMenus();
  if (focus && keys) $("words").focus();
}

function menuButton(button, index) {
  const subs = button.sub_button ?? [];
  const title = h("button", { type: "button", className: "title" }, subs.length ? icon("lines") : null, button.name);
  title.dataset.path = subs.length ? "" : index;
  if (!subs.length) return h("div", {}, title);
  title.setAttribute("aria-haspopup", "true");
  title.setAttribute("aria-expanded", "false");
  const items = subs.map((sub, place) => {
    const item = h("button", { type: "button" }, sub.name);
    item.dataset.path = `${index}.${place}`;
    return h("li", {}, item);
  });
  return h("div", {}, title, h("ul", { hidden: true }, items));
}

function tapMenu(event, acts) {
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

function closeMenus() {
  for (const list of $("menu").querySelectorAll("ul")) list.hidden = true;
  for (const title of $("menu").querySelectorAll("[aria-expanded]")) title.setAttribute("aria-expanded", "false");
}

function openSheet(name) {
  pressed = "";
  $("panel").hidden = false;
  $("more").setAttribute("aria-expanded", "true");
  $("tiles").hidden = name !== "";
  for (const sheet of document.querySelectorAll(".sheet")) sheet.hidden = sheet.id !== `sheet-${name}`;
  const first = name ? $(`sheet-${name}`).querySelector("button, select, input") : $("tiles").querySelector("button");
  first.focus();
}

function escape(event) {
  if (event.key !== "Escape") return;
  const opened = $("menu").querySelector("[aria-expanded=true]");
  closeMenus();
  if (opened) opened.focus();
  else if (!$("panel").hidden) {
    closePanel();
    if (!$("writer").hidden) $("more").focus();
  }
}

/** A letter typed while the menu is shown brings the keyboard, as reaching for it would. */
function startTyping(event) {
  const writes = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  const elsewhere = event.target.closest("input, textarea, select, .log");
  if (writes && !elsewhere && $("writer").hidden && !$("strip").hidden && !$("dock").hidden) setKeys(true, true);
}

function leave(unfollow) {
  closePanel();
  unfollow();
}

/** Each sheet sends what it holds, with the menu button that opened it. */
function startSheets(acts) {
  const onSubmit = (name, send) => $(`sheet-${name}`).addEventListener("submit", (event) => {
    event.preventDefault();
    const button = pressed;
    send(new FormData(event.target), button);
    closePanel();
  });
  onSubmit("voice", (form) => acts.voice(form.get("text")));
  onSubmit("scan", (form, button) => acts.scan(form.get("scene"), button));
  onSubmit("place", (form, button) => acts.place(Number(form.get("lat")), Number(form.get("lng")), form.get("label"), button));
  const place = $("sheet-place");
  const fill = () => {
    const chosen = place.elements.sample.selectedOptions[0];
    [place.elements.lat.value, place.elements.lng.value] = chosen.value.split(",");
    place.elements.label.value = chosen.textContent.split(" · ")[0];
  };
  place.elements.sample.addEventListener("change", fill);
  fill();
  startPhotos(acts);
}

function startPhotos(acts) {
  const send = (blob) => {
    const button = pressed;
    closePanel();
    acts.photo(blob, button);
  };
  const samples = SCENES.map(([name, chinese, english]) => {
    const image = h("img", { src: SCENE_PICTURES[name], alt: "" });
    const choose = async () => send(await drawing(image));
    return h("button", { type: "button", onclick: choose }, image, h("span", {}, both([chinese, english])));
  });
  $("scenes").replaceChildren(...samples);
  $("sheet-photo").elements.photo.addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) send(file);
    event.target.value = "";
  });
}
