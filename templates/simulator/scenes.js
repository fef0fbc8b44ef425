// Sample photos, drawn here: a mud road in the hills, a torn greenhouse, a crate of oranges.

const WIDTH = 960;
const HEIGHT = 720;

const frame = (inside) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 320 240">${inside}</svg>`;

const sky = (top, bottom) =>
  `<defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="${top}"/><stop offset="1" stop-color="${bottom}"/></linearGradient></defs><rect width="320" height="240" fill="url(#s)"/>`;

const mud = frame(`${sky("#9fb4bd", "#e4e2d3")}
  <path d="M0 118 46 70l34 30 52-62 58 66 40-34 90 62v130H0z" fill="#7d9a8c"/>
  <path d="M0 140c50-26 96-20 140-4s110 6 180-26v130H0z" fill="#5c7f62"/>
  <path d="M0 172c60-20 120-8 180-2s100-10 140-20v90H0z" fill="#47694a"/>
  <path d="M196 132c-34 8-66 14-58 26s56 10 60 26-70 26-92 56h150c6-34 12-52 2-68s-50-14-56-22 20-12 18-18z" fill="#8a6a48"/>
  <path d="M150 210c20-8 50-6 62 0s-10 12-34 12-44-6-28-12z" fill="#b9a98e"/><path d="M166 160c10-3 26-2 30 1s-8 5-18 5-18-4-12-6z" fill="#b9a98e"/>
  <g><path d="m40 128 22-16 24 16v26H40z" fill="#a98a62"/><path d="m34 131 28-22 30 22-4 4-26-19-24 19z" fill="#4a3b31"/><rect x="56" y="136" width="12" height="18" fill="#4a3b31"/></g>
  <g><path d="m246 116 18-13 20 13v20h-38z" fill="#b39468"/><path d="m240 119 24-19 26 19-4 3-22-15-20 15z" fill="#55443a"/></g>
  <path d="M296 190v-30m0 6c-10 2-16 10-12 18s20 8 24 0-2-16-12-18z" fill="#3a5a3e" stroke="#3f3126" stroke-width="3"/>`);

const greenhouse = frame(`${sky("#a9cbe0", "#f2efe2")}
  <path d="M0 110c50-24 90-24 140-6s120-2 180-22v160H0z" fill="#86a888"/>
  <rect y="136" width="320" height="104" fill="#7a6a4c"/>
  <g stroke="#62543b" stroke-width="3"><path d="M0 156h320M0 182h320M0 210h320"/></g>
  <g fill="#f7fbfa" fill-opacity=".78" stroke="#93a7a4" stroke-width="2.5">
    <path d="M22 206v-40c0-40 80-40 80 0v40z"/><path d="M120 206v-40c0-40 80-40 80 0v40z"/><path d="M218 206v-40c0-40 80-40 80 0v40z"/>
  </g>
  <g stroke="#b9c8c4" stroke-width="1.5" fill="none"><path d="M36 148h52M30 166h64M134 148h52M128 166h64M232 148h52M226 166h64M62 138v68M160 138v68M258 138v68"/></g>
  <path d="M138 144c10 8 22 2 30 12s16 6 24 2l-2 30c-14-2-20 8-32 2s-16-2-26-6z" fill="#7a6a4c" fill-opacity=".85"/>
  <g fill="#5d8f4c"><path d="M44 204c2-12 8-12 10 0zM62 204c2-14 8-14 10 0zM80 204c2-11 8-11 10 0zM142 204c2-10 8-10 10 0zM176 204c2-12 8-12 10 0zM238 204c2-13 8-13 10 0zM258 204c2-12 8-12 10 0z"/></g>`);

const fruit = [[70, 118], [112, 108], [154, 114], [196, 106], [238, 116], [90, 142], [132, 138], [174, 142], [216, 138], [252, 146], [62, 150]]
  .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="24" fill="#ee8a1d"/><circle cx="${x - 7}" cy="${y - 8}" r="8" fill="#f7ab4b" fill-opacity=".8"/><path d="M${x} ${y - 20}c6-8 14-8 18-4-4 6-12 8-18 4z" fill="#4c7a36"/>`)
  .join("");

const oranges = frame(`${sky("#dbe7c6", "#f4eeda")}
  <path d="M0 60c40-20 80 4 110-8s60-30 100-10 70-2 110 10v60H0z" fill="#8fb070" fill-opacity=".7"/><rect y="176" width="320" height="64" fill="#cdb58c"/>
  ${fruit}
  <path d="M34 150h252l-16 68H50z" fill="#b98d55"/><path d="M34 150h252l-4 18H38zM44 190h232l-4 16H47z" fill="#a0763f"/>
  <g stroke="#7d5a2d" stroke-width="2"><path d="M92 150l6 68M160 150v68M228 150l-6 68"/></g>`);

const address = (svg) => URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));

export const SCENE_PICTURES = { mud: address(mud), greenhouse: address(greenhouse), oranges: address(oranges) };

/** The drawing as a JPEG, as a phone would send it. */
export async function drawing(image) {
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  canvas.getContext("2d").drawImage(image, 0, 0, WIDTH, HEIGHT);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
}
