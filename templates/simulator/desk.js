// Holds the page together: the people, the phones, the log and the drawers.

import { showCrowd } from "./crowd.js";
import { $, both } from "./dom.js";
import { closeDrawer, openDrawer, startDrawers } from "./drawers.js";
import { fillFaults, showFaults, startFaults } from "./faults.js";
import { showClock, startClock } from "./hours.js";
import { showLog } from "./log.js";
import { makePhone } from "./phone.js";
import { allSeen, call, callbacks, exchanges, listen, look, people } from "./store.js";
import { SMALL, TROUBLE } from "./words.js";

const TROUBLE_SHOWN = 6000;
const TITLE = document.title;
// Window widths from which on there is room for two and three phones, and for so many of them with the log beside.
const ROOM_FOR = [0, 1000, 1400];
const ROOM_WITH_LOG = [1120, 1280, 1640];

const phones = [];
let active = null; // the phone in hand
let logAll = false;

// ---- what goes wrong

function trouble(code, lasting = false) {
  $("trouble").replaceChildren(...both(TROUBLE[code] ?? TROUBLE.other));
  $("trouble").hidden = false;
  clearTimeout(trouble.timer);
  if (!lasting) trouble.timer = setTimeout(() => ($("trouble").hidden = true), TROUBLE_SHOWN);
}

let down = false; // the simulator does not answer, and that is being said

const line = {
  change: show,
  lost: () => look().catch((error) => {
    down = true;
    trouble(error.message, true);
  }),
  found() {
    if (down) $("trouble").hidden = true;
    down = false;
  },
};

// ---- phones

const capacity = () => ROOM_FOR.filter((width) => innerWidth >= width).length;

function addPhone(root) {
  const phone = makePhone(root, { trouble, show });
  phones.push(phone);
  phone.number(phones.length - 1);
  const take = () => active === phone || hold(phone);
  root.addEventListener("focusin", take);
  root.addEventListener("pointerdown", take);
  phone.part("to-people").addEventListener("click", () => view("people"));
  phone.part("to-log").addEventListener("click", () => view(document.body.dataset.view === "log" ? "chat" : "log"));
  phone.part("close").addEventListener("click", () => closePhone(phone));
  return phone;
}

function hold(phone) {
  active = phone;
  for (const one of phones) one.root.classList.toggle("active", one === phone);
  show();
}

function closePhone(phone) {
  phones.splice(phones.indexOf(phone), 1);
  phone.root.remove();
  phones.forEach((one, index) => one.number(index));
  hold(phones.at(-1));
  remember();
}

/** As many phones as the window has room for; the one in hand always. */
function layout() {
  const room = capacity();
  const shown = phones.length <= room ? phones : [...phones.filter((phone) => phone !== active).slice(0, room - 1), active];
  for (const phone of phones) phone.root.hidden = !shown.includes(phone);
  for (const phone of phones) phone.part("close").hidden = shown.length < 2;
  document.body.dataset.phones = shown.length;
  document.body.classList.toggle("roomy", innerWidth >= ROOM_WITH_LOG[shown.length - 1]);
  return shown;
}

async function pick(openid) {
  const phone = phones.find((one) => one.openid === openid) ?? active;
  const isThere = phone.openid === openid;
  document.body.dataset.view = "chat";
  if (isThere) hold(phone);
  else {
    const picking = phone.pick(openid);
    remember();
    hold(phone);
    $("crowd").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    await picking;
  }
}

function beside(openid) {
  if (active.openid) hold(addPhone($("phones").appendChild($("another-phone").content.firstElementChild.cloneNode(true))));
  return pick(openid);
}

function remember() {
  const shown = phones.map((phone) => phone.openid).filter(Boolean);
  history.replaceState(null, "", `#${shown.join(",")}`);
}

async function newcomer() {
  try {
    const { openid } = await call("/desk/people", new FormData());
    await look();
    await pick(openid);
  } catch (error) {
    trouble(error.message);
  }
}

// ---- what is on screen

function show() {
  const shown = layout();
  for (const phone of shown) phone.show();
  const openids = shown.map((phone) => phone.openid).filter(Boolean);
  const unread = showCrowd(openids, active.openid, { pick, beside: phones.length < capacity() ? beside : null });
  document.title = unread ? `(${unread}) ${TITLE}` : TITLE;
  for (const phone of shown) {
    phone.part("unread").hidden = unread === 0;
    phone.part("unread").textContent = unread;
  }
  $("log-one").replaceChildren(...both(openids.length > 1 ? SMALL.these : SMALL.this));
  showLog([...exchanges.values()].filter((exchange) => logAll || !openids.length || openids.includes(exchange.openid)), [...callbacks.values()]);
  showFaults();
  showClock();
}

function view(name) {
  document.body.dataset.view = name;
  show();
}

function setLog(every) {
  logAll = every;
  $("log-one").setAttribute("aria-pressed", String(!every));
  $("log-all").setAttribute("aria-pressed", String(every));
  show();
}

async function checkServer() {
  const { ok } = await call("/desk/check", new FormData()).catch(() => ({ ok: false }));
  $("server").dataset.state = ok ? "well" : "ill";
}

// ---- the keyboard

const WRITES = "input, textarea, select, .log, .drawer, [role=dialog]";

function onKey(event) {
  if (event.key === "Escape") {
    if (openDrawer()?.contains(document.activeElement) || !active.escape()) closeDrawer();
    return;
  }
  const writes = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (writes && !event.target.closest(WRITES)) active.dock.startTyping();
}

function onPaste(event) {
  if (event.target.closest?.(WRITES)) return;
  const text = event.clipboardData?.getData("text/plain");
  if (text && active.dock.paste(text)) event.preventDefault();
}

// ---- start

addPhone(document.querySelector("#phones > .phone"));
active = phones[0];
active.root.classList.add("active");
startDrawers((name) => name === "faults" && fillFaults());
startFaults(trouble);
startClock(trouble);
$("newcomer").addEventListener("click", newcomer);
$("from-log").addEventListener("click", () => view("chat"));
$("log-one").addEventListener("click", () => setLog(false));
$("log-all").addEventListener("click", () => setLog(true));
document.addEventListener("keydown", onKey);
document.addEventListener("paste", onPaste);
addEventListener("resize", show);
checkServer();
await look().catch((error) => trouble(error.message));
allSeen();
listen(line);
show();
const remembered = decodeURIComponent(location.hash.slice(1)).split(",").filter((openid) => people.has(openid));
for (const openid of remembered.slice(0, capacity())) beside(openid);
