// Text from the account: line breaks, web links, and msgmenu links. Nothing else in it becomes markup.

import { h } from "./dom.js";

const PIECES = /<a\s[^>]*?href\s*=\s*(["'])(.*?)\1[^>]*>(.*?)<\/a>|https?:\/\/[^\s<>"'，。！？、；：（）《》“”]+/gis;
const OPTION = "weixin://bizmsgmenu";

/** Nodes for a text. ``acts.choose(content, id)`` is called for a tapped msgmenu link, ``acts.open(url)`` for a page. */
export function rich(text, acts) {
  const nodes = [];
  let end = 0;
  for (const piece of text.matchAll(PIECES)) {
    nodes.push(text.slice(end, piece.index));
    const bare = piece[2] === undefined;
    nodes.push(link(bare ? piece[0] : piece[2], bare ? piece[0] : piece[3], acts));
    end = piece.index + piece[0].length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

/** A link where the address is a web page; plain words where it is anything else. */
function link(address, label, acts) {
  if (address.startsWith(OPTION)) return option(address, label, acts);
  return isWeb(address) ? webLink(address, {}, acts, label) : label;
}

/** An <a> that opens where ``acts.open`` says: it returns false for what belongs into a tab of its own. */
export function webLink(address, properties, acts, ...children) {
  const onclick = (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!elsewhere && acts.open(address)) event.preventDefault();
  };
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer", onclick, ...properties }, ...children);
}

export function isWeb(address) {
  return URL.canParse(address) && ["http:", "https:"].includes(new URL(address).protocol);
}

function option(address, label, acts) {
  const query = new URLSearchParams(address.slice(address.indexOf("?") + 1));
  const content = query.get("msgmenucontent") || label;
  const tap = () => acts.choose(content, query.get("msgmenuid") || "");
  return h("button", { type: "button", className: "option", onclick: tap }, label);
}
