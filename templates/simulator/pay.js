// The pay sheet: what is paid to whom, and six digits. The simulator says for whom one is open, and how far it is.

import { both, cover } from "./dom.js";
import { call, formOf } from "./store.js";
import { PAY } from "./words.js";

const DIGITS = 6;

const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
const filled = (words, put) => words.map((word) => word.replace("{}", put));

/** ``over(result)`` hears how the sheet ended, as the bridge tells it: ok, cancel or fail. */
export function makePay(part, { getPerson, over, trouble }) {
  let sheet = null; // {number, prepay_id, total, description, payee, state}
  let typed = "";
  let failed = false; // no PIN will help any more
  let busy = false;
  let before = null; // what had the focus
  let done = 0; // the number of the last sheet that was left: the simulator may not have heard of it yet

  const send = (path, fields) => call(`/desk/pay/${path}`, formOf({ openid: getPerson(), ...fields }));

  function dots() {
    [...part("pin").children].forEach((box, index) => box.classList.toggle("full", index < typed.length));
    part("pin").setAttribute("aria-label", `${typed.length} / ${DIGITS}`);
  }

  function say(word, bad) {
    part("pay-word").replaceChildren(...both(word));
    part("pay-word").classList.toggle("bad", bad);
  }

  async function pay() {
    busy = true;
    try {
      const { reason, tries_left: left, err_msg: over } = await send("pin", { prepay_id: sheet.prepay_id, pin: typed });
      failed = over.endsWith(":fail");
      const words = PAY[reason] ?? PAY.other;
      if (reason === "wrong_pin") say(words.map((word, index) => `${word} (${filled(PAY.tries, left)[index]})`), true);
      else if (reason) say(words, reason !== "paying");
    } catch (error) {
      trouble(error.message);
    }
    typed = "";
    busy = false;
    dots();
    part("pad").classList.toggle("dead", failed);
  }

  function press(digit) {
    if (!sheet || busy || failed || sheet.state !== "NOTPAY") return;
    typed = digit === "back" ? typed.slice(0, -1) : (typed + digit).slice(0, DIGITS);
    dots();
    if (typed.length === DIGITS) pay();
  }

  function hide() {
    sheet = null;
    cover(part("pay"), false);
    if (before?.isConnected) before.focus();
  }

  /** The person is done with the sheet, whatever came of it. */
  async function leave() {
    if (!sheet || busy) return;
    const result = sheet.state === "SUCCESS" ? "ok" : failed ? "fail" : "cancel";
    done = sheet.number;
    const gone = send("leave", { number: done }).catch((error) => trouble(error.message));
    hide();
    await gone;
    over(result);
  }

  part("pad").addEventListener("click", (event) => {
    const key = event.target.closest("button");
    if (key) press(key.dataset.digit);
  });
  part("pay").addEventListener("keydown", (event) => {
    if (/^[0-9]$/.test(event.key)) press(event.key);
    else if (event.key === "Backspace") press("back");
    else return;
    event.preventDefault();
  });
  part("cancel-pay").addEventListener("click", leave);
  part("pay-done").addEventListener("click", leave);

  function open(asked) {
    [sheet, typed, failed, before] = [asked, "", false, document.activeElement];
    part("payee").textContent = asked.payee;
    part("amount").textContent = yuan(asked.total);
    part("paid-amount").textContent = yuan(asked.total);
    part("goods").textContent = asked.description;
    part("pad").classList.remove("dead");
    cover(part("pay"), true);
    dots();
    say(filled(PAY.hint, asked.pin), false);
    part("pad").querySelector("button").focus();
  }

  return {
    /** ``asked``: the sheet that is open for this person by what the simulator says, if any. */
    show(asked) {
      if (!asked || asked.number <= done) return sheet && !busy && hide();
      if (sheet?.number !== asked.number) open(asked);
      sheet = asked;
      const paid = asked.state === "SUCCESS";
      if (paid && part("paid").hidden) setTimeout(() => part("pay-done").focus());
      part("paid").hidden = !paid;
      part("paying").hidden = paid;
      part("pay-head").hidden = paid;
      if (asked.state === "USERPAYING") say(PAY.paying, false);
    },
    escape() {
      if (!sheet) return false;
      leave();
      return true;
    },
  };
}
