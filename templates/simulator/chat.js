// The chat of one person: bubbles, lines and times.

import { body } from "./cards.js";
import { accountFace, both, draw, face, h } from "./dom.js";
import { clock } from "./when.js";
import { LINES, SMALL } from "./words.js";

const PAUSE = 300; // seconds of silence after which the time is shown again
const NEAR_END = 120; // pixels: whoever has scrolled up further than this is reading, and is left alone

/** Keeps the newest message in view when something below it or in it changes its size. */
export function makeChat(talk) {
  let atEnd = true;
  const follow = () => {
    if (atEnd) talk.scrollTop = talk.scrollHeight;
  };
  talk.addEventListener("scroll", () => (atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < NEAR_END));
  talk.addEventListener("load", follow, true);
  new ResizeObserver(follow).observe(talk);

  return {
    jumpToEnd() {
      atEnd = true;
      follow();
    },
    /** ``acts``: choose answers a msgmenu, open opens a page, again resends what failed. */
    show(person, entries, acts) {
      const items = [];
      let last = 0;
      for (const entry of entries) {
        const key = entry.ref || `${person.openid} ${entry.id}`;
        if (entry.at - last > PAUSE) items.push([`time ${key}`, "", () => time(entry.at)]);
        last = entry.at;
        items.push([key, entry.state, () => row(entry, person, acts)]);
      }
      if (entries.some((entry) => entry.state === "sending")) items.push([`typing ${person.openid}`, "", typing]);
      draw(talk, items);
      follow();
    },
  };
}

function time(seconds) {
  return h("p", { className: "time" }, clock(seconds));
}

function typing() {
  const late = h("p", { className: "late" }, both(SMALL.late));
  const dots = h("div", { className: "bubble typing", title: SMALL.typing[1], "aria-label": SMALL.typing.join(" ") }, h("i"), h("i"), h("i"));
  return h("div", { className: "from account waiting" }, accountFace(), h("div", { className: "said" }, dots, late));
}

function row(entry, person, acts) {
  if (entry.by === "platform") return line(entry);
  const mine = entry.by === "person";
  const said = h("div", { className: "said" }, body(entry, acts));
  if (entry.state === "sending") said.append(h("i", { className: "spinner", title: SMALL.sending.join(" ") }));
  if (entry.state === "failed") {
    const label = SMALL.failed.join(" ");
    said.append(h("button", { type: "button", className: "failed", title: label, "aria-label": label, onclick: () => acts.again(entry) }, "!"));
  }
  return h("div", { className: `from ${mine ? "person" : "account"}` }, mine ? face(person) : accountFace(), said);
}

function line(entry) {
  const words = LINES[entry.kind] ?? [entry.kind, ""];
  const more = entry.content.name ?? entry.content.scene;
  const chinese = more ? `${words[0]}“${more}”` : words[0];
  return h("p", { className: entry.kind === "unavailable" ? "line bad" : "line", title: words[1] }, both([chinese, words[1]]));
}
