// The JS-SDK as a page needs it that asks for consent or is shared: wx.config, <wx-open-subscribe>, and what the card says
// by which a page is forwarded. It speaks to the phone over the bridge (bridge.js, which comes before it); where there is
// none, nothing ever becomes ready, as outside WeChat.

(() => {
  if (window.wx) return;
  const heard = { ready: [], error: [] };
  let outcome = null; // ["ready" or "error", what is told], once the phone has looked at the signature

  function listen(kind, hear) {
    heard[kind].push(hear);
    if (outcome?.[0] === kind) hear(outcome[1]);
  }

  function settle(kind, told) {
    outcome = [kind, told];
    for (const hear of heard[kind]) hear(told);
  }

  window.wx = {
    config({ appId, timestamp, nonceStr, signature, jsApiList = [], openTagList = [] }) {
      const url = location.href.split("#")[0];
      const asked = { appId, timestamp, nonce: nonceStr, signature, url, apis: jsApiList };
      window.WeixinJSBridge?.invoke("preVerifyJSAPI", asked, (result) => {
        if (!result.err_msg.endsWith(":ok")) {
          settle("error", { errMsg: result.err_msg });
          return;
        }
        if (openTagList.includes("wx-open-subscribe")) customElements.define("wx-open-subscribe", Subscribe);
        settle("ready");
      });
    },
    ready: (hear) => listen("ready", hear),
    error: (hear) => listen("error", hear),
    updateAppMessageShareData: (asked) => share("updateAppMessageShareData", asked),
    updateTimelineShareData: (asked) => share("updateTimelineShareData", asked),
  };

  function share(name, { success, fail, ...card }) {
    window.WeixinJSBridge?.invoke(name, card, ({ err_msg: errMsg }) => (errMsg.endsWith(":ok") ? success : fail)?.({ errMsg }));
  }

  /** WeChat's button: looks like the page's template in it, apart from the page's own style. */
  class Subscribe extends HTMLElement {
    connectedCallback() {
      const inside = document.createElement("template");
      inside.innerHTML = [...this.querySelectorAll('script[type="text/wxtag-template"]')].map((part) => part.textContent).join("");
      const styles = [...inside.content.querySelectorAll("style")];
      const sheet = new CSSStyleSheet(); // the page's policy may allow no style element
      sheet.replaceSync(styles.map((style) => style.textContent).join(""));
      for (const style of styles) style.remove();
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(inside.content);
      root.addEventListener("click", () => this.ask());
    }

    ask() {
      const templateIds = (this.getAttribute("template") ?? "").split(",");
      window.WeixinJSBridge.invoke("subscribeMessages", { templateIds }, ({ err_msg: said, subscribeDetails: choices }) => {
        const how = said.split(":")[1];
        if (how !== "ok") {
          this.dispatchEvent(new CustomEvent("error", { detail: { errMsg: `subscribe:${how}` } }));
          return;
        }
        const each = Object.entries(choices).map(([id, status]) => [id, JSON.stringify({ status })]);
        const detail = { errMsg: "subscribe:ok", subscribeDetails: JSON.stringify(Object.fromEntries(each)) };
        this.dispatchEvent(new CustomEvent("success", { detail }));
      });
    }
  }
})();
