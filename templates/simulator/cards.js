// What is inside a bubble: one function for each kind of message.

import { h, icon } from "./dom.js";
import { isWeb, rich, webLink } from "./rich.js";
import { LINES, SMALL } from "./words.js";

const KINDS = { text, image, location, voice, video, music, news, link, msgmenu, template, subscription };

/** ``acts``: choose (a msgmenu option), open (a web page). */
export function body({ kind, content }, acts) {
  return (KINDS[kind] ?? other)(content, acts, kind);
}

/** What the list of people shows of an entry. */
export function preview({ kind, content }) {
  if (LINES[kind]) return LINES[kind][0];
  if (kind === "image") return SMALL.photo[0];
  if (kind === "location") return `${SMALL.place[0]} ${content.label}`;
  if (kind === "voice") return `${SMALL.voice[0]} ${content.text ?? ""}`;
  if (kind === "news") return `${SMALL.news[0]} ${content.articles[0]?.title ?? ""}`;
  if (kind === "link") return `${SMALL.link[0]} ${content.title}`;
  if (kind === "template" || kind === "subscription") return `${SMALL.notice[0]} ${content.title}`;
  return content.text ?? content.head ?? "";
}

function text(content, acts) {
  return h("div", { className: "bubble" }, rich(content.text, acts));
}

function other(content, acts, kind) {
  return h("div", { className: "bubble" }, `[${kind}] ${content.title ?? content.text ?? ""}`);
}

function image({ media_id: mediaId, preview: drawn }) {
  const picture = h("img", { src: drawn ?? `/media/${mediaId}`, alt: SMALL.photo.join(" "), loading: "lazy" });
  return drawn
    ? h("span", { className: "picture" }, picture)
    : h("a", { className: "picture", href: `/media/${mediaId}`, target: "_blank", rel: "noopener" }, picture);
}

function location({ label, latitude, longitude }) {
  const where = `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  return h("div", { className: "card place" }, h("strong", {}, label || where), h("small", {}, where), h("div", { className: "map" }, icon("place")));
}

function voice(content) {
  const heard = content.text ?? "";
  const seconds = Math.max(1, Math.min(60, Math.round([...heard].length / 3)));
  const bubble = h("div", { className: "bubble sound" }, `${seconds}″`, icon("waves"));
  bubble.style.width = `${84 + seconds * 4}px`;
  return [bubble, h("div", { className: "heard", title: SMALL.recognised.join(" ") }, heard || SMALL.unheard.join(" "))];
}

function video(content) {
  const inside = [h("span", { className: "film" }, icon("play")), h("strong", {}, content.text || SMALL.video.join(" "))];
  return h("a", { className: "card", href: `/media/${content.media_id}`, target: "_blank", rel: "noopener" }, inside);
}

function music(content) {
  return h("div", { className: "card" }, h("strong", {}, content.text || SMALL.music.join(" ")));
}

function news({ articles }, acts) {
  return articles.map(({ title, description, url }) =>
    card(url, "card", acts, [h("strong", {}, title), description ? h("p", {}, description) : null]));
}

function link({ title, description, url }, acts) {
  const host = isWeb(url) ? new URL(url).host : url;
  return card(url, "card", acts, [h("strong", {}, title), h("p", {}, description), h("small", { className: "host" }, host)]);
}

function card(url, className, acts, inside) {
  return isWeb(url) ? webLink(url, { className }, acts, inside) : h("div", { className }, inside);
}

function msgmenu({ head, options, tail }, acts) {
  const rows = options.map(({ id, content }) =>
    h("button", { type: "button", className: "option", onclick: () => acts.choose(content, id) }, content));
  return h("div", { className: "bubble msgmenu" }, h("p", {}, rich(head, acts)), h("div", { className: "options" }, rows), h("p", {}, rich(tail, acts)));
}

/** A template message: ``{title, fields: [{name, value}], url}``. */
function template(content, acts) {
  return notice(content, acts, SMALL.template);
}

function subscription(content, acts) {
  return notice(content, acts, SMALL.subscription);
}

function notice({ title, fields = [], url = "" }, acts, label) {
  const rows = fields.flatMap(({ name, value }) => [h("dt", {}, name), h("dd", {}, value)]);
  const more = isWeb(url) ? h("p", { className: "more" }, SMALL.more[0], " ", h("small", { lang: "en" }, SMALL.more[1]), h("span", { "aria-hidden": "true" }, "›")) : null;
  const inside = [h("small", { className: "sort" }, label.join(" ")), h("strong", {}, title), h("dl", {}, rows), more];
  return card(url, "card notice", acts, inside);
}
