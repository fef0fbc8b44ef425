// The few lines that replace a framework.

export const $ = (id) => document.getElementById(id);

/** An element with properties (or attributes, where the name has a dash) and children; text is always text. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== ""));
  return element;
}

/** Chinese with its English beside it, in small. */
export function both([chinese, english]) {
  return [chinese, " ", h("small", { lang: "en" }, english)];
}

/**
 * Draws a list of [key, state, make] into an element. What has kept its key and state stays untouched, so that
 * focus, scrolling, selections and pictures in it do too.
 */
export function draw(parent, items) {
  const standing = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const nodes = items.map(([key, state, make]) => {
    const old = standing.get(key);
    if (old && old.dataset.state === state) return old;
    const node = make();
    Object.assign(node.dataset, { key, state });
    return node;
  });
  const kept = new Set(nodes);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

const COLOURS = ["#4a7c8c", "#b5674d", "#6b7f4f", "#8a6d9b", "#c08a3e", "#50749e", "#a65d72", "#5b8a72"];

/** A square with the last character of the name, as people without a picture have it. */
export function face(person) {
  const hash = [...person.openid].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7);
  const letters = [...(person.name || "?")];
  const square = h("span", { className: "face", "aria-hidden": "true" }, letters.at(-1));
  square.style.backgroundColor = person.colour || COLOURS[hash % COLOURS.length];
  return square;
}

export function accountFace() {
  return h("span", { className: "account-face", "aria-hidden": "true" }, icon("heart"));
}

/** While something lies over a phone, nothing under it can be reached. */
export function cover(overlay, on) {
  overlay.hidden = !on;
  for (const other of overlay.parentElement.children) {
    if (other.classList.contains("veil")) other.hidden = !on;
    else if (other !== overlay) other.inert = on;
  }
}
