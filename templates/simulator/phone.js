// One phone: whose it is, what it shows, and what its owner does with it.

import { makeChat } from "./chat.js";
import { makeConsent } from "./consent.js";
import { makeDock } from "./dock.js";
import { both } from "./dom.js";
import { makeInside } from "./inside.js";
import { makePay } from "./pay.js";
import { isWeb } from "./rich.js";
import { makeShare } from "./share.js";
import { call, formOf, look, pending, people, saidWith, seen, told } from "./store.js";
import { now } from "./when.js";
import { SMALL } from "./words.js";

/** ``desk``: trouble(code) shows what went wrong, show() draws all again. */
export function makePhone(root, desk) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const drafts = new Map(); // openid -> what they had begun to write
  let openid = null;
  let menuStamp = "";
  let menuOf = null;
  let payResult = () => {};

  /** Sends one act of this person, and shows what came of it. */
  async function act(action, fields, entry) {
    const form = formOf({ openid, ...fields, ...(entry ? { ref: entry.ref } : {}) });
    if (entry) {
      pending.set(entry.ref, entry);
      desk.show();
    }
    try {
      await call(`/desk/${action}`, form);
      if (entry && pending.has(entry.ref)) await look(); // the stream is late, or lost
    } catch (error) {
      if (entry && pending.has(entry.ref)) entry.state = "failed";
      desk.trouble(error.message);
      desk.show();
    }
  }

  function say(kind, content, action, fields) {
    const ref = `page-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
    chat.jumpToEnd();
    return act(action, fields, { ref, openid, by: "person", kind, content, at: now(), state: "sending", action, fields });
  }

  const acts = {
    text: (text) => say("text", { text }, "text", { text }),
    voice: (text, how, recognised) => say("voice", { text }, "voice", { text, how, recognised }),
    place: (lat, lng, label, button) =>
      say("location", { latitude: lat, longitude: lng, label }, "place", { lat, lng, label, button }),
    photo: (blob, button) =>
      say("image", { preview: URL.createObjectURL(blob) }, "photo", { photo: new File([blob], "photo"), button }),
    scan: (scene, button, ticket) => act("scan", { scene, button, ticket }),
    follow: () => act("follow", {}),
    unfollow: () => act("unfollow", {}),
    codes: () => told.codes ?? [],
    choose: (text, id) => say("text", { text }, "text", { text, option_id: id }),
    open: (url) => inside.open(url),
    again(entry) {
      pending.delete(entry.ref);
      say(entry.kind, entry.content, entry.action, entry.fields);
    },
    tap(path, button) {
      if (button.type === "view" && isWeb(button.url) && !inside.open(button.url)) window.open(button.url, "_blank", "noopener");
      return act("tap", { button: path });
    },
  };

  /** What a page inside asks of WeChat; its answer as WeChat words it. */
  async function invoke(name, args) {
    if (name === "getBrandWCPayRequest") {
      try {
        await call("/desk/pay/sheet", formOf({ openid, request: JSON.stringify(args) }));
        await look();
      } catch (error) {
        desk.trouble(error.message);
        return { err_msg: "get_brand_wcpay_request:fail" };
      }
      return { err_msg: `get_brand_wcpay_request:${await new Promise((resolve) => (payResult = resolve))}` };
    }
    if (name === "preVerifyJSAPI") {
      const { apis = [], ...signed } = args;
      const { ok } = await call("/desk/page", formOf(signed)).catch(() => ({ ok: false }));
      share.allow(ok ? apis : []);
      return { err_msg: ok ? "pre_verify_jsapi:ok" : "config:invalid signature" };
    }
    if (name === "subscribeMessages") {
      const wanted = notices().filter(({ template_id: id }) => (args.templateIds ?? []).includes(id));
      if (!wanted.length) return { err_msg: "subscribe_messages:fail" };
      const choices = await new Promise((resolve) => consent.open(wanted, resolve));
      if (!choices) return { err_msg: "subscribe_messages:cancel" };
      const answers = Object.fromEntries(Object.entries(choices).map(([id, yes]) => [id, yes ? "accept" : "reject"]));
      return { err_msg: "subscribe_messages:ok", subscribeDetails: answers };
    }
    return share.take(name, args) ?? { err_msg: "system:function_not_exist" };
  }

  const notices = () => (told.subscriptions ?? []).map((template) => ({ ...template, left: consentsLeft(template.template_id) }));
  const consentsLeft = (templateId) => told.consents?.[openid]?.[templateId] ?? 0;
  const getPerson = () => openid;

  const chat = makeChat(part("talk"));
  const dock = makeDock(part, acts);
  const share = makeShare(part);
  const inside = makeInside(part, { getPerson, invoke, opened: share.begin });
  const consent = makeConsent(part, (choices) => act("consent", { choices: JSON.stringify(choices) }));
  const pay = makePay(part, { getPerson, trouble: desk.trouble, over: (result) => payResult(result) });
  part("ask-consent").addEventListener("click", () => {
    dock.closePanel();
    consent.open(notices());
  });

  async function fetchMenu() {
    const [asked, stamp] = [openid, told.menu_stamp];
    const { button } = await call(`/desk/menu?openid=${encodeURIComponent(asked)}`);
    if (asked !== openid) return;
    dock.showMenu(button, menuOf === asked);
    [menuStamp, menuOf] = [stamp, asked];
  }

  function whoLine(person) {
    const english = person.gloss ? `${SMALL.you[1]} ${person.gloss}` : "";
    return both([`${SMALL.you[0]} ${person.name}${person.note ? `，${person.note}` : ""}`, english]);
  }

  return {
    root,
    part,
    dock,
    get openid() {
      return openid;
    },
    /** The parts' names become ids: bare on the first phone, with a number on the others. */
    number(index) {
      const suffix = index ? `-${index + 1}` : "";
      for (const element of root.querySelectorAll("[data-part]")) element.id = element.dataset.part + suffix;
      for (const element of root.querySelectorAll("[data-controls]")) element.setAttribute("aria-controls", element.dataset.controls + suffix);
    },
    async pick(person) {
      if (openid) drafts.set(openid, dock.draft());
      inside.escape();
      openid = person;
      dock.closePanel();
      dock.setDraft(drafts.get(openid) ?? "");
      dock.awaitMenu();
      desk.show();
      chat.jumpToEnd();
      await fetchMenu().catch((error) => {
        desk.trouble(error.message);
        if (openid === person) dock.showMenu([], false);
      });
      await act("meet", {});
    },
    show() {
      const person = people.get(openid);
      part("dock").hidden = !person;
      part("nobody").hidden = Boolean(person);
      root.setAttribute("aria-label", `${SMALL.chat.join(" ")}${person ? `: ${person.name}` : ""}`);
      if (!person) return;
      const own = saidWith(openid);
      part("who").replaceChildren(...whoLine(person));
      part("talk").hidden = own.length === 0;
      part("hint").hidden = own.length > 0;
      part("consent-tile").hidden = !told.subscriptions?.length;
      chat.show(person, own, acts);
      const types = Boolean(told.typing?.includes(openid));
      part("typing").hidden = !types;
      part("who").hidden = types;
      dock.showCodes();
      dock.showStranger(person.met && !person.following);
      pay.show(told.sheets?.[openid]);
      if (part("talk").offsetParent) seen.set(openid, Math.max(0, ...own.map((entry) => entry.id ?? 0)));
      if (told.menu_stamp !== menuStamp && menuOf === openid) fetchMenu().catch((error) => desk.trouble(error.message));
    },
    /** True where something was open and is closed now. */
    escape: () => pay.escape() || consent.escape() || dock.escape() || inside.escape(),
  };
}
