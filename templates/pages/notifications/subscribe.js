// Shows WeChat's own button where there is WeChat, and what came of a tap on it. The words are all in the page.

(() => {
  const page = document.getElementById("subscribe");
  const button = page.querySelector("wx-open-subscribe");
  const inside = /MicroMessenger/i.test(navigator.userAgent) || Boolean(window.WeixinJSBridge);

  function show(state) {
    for (const part of page.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
  }

  if (!inside) return;
  if (!window.wx) {
    show("failed");
    return;
  }
  show("ask");
  document.addEventListener("WeixinOpenTagsError", () => show("failed"));
  wx.error(() => show("failed"));
  // Per template, as text: {"ID": "{\"status\":\"accept\"}"}; older versions write it more plainly.
  button.addEventListener("success", (event) => {
    const said = JSON.stringify(event.detail?.subscribeDetails ?? "");
    show(said.includes("accept") ? "yes" : said.includes("reject") ? "no" : "closed");
  });
  button.addEventListener("error", (event) => show(/cancel/i.test(event.detail?.errMsg ?? "") ? "closed" : "failed"));
  wx.config({
    appId: page.dataset.appId,
    timestamp: Number(page.dataset.timestamp),
    nonceStr: page.dataset.nonce,
    signature: page.dataset.signature,
    jsApiList: ["closeWindow"], // some versions of WeChat take no empty list
    openTagList: ["wx-open-subscribe"],
  });
})();
