// What the + opens: a photo, a place, a voice, a scan.

import { both, draw, h, icon } from "./dom.js";
import { drawing, SCENE_PICTURES } from "./scenes.js";
import { clock } from "./when.js";
import { SCENES, SMALL } from "./words.js";

/** Each sheet sends what it holds, with the menu button that opened it. */
export function startSheets(part, acts, { pressed, close }) {
  const onSubmit = (name, send) => part(`sheet-${name}`).addEventListener("submit", (event) => {
    event.preventDefault();
    const button = pressed();
    send(new FormData(event.target), button);
    close();
  });
  onSubmit("voice", (form) => acts.voice(form.get("text"), form.get("how"), form.get("recognised") ?? ""));
  onSubmit("scan", (form, button) => acts.scan(form.get("scene"), button));
  onSubmit("place", (form, button) => acts.place(Number(form.get("lat")), Number(form.get("lng")), form.get("label"), button));
  const place = part("sheet-place").elements;
  const fill = () => {
    const chosen = place.sample.selectedOptions[0];
    [place.lat.value, place.lng.value] = chosen.value.split(",");
    place.label.value = chosen.textContent.split(" · ")[0];
  };
  place.sample.addEventListener("change", fill);
  fill();
  startPhotos(part, acts, pressed, close);

  return {
    /** The codes that the account has made, to be tapped instead of typed. */
    showCodes() {
      draw(part("codes"), acts.codes().map((code) => [code.ticket, "", () => codeRow(code)]));
    },
  };

  function codeRow({ scene, ticket, ends }) {
    const scan = () => {
      const button = pressed();
      close();
      acts.scan(scene, button, ticket);
    };
    const lives = ends ? `${SMALL.until[0]} ${clock(ends)} ${SMALL.until[1]}` : SMALL.forever.join(" ");
    return h("li", {}, h("button", { type: "button", onclick: scan }, icon("code"), h("span", {}, h("b", {}, scene), h("small", {}, lives))));
  }
}

function startPhotos(part, acts, pressed, close) {
  const send = (blob) => {
    const button = pressed();
    close();
    acts.photo(blob, button);
  };
  const samples = SCENES.map(([name, chinese, english]) => {
    const image = h("img", { src: SCENE_PICTURES[name], alt: "" });
    const choose = async () => send(await drawing(image));
    return h("button", { type: "button", onclick: choose }, image, h("span", {}, both([chinese, english])));
  });
  part("scenes").replaceChildren(...samples);
  part("sheet-photo").elements.photo.addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) send(file);
    event.target.value = "";
  });
}
