// The fault desk: what is wrong at present, and how to put more wrong.

import { $, both, draw, h, icon } from "./dom.js";
import { call, formOf, people, told } from "./store.js";
import { FAULTS, SMALL } from "./words.js";

const CALLBACKS = "/notify"; // Pay's callbacks, as the fault desk names them

const form = () => $("fault-form").elements;

export function startFaults(trouble) {
  const send = (path, fields) => call(path, formOf(fields)).catch((error) => trouble(error.message));
  lift = (id) => send("/desk/faults/lift", { id });
  $("lift-all").addEventListener("click", () => lift(""));
  for (const button of document.querySelectorAll("[data-fault]")) {
    button.addEventListener("click", () => send("/desk/faults", Object.fromEntries(new URLSearchParams(button.dataset.fault))));
  }
  form().kind.addEventListener("change", fit);
  $("fault-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { kind, times, share, person, call: path, seconds, code } = form();
    const where = applies("call") ? path.value : person.value;
    send("/desk/faults", {
      kind: kind.value, times: times.value, share: share.value, where,
      seconds: applies("seconds") ? seconds.value : "", code: applies("code") ? code.value : "",
    });
  });
  fit();
}

let lift = () => {};

const rowOf = (name) => form()[name].closest("[data-for]");
const applies = (name) => rowOf(name).dataset.for.split(" ").includes(form().kind.value);

/** Only what this kind of fault asks for is shown, with what it does in a few words. */
function fit() {
  for (const name of ["person", "call", "seconds", "code"]) {
    rowOf(name).hidden = !applies(name);
    form()[name].disabled = !applies(name);
  }
  const { zh, en } = form().kind.selectedOptions[0].dataset;
  $("fault-words").replaceChildren(...both([zh, en]));
}

/** Fills the list of people afresh: some may have come since. */
export function fillFaults() {
  const { person } = form();
  const chosen = person.value;
  const fixed = [["", SMALL.everything], [CALLBACKS, SMALL.callbacks]].map(([value, name]) => h("option", { value }, name.join(" ")));
  person.replaceChildren(...fixed, ...[...people.values()].map(({ openid, name }) => h("option", { value: openid }, name || openid)));
  person.value = people.has(chosen) || chosen === CALLBACKS ? chosen : "";
}

export function showFaults() {
  const { faults } = told;
  const focused = document.activeElement?.closest("#fault-list li");
  const items = faults.map((fault) => [String(fault.id), JSON.stringify(fault), () => row(fault)]);
  draw($("fault-list"), items);
  if (focused && !focused.isConnected) ($("fault-list").querySelector("button") ?? form().kind).focus();
  $("no-faults").hidden = faults.length > 0;
  $("lift-all").hidden = faults.length < 2;
  $("fault-count").hidden = faults.length === 0;
  $("fault-count").textContent = faults.length;
  $("fault-count").setAttribute("aria-label", `${faults.length} ${SMALL.inForce.join(" ")}`);
}

function row(fault) {
  const name = FAULTS[fault.kind] ?? [fault.kind, ""];
  const label = `${SMALL.lift.join(" ")}: ${name.join(" ")}`;
  return h("li", {},
    h("span", {}, h("b", {}, both(name)), h("span", { className: "how" }, how(fault))),
    h("button", { type: "button", className: "icon", title: SMALL.lift.join(" "), "aria-label": label, onclick: () => lift(fault.id) }, icon("close")));
}

/** "还有 2 次 · 50 % · 秀英 · 3 s". */
function how({ kind, times, share, where, seconds, code }) {
  return [
    times === null ? SMALL.untilLifted.join(" ") : `${SMALL.timesLeft[0]} ${times} ${SMALL.timesLeft[1]} ${times} ${SMALL.timesLeft[2]}`,
    share < 1 ? `${Math.round(share * 100)} %` : "",
    where ? (where === CALLBACKS ? SMALL.callbacks.join(" ") : people.get(where)?.name ?? where) : SMALL.everywhere.join(" "),
    ["delay", "reorder", "slow"].includes(kind) ? `${seconds} s` : "",
    kind === "refuse" ? String(code) : "",
  ].filter(Boolean).join(" · ");
}
