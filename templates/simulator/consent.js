// The popup that asks whether the account may send its notices: a yes or a no for each template.

import { cover, h } from "./dom.js";
import { CONSENT } from "./words.js";

/** ``choose({templateId: bool})`` is told what the person tapped; never for a popup that was closed. */
export function makeConsent(part, choose) {
  let templates = [];
  let answered = () => {};

  function close() {
    cover(part("consent"), false);
    answered(null);
    answered = () => {};
  }

  async function answer(choices) {
    const tell = answered;
    answered = () => {};
    close();
    await choose(choices);
    tell(choices);
  }

  const checked = () => Object.fromEntries(templates.map(({ template_id: id }, index) =>
    [id, part("asked").querySelectorAll("input")[index].checked]));
  part("agree").addEventListener("click", () => answer(checked()));
  part("refuse-all").addEventListener("click", () => answer(Object.fromEntries(templates.map(({ template_id: id }) => [id, false]))));

  return {
    /** ``done`` hears the choices, or null. */
    open(asked, done = () => {}) {
      [templates, answered] = [asked, done];
      part("asked").replaceChildren(...asked.map(({ title, example, left }) => {
        const given = left === null ? CONSENT.always : left ? [`${CONSENT.left[0]} ${left} ${CONSENT.left[1]}`, `${left} ${CONSENT.left[2]}`] : CONSENT.none;
        return h("li", {}, h("label", {},
          h("input", { type: "checkbox", checked: true }),
          h("span", {}, h("b", {}, title), example ? h("span", {}, example) : null, h("small", {}, given.join(" ")))));
      }));
      cover(part("consent"), true);
      part("asked").querySelector("input")?.focus();
    },
    escape() {
      if (part("consent").hidden) return false;
      close();
      return true;
    },
  };
}
