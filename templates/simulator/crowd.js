// The list of people, with what was last said and how much of it is new.

import { preview } from "./cards.js";
import { $, draw, face, h, icon } from "./dom.js";
import { gloss } from "./glosses.js";
import { entries, people, seen } from "./store.js";
import { SMALL } from "./words.js";

/**
 * ``shown``: the openids on the phones, ``current`` the one whose phone is in hand. ``beside`` opens a person on a
 * phone of their own, and is null where there is no room for one more. How much is new is returned.
 */
export function showCrowd(shown, current, { pick, beside }) {
  let unread = 0;
  const last = new Map();
  const news = new Map();
  for (const entry of entries.values()) {
    last.set(entry.openid, entry);
    const isNew = entry.by === "account" && entry.id > (seen.get(entry.openid) ?? 0);
    if (isNew) news.set(entry.openid, (news.get(entry.openid) ?? 0) + 1);
  }
  const items = [...people.values()].map((person) => {
    const { openid } = person;
    const count = news.get(openid) ?? 0;
    unread += count;
    const said = last.has(openid) ? preview(last.get(openid)) : "";
    const state = JSON.stringify([person, said, count, shown.includes(openid), current === openid, Boolean(beside)]);
    return [openid, state, () => row(person, said, count, { open: shown.includes(openid), current: current === openid }, pick, beside)];
  });
  const focused = document.activeElement?.closest("#crowd li")?.dataset.key;
  draw($("crowd"), items);
  if (focused) $("crowd").querySelector(`[data-key="${CSS.escape(focused)}"] button`)?.focus();
  return unread;
}

function row(person, said, news, { open, current }, pick, beside) {
  const badge = news ? h("b", { className: "badge", "aria-label": `${news} ${SMALL.unread.join(" ")}` }, String(news)) : null;
  const button = h("button", { type: "button", className: "whom", onclick: () => pick(person.openid) },
    h("span", { className: "portrait" }, face(person), badge),
    h("span", { className: "about" },
      h("strong", {}, h("span", {}, person.name), person.tags.map(tag)),
      h("span", {}, person.note),
      h("small", { lang: "en" }, person.gloss),
      said ? h("span", { className: "preview" }, said) : null));
  if (current) button.setAttribute("aria-current", "true");
  const item = h("li", { className: open ? "open" : "" }, button);
  if (!open && beside) {
    const label = `${SMALL.beside.join(" ")}: ${person.name}`;
    item.append(h("button", { type: "button", className: "icon beside", title: SMALL.beside.join(" "), "aria-label": label, onclick: () => beside(person.openid) }, icon("beside")));
  }
  return item;
}

function tag(name) {
  const english = gloss(name);
  return h("em", { title: english }, name, english ? h("small", { lang: "en" }, english) : null);
}
