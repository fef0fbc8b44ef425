// Has the order placed, shows WeChat's pay sheet, and asks what came of it: the sheet's own word proves nothing. The
// words are all in the page; ``show`` chooses among them.

(() => {
  const page = document.getElementById("pay");
  const button = page.querySelector("button");
  const TRIES = 20;
  const PAUSE = 1500;
  const SETTLED = ["paid", "back", "reserved", "question", "full", "shut", "over"];

  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  function show(state) {
    page.dataset.state = state;
    for (const part of page.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
  }

  async function ask(address, options) {
    const answer = await fetch(address, { cache: "no-store", credentials: "same-origin", ...options });
    if (answer.status === 403) location.reload(); // whose browser this is was forgotten: WeChat says it again
    return answer.json();
  }

  function place() {
    const fallback = page.querySelector("[name=fallback]:checked")?.value;
    const headers = { "Content-Type": "application/json" };
    return ask(page.dataset.order, { method: "POST", headers, body: JSON.stringify({ fallback }) });
  }

  const sheet = (asked) => new Promise((done) => window.WeixinJSBridge.invoke("getBrandWCPayRequest", asked, done));

  /** Until it is known what became of it; ``otherwise`` where it stays unpaid. */
  async function settle(otherwise, tries) {
    show("asking");
    let state = "ready";
    for (let left = tries; left > 0; left -= 1) {
      state = (await ask(page.dataset.ask).catch(() => ({ state: "ready" }))).state;
      if (SETTLED.includes(state)) break;
      if (left > 1) await wait(PAUSE);
    }
    show(state === "ready" ? otherwise : state);
  }

  async function pay() {
    show("opening");
    let placed;
    try {
      placed = await place();
    } catch {
      show("trouble");
      return;
    }
    if (!placed.sheet) {
      show(placed.state ?? "trouble");
      return;
    }
    const said = (await sheet(placed.sheet)).err_msg ?? "";
    if (said.endsWith(":ok")) await settle("waiting", TRIES);
    else await settle(said.endsWith(":cancel") ? "cancelled" : "failed", 1);
  }

  function begin() {
    button.addEventListener("click", pay);
    if (page.dataset.state === "outside") show("ready");
  }

  if (window.WeixinJSBridge) {
    begin();
    return;
  }
  document.addEventListener("WeixinJSBridgeReady", begin);
  // WeChat puts its bridge in a moment after the page; a browser that is none never does.
  if (page.dataset.state === "ready" && !/MicroMessenger/i.test(navigator.userAgent)) show("outside");
})();
