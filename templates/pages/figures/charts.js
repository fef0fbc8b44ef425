// Draws the table of months on /numbers as charts. Its words and numbers are the table's own; a cell without a number is
// a gap, never a zero. The charts are for eyes alone: who listens has the table. A browser for which the page keeps no room
// for them (style.css) does not load the library either.

(() => {
  const charts = document.querySelector(".charts");
  const table = document.getElementById("months");
  if (!charts?.offsetParent || !table) return;

  const heads = [...table.querySelectorAll("thead th")];
  const place = (figure) => heads.findIndex((head) => head.dataset.figure === figure);
  const rows = [...table.querySelectorAll("tbody tr")].reverse().map((row) => [...row.cells].map((cell) => cell.textContent.trim()));

  function amount(said) {
    const plain = said.replace(/[¥,]/g, "");
    return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
  }

  // Told apart by signs, dashes and patterns as well as by colours.
  const SIGNS = ["circle", "rect", "triangle"];
  const DASHES = ["solid", "dashed", "dotted"];
  const COLOURS = ["--green", "--ring", "--warn"];

  function patterns(ground) {
    const stripes = { color: ground, symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 3] };
    return [{ symbol: "none" }, { ...stripes, rotation: -Math.PI / 4 }, stripes];
  }

  function lines(words) {
    const box = document.createElement("div");
    box.append(...words.map((each) => Object.assign(document.createElement("div"), { textContent: each })));
    return box;
  }

  function optionFor(element) {
    const root = getComputedStyle(document.documentElement);
    const colour = (name) => root.getPropertyValue(name).trim();
    const rem = parseFloat(root.fontSize);
    const size = 0.875 * rem;
    const line = 1.5 * size;
    const text = { color: colour("--ink"), fontSize: size, fontFamily: root.fontFamily };
    const isBars = element.dataset.kind === "bars";
    const shown = rows.slice(-Math.max(6, Math.floor(element.clientWidth / (1.4 * rem))));
    const many = charts.dataset.tenThousand;
    const short = (number) => (Math.abs(number) >= 10_000 ? `${(number / 10_000).toLocaleString()}${many}` : number.toLocaleString());
    const figures = element.dataset.figures.split(" ").map(place);
    return {
      animation: false,
      color: COLOURS.map(colour),
      textStyle: text,
      aria: { enabled: true, label: { enabled: false }, decal: { show: isBars, decals: patterns(colour("--sheet")) } },
      legend: {
        orient: "vertical", left: 0, top: 0, itemGap: 0, padding: 0, selectedMode: false,
        itemWidth: 2.5 * rem, itemHeight: 0.7 * size, textStyle: { ...text, lineHeight: line },
      },
      grid: { left: 2, right: 0.75 * rem, top: figures.length * line + 0.75 * rem, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      tooltip: {
        trigger: "axis", confine: true, transitionDuration: 0,
        backgroundColor: colour("--sheet"), borderColor: colour("--soft"), textStyle: text,
        axisPointer: { type: isBars ? "shadow" : "line", lineStyle: { color: colour("--soft") } },
        formatter: ([{ dataIndex: month }]) => lines([shown[month][0], ...figures.map((at) => `${heads[at].textContent} ${shown[month][at]}`)]),
      },
      xAxis: {
        type: "category", data: shown.map((row) => row[0]), boundaryGap: isBars,
        axisLabel: { ...text, hideOverlap: true }, axisLine: { lineStyle: { color: colour("--soft") } },
      },
      yAxis: {
        type: "value", minInterval: 1, splitNumber: 4,
        axisLabel: { ...text, formatter: short }, splitLine: { lineStyle: { color: colour("--line") } },
      },
      series: figures.map((at, which) => ({
        type: isBars ? "bar" : "line",
        name: heads[at].textContent,
        data: shown.map((row) => amount(row[at])),
        connectNulls: false,
        symbol: SIGNS[which],
        symbolSize: 0.6 * size,
        showAllSymbol: true,
        lineStyle: { type: DASHES[which], width: 2 },
        emphasis: { disabled: true },
      })),
    };
  }

  const drawn = new Map();

  function draw(element) {
    if (!element.clientWidth) return; // on paper there is none
    if (!drawn.has(element)) {
      element.replaceChildren();
      drawn.set(element, window.echarts.init(element, null, { renderer: "svg" }));
    }
    const chart = drawn.get(element);
    chart.resize();
    chart.setOption(optionFor(element), { notMerge: true });
  }

  const elements = [...charts.querySelectorAll(".chart")];
  const library = Object.assign(document.createElement("script"), { src: document.currentScript.dataset.library });
  library.addEventListener("load", () => {
    const sizes = new ResizeObserver((changes) => changes.forEach(({ target }) => draw(target)));
    for (const element of elements) sizes.observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => elements.forEach(draw));
  });
  document.head.append(library);
})();
