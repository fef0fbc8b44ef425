// How a web page would look when a person forwards it: as it asked by the JS-SDK, or by its address alone.

import { h } from "./dom.js";
import { SHARED } from "./words.js";

const ACCOUNT = document.body.dataset.account;
// Each names the fields that a card of its kind has.
const KINDS = { updateAppMessageShareData: ["title", "desc", "link", "imgUrl"], updateTimelineShareData: ["title", "link", "imgUrl"] };

export function makeShare(part) {
  let address = "";
  let allowed = [];
  let cards = {};

  function cardOf(name) {
    const { title, desc, link, imgUrl } = cards[name] ?? { title: address, desc: "", link: address, imgUrl: "" };
    return h("article", { "data-kind": name, "data-link": link },
      h("small", {}, SHARED[name].join(" ")),
      h("b", {}, title), desc ? h("p", {}, desc) : null,
      imgUrl ? h("img", { src: imgUrl, alt: "" }) : null,
      h("p", { className: "where" }, link));
  }

  part("forward").addEventListener("click", () => {
    part("shared").replaceChildren(...Object.keys(KINDS).map(cardOf));
    part("shared").hidden = !part("shared").hidden;
  });

  return {
    /** Another page opens: it says nothing yet, and is allowed nothing. */
    begin(opens) {
      [address, allowed, cards] = [opens, [], {}];
      part("shared").hidden = true;
    },
    /** The page's signature is right, and it asked for these. */
    allow(apis) {
      allowed = apis;
    },
    /** What the page says of its card; undefined where that is not what it asks. */
    take(name, args) {
      if (!(name in KINDS)) return undefined;
      if (!allowed.includes(name)) return { err_msg: `${name}:permission denied` };
      // WeChat takes a link of the account's own domain alone.
      if (!URL.canParse(args.link) || new URL(args.link).origin !== ACCOUNT) return { err_msg: `${name}:fail invalid link` };
      cards[name] = Object.fromEntries(KINDS[name].map((field) => [field, String(args[field] ?? "")]));
      return { err_msg: `${name}:ok` };
    },
  };
}
