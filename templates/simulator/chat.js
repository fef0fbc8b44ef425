// The chat of one person: bubbles, lines and times.

import { $, accountFace, both, clock, draw, face, h, icon } from "./dom.js";
import { isWeb, rich } from "./rich.js";
import { LINES, SMALL } from "./words.js";

const PAUSE = 300; // seconds of silence after which the time is shown again
const NEAR_END = 120; // pixels: whoever has scrolled up further than this is reading, and is left alone

let atEnd = true;

/** Keeps the newest message in view when something below it or in it changes its size. */
export function startChat() {
  const talk = $("talk");
  talk.addEventListener("scroll", () => (atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < NEAR_END));
  talk.addEventListener("load", follow, true);
  new ResizeObserver(follow).observe(talk);
}

export function jumpToEnd() {
  atEnd = true;
  follow();
}

function follow() {
  if (atEnd) $("talk").scrollTop = $("talk").scrollHeight;
}

/** Shows all that was said with this person. ``choose`` answers a msgmenu, ``again`` resends what failed. */
export function showChat(person, entries, { choose, again }) {
  const items = [];
  let last = 0;
  for (const entry of entries) {
    const key = entry.ref || `${person.openid} ${entry.id}`;
    if (entry.at - last > PAUSE) items.push([`time ${key}`, "", () => time(entry.at)]);
    last = entry.at;
    items.push([key, entry.state, () => row(entry, person, choose, again)]);
  }
  if (entries.some((entry) => entry.state === "sending")) items.push([`typing ${person.openid}`, "", typing]);
  draw($("talk"), items);
  follow();
}

/** What the list of people shows of an entry. */
export function preview(entry) {
  const { kind, content } = entry;
  if (LINES[kind]) return LINES[kind][0];
  if (kind === "image") return SMALL.photo[0];
  if (kind === "location") return `${SMALL.place[0]} ${content.label}`;
  if (kind === "voice") return `${SMALL.voice[0]} ${content.text}`;
  if (kind === "news") return `${SMALL.news[0]} ${content.articles[0]?.title ?? ""}`;
  return content.text ?? content.head ?? "";
}

function time(seconds) {
  return h("p", { className: "time" }, clock(seconds));
}

function typing() {
  const late = h("p", { className: "late" }, both(SMALL.late));
  const dots = h("div", { className: "bubble typing", title: SMALL.typing[1], "aria-label": SMALL.typing.join(" ") }, h("i"), h("i"), h("i"));
  return h("div", { className: "from account waiting" }, accountFace(), h("div", { className: "said" }, dots, late));
}

function row(entry, person, choose, again) {
  if (entry.by === "platform") return line(entry);
  const mine = entry.by === "person";
  const said = h("div", { className: "said" }, body(entry, choose));
  if (entry.state === "sending") said.append(h("i", { className: "spinner", title: SMALL.sending.join(" ") }));
  if (entry.state === "failed") {
    const label = SMALL.failed.join(" ");
    said.append(h("button", { type: "button", className: "failed", title: label, "aria-label": label, onclick: () => again(entry) }, "!"));
  }
  return h("div", { className: `from ${mine ? "person" : "account"}` }, mine ? face(person) : accountFace(), said);
}

function line(entry) {
  const words = LINES[entry.kind] ?? [entry.kind, ""];
  const more = entry.content.name ?? entry.content.scene;
  const chinese = more ? `${words[0]}“${more}”` : words[0];
  return h("p", { className: entry.kind === "unavailable" ? "line bad" : "line", title: words[1] }, both([chinese, words[1]]));
}

function body({ kind, content }, choose) {
  switch (kind) {
    case "text":
      return h("div", { className: "bubble" }, rich(content.text, choose));
    case "image":
      return picture(content.media_id, content.preview);
    case "location":
      return place(content);
    case "voice":
      return voice(content);
    case "news":
      return content.articles.map(article);
    case "msgmenu":
      return menu(content, choose);
    default:
      return h("div", { className: "bubble" }, `[${kind}] ${content.title ?? content.text ?? ""}`);
  }
}

function picture(mediaId, preview) {
  const image = h("img", { src: preview ?? `/media/${mediaId}`, alt: SMALL.photo.join(" "), loading: "lazy" });
  return preview
    ? h("span", { className: "picture" }, image)
    : h("a", { className: "picture", href: `/media/${mediaId}`, target: "_blank", rel: "noopener" }, image);
}

function place({ label, latitude, longitude }) {
  const where = `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  return h("div", { className: "card place" }, h("strong", {}, label || where), h("small", {}, where), h("div", { className: "map" }, icon("place")));
}

function voice({ text }) {
  const seconds = Math.max(1, Math.min(60, Math.round([...text].length / 3)));
  const bubble = h("div", { className: "bubble sound" }, `${seconds}″`, icon("waves"));
  bubble.style.width = `${84 + seconds * 4}px`;
  return [bubble, h("div", { className: "heard", title: SMALL.recognised.join(" ") }, text || SMALL.unheard.join(" "))];
}

function article({ title, description, url }) {
  const inside = [h("strong", {}, title), description ? h("p", {}, description) : null];
  return isWeb(url)
    ? h("a", { className: "card", href: url, target: "_blank", rel: "noopener noreferrer" }, inside)
    : h("div", { className: "card" }, inside);
}

function menu({ head, options, tail }, choose) {
  const rows = options.map(({ id, content }) =>
    h("button", { type: "button", className: "option", onclick: () => choose(content, id) }, content));
  return h("div", { className: "bubble msgmenu" }, h("p", {}, head), rows, h("p", {}, tail));
}
