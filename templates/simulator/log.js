// The message log: each message, its deliveries, and the XML both ways.

import { $, both, draw, face, h } from "./dom.js";
import { people } from "./store.js";
import { clock } from "./when.js";
import { CALLBACKS, FAULTS, KINDS, OUTCOMES, SMALL, STATUS, VIOLATIONS } from "./words.js";

const SHOWN = 100;

/** The newest is on top. */
export function showLog(exchanges, callbacks) {
  const rows = [
    ...exchanges.map((exchange) => [exchange.at, [String(exchange.id), "", () => card(exchange, people.get(exchange.openid))]]),
    ...callbacks.map((callback) => [callback.created, [callback.id, String(callback.version), () => callbackCard(callback)]]),
  ];
  const newest = rows.sort(([a], [b]) => b - a).slice(0, SHOWN).map(([, item]) => item);
  draw($("exchanges"), newest);
  $("exchanges").hidden = newest.length === 0;
  $("log-empty").hidden = newest.length > 0;
}

/** A callback of Pay to the account's server, with all its tries. */
function callbackCard({ event, number, state, attempts, created, plain }) {
  const dots = h("span", { className: "tries", "aria-label": `${SMALL.delivery.join(" ")}: ${attempts.length}` },
    attempts.map((attempt, index) => h("i", { className: attempt.outcome, title: attemptTitle(attempt, index) })));
  const head = h("summary", {}, h("span", { className: "kind" }, both(SMALL.callback)), h("span", { className: `chip ${state}` }, both(CALLBACKS[state])),
    dots, h("code", {}, event), h("span", { className: "took" }, number), h("time", {}, clock(created)));
  const tries = h("ol", { className: "deliveries" }, attempts.map((attempt, index) => h("li", { className: attempt.outcome }, `${clock(attempt.at)} · ${attemptTitle(attempt, index)}`)));
  const body = h("pre", { className: "xml", tabIndex: 0 }, JSON.stringify(JSON.parse(plain), null, 2));
  return h("li", {}, h("details", {}, head, h("div", { className: "inside" }, tries, h("h4", {}, both(SMALL.opened)), body)));
}

function card({ label, at, delivery }, person) {
  const { status, attempts } = delivery;
  const kept = why(delivery);
  const name = person ? [face(person), h("b", {}, person.name)] : [];
  const chip = h("span", { className: `chip ${status}` }, both(STATUS[status]));
  const kind = h("span", { className: "kind" }, both(KINDS[label] ?? [label, ""]));
  const tries = h("span", { className: "tries", "aria-label": `${SMALL.delivery.join(" ")}: ${attempts.length}` },
    attempts.map((attempt, index) => h("i", { className: attempt.outcome, title: attemptTitle(attempt, index) })));
  const faults = [...new Set(attempts.flatMap((attempt) => attempt.faults))].map((fault) => h("span", { className: "chip fault" }, both(FAULTS[fault] ?? [fault, ""])));
  const hush = kept ? h("span", { className: "chip fault" }, both(SMALL.undelivered)) : null;
  const head = h("summary", {}, name, kind, chip, hush, tries, faults, h("span", { className: "took" }, `${delivery.ms} ms`), h("time", {}, clock(at)));
  const details = h("details", {}, head);
  // The XML is drawn when somebody looks at it, not before.
  details.addEventListener("toggle", () => details.children.length === 1 && details.append(inside(delivery)));
  return h("li", { className: delivery.violations.length ? "broken" : "" }, details, violations(delivery.violations));
}

/** Why nothing at all was delivered; null where something was. */
function why({ attempts, request_xml: request }) {
  if (attempts.length) return null;
  return request ? SMALL.hush : SMALL.blacklisted;
}

function violations(found) {
  return found.length === 0
    ? null
    : h("ul", { className: "violations" }, found.map(({ code, detail }) =>
      h("li", {}, both(VIOLATIONS[code] ?? [code, ""]), detail ? h("code", {}, detail) : null)));
}

function attemptTitle(attempt, index) {
  const [chinese, english] = OUTCOMES[attempt.outcome] ?? [attempt.outcome, ""];
  const status = attempt.http_status ? ` HTTP ${attempt.http_status}` : "";
  const faults = [...attempt.faults, ...(attempt.probe ? ["probe"] : [])].map((fault) => (FAULTS[fault] ?? [fault]).join(" ")).join(", ");
  return `${SMALL.delivery[0]} ${index + 1}: ${chinese} ${english}${status}, ${attempt.ms} ms${faults ? ` · ${SMALL.fault.join(" ")}: ${faults}` : ""}`;
}

function inside(delivery) {
  const wire = delivery.attempts.map((attempt, index) => h("div", {},
    h("p", { className: "attempt" }, attemptTitle(attempt, index)), xml(attempt.wire_request), xml(attempt.wire_reply)));
  const deliveries = delivery.attempts.map((attempt, index) => h("li", { className: attempt.outcome }, attemptTitle(attempt, index)));
  return h("div", { className: "inside" },
    deliveries.length ? h("ol", { className: "deliveries" }, deliveries) : h("p", { className: "hush" }, both(why(delivery))),
    h("h4", {}, both(SMALL.request)), xml(delivery.request_xml),
    h("h4", {}, both(SMALL.reply)), xml(delivery.reply_xml),
    h("details", { className: "wire" }, h("summary", {}, both(SMALL.wire)), wire));
}

const TOKENS = /(<!\[CDATA\[)([\s\S]*?)(\]\]>)|(<\/?)([\w:-]+)([^>]*>)/g;

/** The XML with a line for each element, its names and its texts told apart. */
function xml(written) {
  if (!written.trim()) return h("pre", { className: "xml empty" }, SMALL.nothing.join(" "));
  const block = h("pre", { className: "xml", tabIndex: 0 });
  let end = 0;
  let depth = 0;
  let opened = ""; // the name of the element opened last: its end stays on its line
  for (const token of written.matchAll(TOKENS)) {
    const between = written.slice(end, token.index);
    if (between.trim()) block.append(h("span", { className: "value" }, between.trim()));
    end = token.index + token[0].length;
    if (token[1]) {
      block.append(h("span", { className: "faint" }, token[1]), h("span", { className: "value" }, token[2]), h("span", { className: "faint" }, token[3]));
      continue;
    }
    const closes = token[4] === "</";
    if (closes) depth -= 1;
    if (block.childNodes.length && !(closes && opened === token[5])) block.append(`\n${"  ".repeat(Math.max(0, depth))}`);
    if (!closes) depth += 1;
    opened = closes ? "" : token[5];
    block.append(h("span", { className: "tag" }, token[0]));
  }
  const rest = written.slice(end).trim();
  if (rest) block.append(rest);
  return block;
}
