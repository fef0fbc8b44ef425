// The list of people, with what was last said and how much of it is new.

import { preview } from "./chat.js";
import { $, draw, face, h } from "./dom.js";
import { SMALL } from "./words.js";

/** ``seen``: openid -> id of the last entry that was on screen. */
export function showCrowd(people, entries, seen, picked, pick) {
  let unread = 0;
  const items = people.map((person) => {
    const own = entries.filter((entry) => entry.openid === person.openid && entry.id);
    const news = own.filter((entry) => entry.by === "account" && entry.id > (seen.get(person.openid) ?? 0)).length;
    unread += news;
    const last = own.length ? preview(own.at(-1)) : "";
    const current = person.openid === picked;
    const state = JSON.stringify([person, last, news, current]);
    return [person.openid, state, () => row(person, last, news, current, pick)];
  });
  const focused = document.activeElement?.closest("#crowd li")?.dataset.key;
  draw($("crowd"), items);
  if (focused) $("crowd").querySelector(`[data-key="${CSS.escape(focused)}"] button`)?.focus();
  $("unread").hidden = unread === 0;
  $("unread").textContent = unread;
}

function row(person, last, news, current, pick) {
  const badge = news ? h("b", { className: "badge", "aria-label": `${news} ${SMALL.unread.join(" ")}` }, String(news)) : null;
  const button = h("button", { type: "button", onclick: () => pick(person.openid) },
    h("span", { className: "portrait" }, face(person), badge),
    h("span", { className: "about" },
      h("strong", {}, person.name, person.tags.map((tag) => h("em", {}, tag))),
      h("span", {}, person.note),
      h("small", { lang: "en" }, person.gloss),
      last ? h("span", { className: "preview" }, last) : null));
  if (current) button.setAttribute("aria-current", "true");
  return h("li", {}, button);
}
