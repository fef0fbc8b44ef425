// All that the page knows, and how it hears of it.

import { setNow } from "./when.js";

const boot = document.body.dataset.boot;

export const people = new Map(); // openid -> person
export const entries = new Map(); // id -> entry
export const exchanges = new Map(); // id -> exchange
export const callbacks = new Map(); // id -> callback of Pay
export const pending = new Map(); // ref -> entry that the simulator has not told us of yet
export const seen = new Map(); // openid -> id of the last entry that was on screen
export const told = { menu_stamp: "", faults: [], ahead: 0, silent_until: 0 }; // the other sections, by name
const KEPT = 300; // exchanges, with their XML; the simulator keeps 200
let version = 0;

/** Asks, or with a form acts. Raises an Error whose message names what is wrong. */
export async function call(path, form) {
  const answer = await fetch(path, form ? { method: "POST", body: form } : {}).catch(() => null);
  if (answer === null) throw new Error("offline");
  if (answer.ok) return answer.json();
  const { error } = await answer.json().catch(() => ({}));
  throw new Error(error ?? String(answer.status));
}

export function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value ?? "");
  return form;
}

let heard = 0; // messages of the stream
const toldBy = new Map(); // section -> the message of the stream that told it last

/**
 * News may overtake each other: an entry only ever moves forward, and of an answer that was asked for when ``asked``
 * messages of the stream had come, no section counts that the stream has told since.
 */
function take(news, asked) {
  if (news.boot !== boot) return location.reload();
  setNow(news.now);
  const { entries: said, exchanges: delivered, callbacks: called = [], version: newest, ...sections } = news;
  for (const name of Object.keys(sections)) {
    if (asked === undefined) toldBy.set(name, heard);
    else if (toldBy.get(name) > asked) delete sections[name];
  }
  const { people: everybody, ...others } = sections;
  if (everybody) {
    people.clear();
    for (const person of everybody) people.set(person.openid, person);
  }
  for (const entry of said) {
    if ((entries.get(entry.id)?.version ?? 0) >= entry.version) continue;
    entries.set(entry.id, entry);
    pending.delete(entry.ref);
  }
  for (const exchange of delivered) exchanges.set(exchange.id, exchange);
  for (const callback of called)
    if (!(callbacks.get(callback.id)?.version > callback.version)) callbacks.set(callback.id, callback);
  for (const kept of [exchanges, callbacks]) while (kept.size > KEPT) kept.delete(kept.keys().next().value);
  Object.assign(told, others);
  version = Math.max(version, newest);
}

let changed = () => {};

/** Looks once. Raises an Error. */
export async function look() {
  const asked = heard;
  take(await call(`/desk/feed?after=${version}`), asked);
  changed();
}

const RETRY = 2000; // milliseconds; a browser gives a stream up for good where the answer is no stream

/** Hears all news from here on. ``lost`` and ``found`` tell of the line to the simulator. */
export function listen({ change, lost, found }) {
  changed = change;
  const source = new EventSource(`/desk/stream?after=${version}`);
  source.addEventListener("message", (event) => {
    heard += 1;
    take(JSON.parse(event.data));
    change();
  });
  source.addEventListener("open", found);
  source.addEventListener("error", () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen({ change, lost, found }), RETRY);
  });
}

/** What was said before the page was opened is no news. */
export function allSeen() {
  for (const openid of people.keys()) seen.set(openid, version);
}

/** All that was said with this person, oldest first, what is still on its way last. */
export function saidWith(openid) {
  return [...entries.values(), ...pending.values()]
    .filter((entry) => entry.openid === openid)
    .sort((a, b) => (a.id ?? Infinity) - (b.id ?? Infinity) || a.at - b.at);
}
