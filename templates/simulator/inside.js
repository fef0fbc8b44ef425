// The account's web pages inside a phone, and the bridge that WeChat gives them (assets/bridge.js is its other end).

import { h } from "./dom.js";

const ACCOUNT = document.body.dataset.account;
const OWN = ["/connect/", "/mp/"]; // the platform's own pages on the way to the account's

/** Only the account's pages open inside a phone, and those of the platform that lead there. */
function opensInside(address) {
  const { origin, pathname } = new URL(address);
  return origin === ACCOUNT || (origin === location.origin && OWN.some((start) => pathname.startsWith(start)));
}

/** ``invoke(name, args)`` does what the page asks of WeChat; a promise of its result. ``opened(address)``: a page opens. */
export function makeInside(part, { getPerson, invoke, opened }) {
  let frame = null;

  function close() {
    frame?.remove();
    frame = null;
    part("browser").hidden = true;
  }

  addEventListener("message", async (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== ACCOUNT) return;
    const { weixin, id, name, args } = event.data ?? {};
    if (weixin !== "invoke") return;
    const from = frame;
    const result = name === "closeWindow" ? { err_msg: "close_window:ok" } : await invoke(String(name), args ?? {});
    if (from === frame) frame.contentWindow.postMessage({ weixin: "result", id, result }, ACCOUNT);
    if (name === "closeWindow") close();
  });
  part("leave-page").addEventListener("click", close);

  return {
    /** True where the page opens inside. */
    open(address) {
      if (!opensInside(address)) return false;
      close();
      opened(address);
      // The simulator notes whose phone it is on the way, for web authorisation.
      const way = `/desk/as?${new URLSearchParams({ openid: getPerson(), to: address })}`;
      frame = h("iframe", { src: way, title: address, referrerPolicy: "no-referrer" });
      frame.setAttribute("sandbox", "allow-scripts allow-forms allow-same-origin allow-popups");
      part("frames").append(frame);
      part("address").textContent = new URL(address).host + new URL(address).pathname;
      part("new-tab").href = way;
      part("browser").hidden = false;
      part("leave-page").focus();
      return true;
    },
    escape() {
      if (!frame) return false;
      close();
      return true;
    },
  };
}
