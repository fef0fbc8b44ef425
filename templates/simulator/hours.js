// The platform's clock: what it says, how far ahead it is, and how it is moved.

import { $, both } from "./dom.js";
import { call, formOf, told } from "./store.js";
import { clock, dayAndTime, full, now, span, untilNextMonth } from "./when.js";
import { CLOCK } from "./words.js";

const TICK = 1000; // milliseconds

export function startClock(trouble) {
  const move = async (seconds) => {
    $("moved").replaceChildren(...both(CLOCK.moving));
    try {
      await call("/desk/clock", formOf({ seconds }));
      $("moved").replaceChildren(...both(languages(CLOCK.moved, span(seconds))));
    } catch (error) {
      $("moved").replaceChildren();
      trouble(error.message);
    }
  };
  for (const button of document.querySelectorAll("[data-move]")) button.addEventListener("click", () => move(Number(button.dataset.move)));
  document.querySelector("[data-move-to-month]").addEventListener("click", () => move(untilNextMonth()));
  $("clock-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { amount, unit } = event.target.elements;
    move(Number(amount.value) * Number(unit.value));
  });
  setInterval(showClock, TICK);
}

/** "…{}…" with the span put in, in both languages. */
const languages = (words, put) => words.map((word, language) => word.replace("{}", put[language]));

export function showClock() {
  const moved = Math.abs(told.ahead) >= 1;
  const by = span(Math.abs(told.ahead));
  $("tool-time").replaceChildren(...(moved ? [dayAndTime(now()), " ", small(`${told.ahead > 0 ? "+" : "−"}${by[0]}`)] : [clock(now())]));
  $("big-time").textContent = full(now());
  $("ahead").replaceChildren(...both(moved ? languages(told.ahead > 0 ? CLOCK.ahead : CLOCK.behind, by) : CLOCK.true));
  const silent = told.silent_until - now();
  $("silence").hidden = silent <= 0;
  if (silent > 0) $("silence").replaceChildren(...both(languages(CLOCK.silent, [Math.ceil(silent), Math.ceil(silent)])));
}

function small(text) {
  const element = document.createElement("small");
  element.textContent = text;
  return element;
}
