// Holds the page together: who is picked, what is known, what is sent, and what comes by itself.

import { jumpToEnd, showChat, startChat } from "./chat.js";
import { showCrowd } from "./crowd.js";
import { closePanel, showMenu, showStranger, startDock } from "./dock.js";
import { $, both } from "./dom.js";
import { showLog } from "./log.js";
import { isWeb } from "./rich.js";
import { SMALL, TROUBLE } from "./words.js";

const POLL = 2000; // milliseconds between looks for news
const TROUBLE_SHOWN = 6000;

const boot = document.body.dataset.boot;
const people = new Map(); // openid -> person
const entries = new Map(); // id -> entry
const exchanges = new Map(); // id -> exchange
const pending = new Map(); // ref -> entry that the server has not told us of yet
const seen = new Map(); // openid -> id of the last entry that was on screen
let version = 0;
let picked = null; // openid
let menuStamp = "";
let menuOf = null;
let logAll = false;

// ---- talking to the stand-in

async function call(path, form) {
  const answer = await fetch(path, form ? { method: "POST", body: form } : {}).catch(() => null);
  if (answer === null) throw new Error("offline");
  if (answer.ok) return answer.json();
  const { error } = await answer.json().catch(() => ({}));
  throw new Error(error ?? String(answer.status));
}

function trouble(code) {
  $("trouble").replaceChildren(...both(TROUBLE[code] ?? TROUBLE.other));
  $("trouble").hidden = false;
  clearTimeout(trouble.timer);
  trouble.timer = setTimeout(() => ($("trouble").hidden = true), TROUBLE_SHOWN);
}

/** Feeds may overtake each other; an entry only ever moves forward. */
async function look() {
  const feed = await call(`/desk/feed?after=${version}`);
  if (feed.boot !== boot) return location.reload();
  people.clear();
  for (const person of feed.people) people.set(person.openid, person);
  for (const entry of feed.entries) {
    if ((entries.get(entry.id)?.version ?? 0) >= entry.version) continue;
    entries.set(entry.id, entry);
    pending.delete(entry.ref);
  }
  for (const exchange of feed.exchanges) exchanges.set(exchange.id, exchange);
  version = Math.max(version, feed.version);
  if (feed.menu_stamp !== menuStamp || menuOf !== picked) await fetchMenu(feed.menu_stamp);
  show();
  return feed;
}

async function fetchMenu(stamp) {
  if (!picked) return;
  const asked = picked;
  const samePerson = menuOf === asked;
  const { button } = await call(`/desk/menu?openid=${encodeURIComponent(asked)}`);
  if (asked !== picked) return;
  [menuStamp, menuOf] = [stamp, asked];
  showMenu(button, samePerson);
}

async function keepLooking() {
  try {
    await look();
  } catch (error) {
    trouble(error.message);
  }
  setTimeout(keepLooking, POLL);
}

// ---- what people do

/** Sends one act of the picked person, and shows what came of it. */
async function act(action, fields, entry) {
  const form = new FormData();
  form.set("openid", picked);
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (entry) {
    form.set("ref", entry.ref);
    pending.set(entry.ref, entry);
    show();
  }
  try {
    const done = call(`/desk/${action}`, form);
    setTimeout(() => look().catch(() => {}), 250); // so that lines of events show while the server thinks
    await done;
    await look();
  } catch (error) {
    if (entry && pending.has(entry.ref)) entry.state = "failed";
    trouble(error.message);
    show();
  }
}

function said(kind, content, action, fields) {
  const ref = `page-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
  const entry = { ref, openid: picked, by: "person", kind, content, at: Date.now() / 1000, state: "sending", action, fields };
  jumpToEnd();
  return act(action, fields, entry);
}

function again(entry) {
  pending.delete(entry.ref);
  said(entry.kind, entry.content, entry.action, entry.fields);
}

const choose = (text, id) => said("text", { text }, "text", { text, option_id: id });

const acts = {
  text: (text) => said("text", { text }, "text", { text }),
  voice: (text) => said("voice", { text }, "voice", { text }),
  place: (lat, lng, label, button) =>
    said("location", { latitude: lat, longitude: lng, label }, "place", { lat, lng, label, button }),
  photo: (blob, button) =>
    said("image", { preview: URL.createObjectURL(blob) }, "photo", { photo: new File([blob], "photo"), button }),
  scan: (scene, button) => act("scan", { scene, button }),
  follow: () => act("follow", {}),
  unfollow: () => act("unfollow", {}),
  tap: (path, button) => {
    if (button.type === "view" && isWeb(button.url)) window.open(button.url, "_blank", "noopener");
    return act("tap", { button: path });
  },
};

async function pick(openid) {
  picked = openid;
  history.replaceState(null, "", `#${openid}`);
  document.body.dataset.view = "chat";
  closePanel();
  show();
  jumpToEnd();
  $("crowd").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  await fetchMenu(menuStamp).catch((error) => trouble(error.message));
  await act("meet", {});
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
  const all = [...entries.values(), ...pending.values()];
  const person = people.get(picked);
  $("dock").hidden = !person;
  $("nobody").hidden = Boolean(person);
  if (person) {
    const own = all.filter((entry) => entry.openid === picked).sort((a, b) => (a.id ?? Infinity) - (b.id ?? Infinity) || a.at - b.at);
    $("who").replaceChildren(...whoLine(person));
    $("talk").hidden = own.length === 0;
    $("hint").hidden = own.length > 0;
    showChat(person, own, { choose, again });
    showStranger(person.met && !person.following);
    if ($("talk").offsetParent) seen.set(picked, Math.max(0, ...own.map((entry) => entry.id ?? 0)));
  }
  showCrowd([...people.values()], all, seen, picked, pick);
  showLog([...exchanges.values()].filter((exchange) => logAll || !picked || exchange.openid === picked), people);
}

function whoLine(person) {
  const english = person.gloss ? `${SMALL.you[1]} ${person.gloss}` : "";
  return both([`${SMALL.you[0]} ${person.name}${person.note ? `，${person.note}` : ""}`, english]);
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

// ---- start

const view = (name) => () => {
  document.body.dataset.view = name;
  show();
};

startChat();
startDock(acts);
$("newcomer").addEventListener("click", newcomer);
$("to-people").addEventListener("click", view("people"));
$("to-log").addEventListener("click", view("log"));
$("from-log").addEventListener("click", view("chat"));
$("log-one").addEventListener("click", () => setLog(false));
$("log-all").addEventListener("click", () => setLog(true));
checkServer();
await keepLooking();
for (const openid of people.keys()) seen.set(openid, version); // what was said before the page was opened is no news
show();
const remembered = decodeURIComponent(location.hash.slice(1));
if (people.has(remembered)) pick(remembered);
