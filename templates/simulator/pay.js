// The pay sheet: what is paid to whom, and six digits. It comes by itself when an order asks for it.

import { call, formOf } from "./store.js";
import { both } from "./dom.js";
import { PAY } from "./words.js";

const DIGITS = 6;

export const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;

/** ``over(result)`` hears how the sheet ended, as the bridge tells it: ok or cancel. */
export function makePay(part, { getPerson, over, trouble }) {
  let sheet = null; // {prepay_id, amount, description, payee}
  let typed = "";
  let busy = false;
  let paid = false;
  let before = null; // what had the focus

  function draw(word, bad = false) {
    [...part("pin").children].forEach((box, index) => box.classList.toggle("full", index < typed.length));
    part("pin").setAttribute("aria-label", `${typed.length} / ${DIGITS}`);
    if (word === undefined) return;
    part("pay-word").replaceChildren(...(word ? both(word) : []));
    part("pay-word").classList.toggle("bad", bad);
  }

  async function pay() {
    busy = true;
    try {
      await call("/desk/pay/pin", formOf({ openid: getPerson(), prepay_id: sheet.prepay_id, pin: typed }));
      paid = true;
      part("paid-amount").textContent = yuan(sheet.amount);
      part("pay-head").hidden = true;
      part("paying").hidden = true;
      part("paid").hidden = false;
      part("pay-done").focus();
    } catch (error) {
      typed = "";
      draw(PAY[error.message] ?? PAY.other, true);
      part("pad").querySelector("button").focus();
    }
    busy = false;
  }

  function press(digit) {
    if (!sheet || busy || paid) return;
    typed = digit === "back" ? typed.slice(0, -1) : (typed + digit).slice(0, DIGITS);
    draw();
    if (typed.length === DIGITS) pay();
  }

  function close() {
    sheet = null;
    part("pay").hidden = true;
    part("veil").hidden = true;
    before?.focus?.();
  }

  async function cancel() {
    if (busy) return;
    const { prepay_id: prepayId } = sheet;
    close();
    over("cancel");
    await call("/desk/pay/cancel", formOf({ openid: getPerson(), prepay_id: prepayId })).catch((error) => trouble(error.message));
  }

  function finish() {
    close();
    over("ok");
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
  part("cancel-pay").addEventListener("click", cancel);
  part("pay-done").addEventListener("click", finish);

  return {
    /** ``asked``: the sheet that is open for this person by what the stand-in says, if any. */
    show(asked) {
      if (paid && sheet) return; // the person looks at what they paid
      if (!asked) return sheet && close();
      if (sheet?.prepay_id === asked.prepay_id) return;
      [sheet, typed, paid, before] = [asked, "", false, document.activeElement];
      part("payee").textContent = asked.payee;
      part("amount").textContent = yuan(asked.amount);
      part("goods").textContent = asked.description;
      part("pay-head").hidden = false;
      part("paying").hidden = false;
      part("paid").hidden = true;
      part("pay").hidden = false;
      part("veil").hidden = false;
      draw(asked.pin ? PAY.hint(asked.pin) : "");
      part("pad").querySelector("button").focus();
    },
    escape() {
      if (!sheet) return false;
      if (paid) finish();
      else cancel();
      return true;
    },
  };
}
