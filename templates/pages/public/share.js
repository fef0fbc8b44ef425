// Inside WeChat, gives the card by which this page is shared the title, words, picture and address that the page names
// itself. Anywhere else it does nothing, and nothing is loaded from anywhere.

(async () => {
  const { sdk, sign } = document.currentScript.dataset;
  // Or in a phone of the simulator, which shows pages in frames: in production no page may be framed.
  if (!/MicroMessenger/i.test(navigator.userAgent) && window.parent === window) return;

  const named = (key) => document.querySelector(`meta[property="og:${key}"]`)?.content ?? "";
  const card = { title: named("title"), desc: named("description"), link: named("url"), imgUrl: named("image") };

  const here = location.href.split("#")[0];
  const answer = await fetch(`${sign}?${new URLSearchParams({ url: here })}`).catch(() => null);
  if (!answer?.ok) return; // then WeChat makes a card of its own, with the page's address
  const signed = await answer.json();

  const script = document.createElement("script");
  script.src = sdk;
  script.addEventListener("load", () => {
    wx.config({ ...signed, jsApiList: ["updateAppMessageShareData", "updateTimelineShareData"] });
    wx.ready(() => {
      wx.updateAppMessageShareData(card);
      wx.updateTimelineShareData({ title: card.title, link: card.link, imgUrl: card.imgUrl });
    });
  });
  document.head.append(script);
})();
