// What axe does not tell: each look returns sentences about what is wrong. Put before a call by examining.py.

const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
  && element.getClientRects().length > 0;
const said = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 120);

// The luminance and contrast of WCAG 2.2.
const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
const luminance = (colour) => {
  const [red, green, blue] = channels(colour).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const ground = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = getComputedStyle(each).backgroundColor;
    if (!/, 0\)$/.test(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
};

const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
const isInScroller = (element) => {
  for (let each = element.parentElement; each && each !== document.body; each = each.parentElement) {
    if (scrolls(each)) return true;
  }
  return false;
};

const looks = {
  order() {
    const faults = [];
    const parts = [...document.body.children].map((part) => part.localName).filter((name) => /^(header|main|footer)$/.test(name));
    if (parts.join() !== "header,main,footer") faults.push(`its parts are ${parts.join(", ")}: header, main, footer`);
    const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(visible);
    if (headings.filter((each) => each.localName === "h1").length !== 1) faults.push("it has not one heading of the first order");
    let level = 0;
    for (const each of headings) {
      const own = Number(each.localName[1]);
      if (own > level + 1) faults.push(`a heading leaves out an order: ${said(each)}`);
      level = own;
    }
    if (document.documentElement.lang !== "zh-CN") faults.push("its language is not said");
    if (!/^\S.* · 帮扶通$/.test(document.title)) faults.push(`its title is ${document.title}`);
    for (const cell of document.querySelectorAll("th:not([scope])")) faults.push(`a heading of a table says no scope: ${said(cell)}`);
    for (const link of document.querySelectorAll("main a, body > footer a")) {
      if (visible(link) && !getComputedStyle(link).textDecorationLine.includes("underline")) faults.push(`a link is not underlined: ${said(link)}`);
    }
    return faults;
  },

  cut() {
    const room = document.documentElement.clientWidth;
    const faults = [];
    if (document.documentElement.scrollWidth > room) faults.push(`it scrolls sideways: ${document.documentElement.scrollWidth} of ${room} pixels`);
    for (const each of document.body.querySelectorAll("*")) {
      if (!visible(each) || each.closest("svg") !== null || isInScroller(each)) continue;
      const box = each.getBoundingClientRect();
      const hides = /hidden|clip/.test(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth + 1;
      if (box.right > room + 1 || box.left < -1 || hides) faults.push(`cut: ${said(each)} (${Math.round(box.left)} to ${Math.round(box.right)})`);
      if (scrolls(each) && each.scrollWidth > each.clientWidth && each.tabIndex < 0) faults.push(`is pushed aside by no keyboard: ${said(each)}`);
    }
    return faults;
  },

  motion() {
    return document.getAnimations().map((each) => `moves though less motion was asked for: ${said(each.effect.target)}`);
  },

  scheme() {
    return luminance(ground(document.body)) > 0.2 ? ["its ground is light"] : [];
  },

  // A QR code is read by a camera: dark on white in every light.
  codes() {
    return [...document.querySelectorAll(".code svg")].filter(visible)
      .filter((each) => getComputedStyle(each).backgroundColor !== "rgb(255, 255, 255)" || getComputedStyle(each).forcedColorAdjust !== "none")
      .map((each) => `a code does not stand on white: ${said(each)}`);
  },

  paper() {
    const faults = [];
    if (luminance(ground(document.querySelector("main"))) < 0.99) faults.push("its ground is not white");
    if (luminance(getComputedStyle(document.querySelector("main")).color) > 0.05) faults.push("its words are not black");
    return faults;
  },
};

const REACHED = "a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [tabindex]";

const keyboard = {
  begin() {
    document.body.tabIndex = -1; // Tab goes on from where the focus was last
    document.body.focus();
    document.body.removeAttribute("tabindex");
    const chosen = (each) => {
      if (each.type !== "radio") return true;
      const group = [...document.getElementsByName(each.name)];
      return (group.find((one) => one.checked) ?? group[0]) === each;
    };
    window.stops = [...document.querySelectorAll(REACHED)]
      .filter((each) => visible(each) && !each.disabled && each.tabIndex >= 0 && chosen(each));
    return window.stops.length;
  },

  at(place) {
    const [wanted, found] = [window.stops[place], document.activeElement];
    if (found !== wanted) return [`Tab leads to ${said(found)}, not to ${said(wanted)}`];
    const faults = [];
    const before = window.stops[place - 1]?.getBoundingClientRect();
    if (before && found.getBoundingClientRect().bottom < before.top) faults.push(`it stands above the stop before: ${said(found)}`);
    const style = getComputedStyle(found);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) faults.push(`no ring shows where one is: ${said(found)}`);
    else if (contrast(style.outlineColor, ground(found.parentElement)) < 3) faults.push(`its ring is hardly seen: ${said(found)}`);
    return faults;
  },
};
