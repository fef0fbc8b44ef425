// WeixinJSBridge for a page that is open inside the simulator's phone. A page includes this file with a plain
// <script src="…/assets/bridge.js">; anywhere else, and inside WeChat itself, it does nothing.

(() => {
  if (window.parent === window || window.WeixinJSBridge) return;
  const home = new URL(document.currentScript.src).origin;
  const waiting = new Map();
  let last = 0;

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== home || event.data?.weixin !== "result") return;
    const done = waiting.get(event.data.id);
    waiting.delete(event.data.id);
    done?.(event.data.result);
  });

  window.WeixinJSBridge = {
    invoke(name, args, done) {
      last += 1;
      waiting.set(last, done ?? (() => {}));
      window.parent.postMessage({ weixin: "invoke", id: last, name, args }, home);
    },
    call(name) {
      this.invoke(name, {});
    },
    on() {},
  };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));
})();
