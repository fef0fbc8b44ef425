// Text from the account: line breaks, web links, and msgmenu links. Nothing else in it becomes markup.

import { h } from "./dom.js";

const PIECES = /<a\s[^>]*?href\s*=\s*(["'])(.*?)\1[^>]*>(.*?)<\/a>|https?:\/\/[^\s<>"'，。！？、；：（）《》“”]+/gis;
const OPTION = "weixin://bizmsgmenu";

/** Nodes for a text. ``choose(content, id)`` is called when a msgmenu link in it is tapped. */
export function rich(text, choose) {
  const nodes = [];
  let end = 0;
  for (const piece of text.matchAll(PIECES)) {
    nodes.push(text.slice(end, piece.index));
    const bare = piece[2] === undefined;
    nodes.push(link(bare ? piece[0] : piece[2], bare ? piece[0] : piece[3], choose));
    end = piece.index + piece[0].length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

/** A link where the address is a web page; plain words where it is anything else. */
export function link(address, label, choose) {
  if (address.startsWith(OPTION)) return option(address, label, choose);
  return isWeb(address)
    ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label)
    : label;
}

export function isWeb(address) {
  return URL.canParse(address) && ["http:", "https:"].includes(new URL(address).protocol);
}

function option(address, label, choose) {
  const query = new URLSearchParams(address.slice(address.indexOf("?") + 1));
  const content = query.get("msgmenucontent") || label;
  const tap = () => choose(content, query.get("msgmenuid") || "");
  return h("button", { type: "button", className: "option", onclick: tap }, label);
}
