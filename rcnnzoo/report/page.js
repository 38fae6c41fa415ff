"use strict";
/* Draws the report's charts and lets readers choose a threshold. Text from the document only ever becomes text nodes
   and attributes, so whatever a name holds is shown and never runs. */

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// ---- Elements, words and numbers

function element(space, name, attributes, children) {
  const made = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
const html = (name, attributes = {}, ...children) =>
  element("http://www.w3.org/1999/xhtml", name, attributes, children);
const svg = (name, attributes = {}, ...children) => element("http://www.w3.org/2000/svg", name, attributes, children);

const known = (number) => number !== null && number !== undefined;
const plain = (number) => (known(number) ? String(Number(number.toPrecision(4))).replace("-", "\u2212") : "");
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)}\u00a0%`;

/** A tick has decimals only if it needs one. */
const percentTick = (share) => percent(share, Number.isInteger(Number((100 * share).toFixed(6))) ? 0 : 1);

/** Multiply-accumulates as the tables write them: 83.5 G. */
function macs(number) {
  const rounded = Number(number.toPrecision(3));
  for (const [size, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(rounded) >= size) return `${Number((rounded / size).toPrecision(3))}\u00a0${letter}`;
  }
  return String(rounded);
}

const ruler = document.createElement("canvas").getContext("2d");
function widthOf(text, weight = 400) {
  ruler.font = `${weight} 12px ${getComputedStyle(document.body).getPropertyValue("--sans")}`;
  return ruler.measureText(text).width;
}

/** Lines of text that fit a width: SVG does not wrap by itself. Words that are too long are broken. */
function wrap(text, width, weight = 400) {
  const lines = [""];
  const add = (piece) => { lines[lines.length - 1] += piece; };
  for (const word of text.split(/(?<=[\s])/u)) {
    if (widthOf(lines.at(-1) + word.trimEnd(), weight) <= width) { add(word); continue; }
    if (lines.at(-1)) lines.push("");
    for (const letter of word) {
      if (lines.at(-1) && widthOf(lines.at(-1) + letter, weight) > width) lines.push("");
      add(letter);
    }
  }
  return lines;
}

function words(lines, x, y, attributes = {}) {
  const spans = lines.map((line, i) => svg("tspan", { x, dy: i ? 15 : 0 }, line));
  return svg("text", { x, y, ...attributes }, ...spans);
}

// ---- Looks: one colour and one marker per network, the same in every chart

const MARKERS = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-3.6-3.6h7.2v7.2h-7.2z", "M0-5L4.8 3.6H-4.8z", "M0-5.4L5.4 0L0 5.4L-5.4 0z",
  "M0 5L4.8-3.6H-4.8z", "M-1.6-5h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4v-3.2h3.4z",
  "M0-5.2L5-1.6L3.1 4.2H-3.1L-5-1.6z",
];
const look = (index) => ({ colour: `c${index % 8}`, marker: MARKERS[index % MARKERS.length] });
const marker = (index, x, y, name = "mark") =>
  svg("path", { class: `${name} ${look(index).colour}`, d: look(index).marker, transform: `translate(${x} ${y})` });

const sample = (...marks) =>
  svg("svg", { viewBox: "0 0 34 20", width: 34, height: 20, "aria-hidden": "true" }, ...marks);

function swatch(index, dashed = false) {
  const line = svg("path", { class: `line ${look(index).colour}${dashed ? " dashed" : ""}`, d: "M0 10H34" });
  return sample(line, marker(index, 17, 10));
}

// ---- Axes

function niceTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

function logTicks(low, high, count) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    found.push(...[1, 2, 5].map((m) => [m, m * 10 ** power]).filter(([, tick]) => tick >= low && tick <= high));
  }
  const tens = found.filter(([m]) => m === 1);
  const kept = found.length <= count + 1 || tens.length < 2 ? found : tens;
  return kept.length > 1 ? kept.map(([, tick]) => tick) : niceTicks(low, high, count);
}

/** A range and its ticks around numbers: grown to whole ticks, never beyond the limits. */
function axis(numbers, options) {
  const { count = 5, limits = [-Infinity, Infinity], include = [], whole, log, tight } = options;
  const all = [...numbers.filter(known), ...include];
  let low = all.length ? Math.min(...all) : 0;
  let high = all.length ? Math.max(...all) : 1;
  if (log) return { low: low / 1.15, high: high * 1.15, log, ticks: logTicks(low / 1.15, high * 1.15, count) };
  if (low === high) {
    const room = whole ? 1 : Math.abs(low) * 0.05 || 0.5;
    [low, high] = [low - room, high + room];
  }
  low = Math.max(low, limits[0]);
  high = Math.min(high, limits[1]);
  let ticks = niceTicks(low, high, count);
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : high - low;
  if (!tight) {
    low = Math.max(limits[0], Math.floor(low / step + 1e-9) * step);
    high = Math.min(limits[1], Math.ceil(high / step - 1e-9) * step);
    ticks = niceTicks(low, high, Math.round((high - low) / step));
  }
  return { low, high, ticks: whole ? ticks.filter(Number.isInteger) : ticks };
}

/** A chart without data. x and y: {low, high, log, ticks, write, title}. Returns what gives numbers their place. */
function frame({ name, width, height, x, y, top = 0 }) {
  const left = Math.ceil(Math.max(...y.ticks.map((tick) => widthOf(y.write(tick))))) + 10;
  const right = 14;
  const titles = { x: wrap(x.title, width - left), y: wrap(y.title, width) };
  height += 15 * (titles.x.length + titles.y.length - 2);
  const head = titles.y.length * 15 + 14 + top;
  const foot = 24 + titles.x.length * 15;
  const scale = ({ low, high, log }, from, to) => (wanted) => {
    const number = Math.min(Math.max(wanted, low), high); // an interval may reach beyond what a share can be
    const share = log ? Math.log(number / low) / Math.log(high / low) : (number - low) / (high - low || 1);
    return Number((from + share * (to - from)).toFixed(2));
  };
  const [px, py] = [scale(x, left, width - right), scale(y, height - foot, head)];
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
  root.append(words(titles.y, 0, 12, { class: "soft" }));
  for (const tick of y.ticks) {
    root.append(svg("path", { class: "grid", d: `M${left} ${py(tick)}H${width - right}` }));
    root.append(svg("text", { x: left - 8, y: py(tick) + 4, "text-anchor": "end", class: "soft" }, y.write(tick)));
  }
  let end = -Infinity; // labels that would run into the one before are left out
  for (const tick of x.ticks) {
    const half = widthOf(x.write(tick)) / 2;
    root.append(svg("path", { class: "axis", d: `M${px(tick)} ${height - foot}v5` }));
    if (px(tick) - half < end + 6) continue;
    end = px(tick) + half;
    const place = { x: px(tick), y: height - foot + 18, "text-anchor": "middle", class: "soft" };
    root.append(svg("text", place, x.write(tick)));
  }
  root.append(svg("path", { class: "axis", d: `M${left} ${height - foot}H${width - right}` }));
  const middle = (left + width - right) / 2;
  root.append(words(titles.x, middle, height - foot + 35, { "text-anchor": "middle", class: "soft" }));
  return { root, px, py, left, right: width - right, top: head, bottom: height - foot };
}

/** A band, a line, and markers that keep a distance, so that they can be told apart; missing numbers are gaps. */
function drawLine(root, index, points, { dashed = false, gap = 26 } = {}) {
  const { colour } = look(index);
  const parts = [[]];
  for (const point of points) point.y === null ? parts.push([]) : parts.at(-1).push(point);
  for (const part of parts.filter((one) => one.length)) {
    const banded = part.filter((point) => known(point.low) && known(point.high));
    if (banded.length > 1) {
      const edge = [...banded.map((p) => [p.x, p.high]), ...banded.map((p) => [p.x, p.low]).reverse()];
      root.append(svg("path", { class: `band ${colour}`, d: `M${edge.map((p) => p.join(" ")).join("L")}z` }));
    } else if (banded.length) {
      root.append(svg("path", { class: `line ${colour}`, d: `M${banded[0].x} ${banded[0].low}V${banded[0].high}` }));
    }
    const d = `M${part.map((point) => `${point.x} ${point.y}`).join("L")}`;
    root.append(svg("path", { class: `line ${colour}${dashed ? " dashed" : ""}`, d }));
    let last = null;
    for (const point of part) {
      if (last && Math.hypot(point.x - last.x, point.y - last.y) < gap) continue;
      root.append(marker(index, point.x, point.y));
      last = point;
    }
  }
}

// ---- Charts that are drawn again when their width changes

const drawings = [];
let printing = false;
const PRINTED = 640;

function mount(place, draw) {
  const redraw = () => {
    const width = place.clientWidth || PRINTED;
    const printed = place.matches(".small, .panels *") ? PRINTED / 2 - 20 : PRINTED;
    place.replaceChildren(...draw(printing ? printed : width));
  };
  drawings.push({ place, redraw, width: place.clientWidth });
  redraw();
  return redraw;
}

new ResizeObserver(() => {
  for (const drawing of drawings) {
    if (printing || drawing.place.clientWidth === drawing.width) continue;
    drawing.width = drawing.place.clientWidth;
    drawing.redraw();
  }
}).observe(document.body);

for (const [event, state] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => {
    printing = state;
    drawings.forEach((drawing) => drawing.redraw());
  });
}

const indexOf = (series, position) => {
  const index = data.networks.indexOf(series.network);
  return index < 0 ? position : index;
};

/** A chart of lines and its legend. */
function lineChart(chart, width, small) {
  const write = chart.percent ? percentTick : plain;
  const numbers = chart.series.flatMap((one) => [...one.y, ...(one.low ?? []), ...(one.high ?? [])]);
  const xs = chart.series.flatMap((one) => one.x);
  const limits = chart.percent ? [0, 1] : [-Infinity, Infinity];
  const count = small ? 7 : Math.max(4, Math.round(width / 75));
  const x = axis(xs, { count, whole: xs.every(Number.isInteger), tight: true });
  const y = axis(numbers, { count: small ? 2 : 5, limits, include: chart.range ?? [] });
  const name = `${chart.title}. Lines of ${chart.y} by ${chart.x}. The table below has the numbers.`;
  const height = small ? 190 : Math.min(380, Math.max(280, width * 0.5));
  const titled = { x: { ...x, write: plain, title: chart.x }, y: { ...y, write, title: chart.y } };
  const at = frame({ name, width, height, ...titled });
  const position = (number) => (known(number) ? at.py(number) : null);
  const entries = chart.series.map((one, place) => {
    const index = indexOf(one, place);
    const points = one.x.map((value, i) => ({
      x: at.px(value), y: position(one.y[i]), low: position(one.low?.[i]), high: position(one.high?.[i]),
    }));
    drawLine(at.root, index, points, { dashed: one.dashed });
    return html("li", {}, swatch(index, one.dashed), html("span", {}, one.name));
  });
  return [at.root, html("ul", { class: "legend" }, ...entries)];
}

for (const place of document.querySelectorAll("[data-lines]")) {
  mount(place, (width) => lineChart(data.charts[place.dataset.lines], width, place.matches(".small")));
}

// ---- Correlations with people

const CEILINGS = ["none", "7 4", "2 3", "9 3 2 3"];

/** Rows of the chart, in the order of their tables: headings only where there is something to tell apart. */
function peopleRows({ correlations, controls }) {
  const measures = [...new Set(correlations.map((one) => one.measure))];
  const rows = measures.flatMap((measure) => [
    { heading: measure },
    ...correlations.filter((one) => one.measure === measure).map((one) => ({ ...one, label: one.network })),
  ]);
  if (controls.length) rows.push({ heading: "Controls" });
  return [...rows, ...controls.map((one) => ({ ...one, label: `${one.network}: ${one.control}`, open: true }))];
}

/** Points with intervals, one row each; ceilings are vertical lines, for all rows or for those of one network. */
function peopleChart(found, width) {
  const wide = width >= 560;
  const labels = Math.min(230, width * 0.36);
  const rows = peopleRows(found).map((row) => ({
    ...row, lines: row.heading ? wrap(row.heading, width - 8, 600) : wrap(row.label, labels - 16),
  }));
  const numbers = [...rows.flatMap((row) => [row.r, row.low, row.high]), ...found.ceilings.map((one) => one.r)];
  const scale = axis(numbers.map((number) => number ?? null), { count: wide ? 6 : 3, limits: [-1, 1], include: [0] });
  const right = wide ? 140 : 14;
  const px = (r) => labels + ((r - scale.low) / (scale.high - scale.low)) * (width - labels - right);
  let bottom = 4;
  for (const row of rows) {
    row.top = bottom + (row.heading ? 8 : 0);
    bottom = row.top + row.lines.length * 15 + (row.heading ? 6 : 9);
  }
  const name = "Correlations of networks with people: points with intervals, one row each. " +
    "The tables below have the numbers.";
  const root = svg("svg", { viewBox: `0 0 ${width} ${bottom + 44}`, role: "img", "aria-label": name });
  for (const tick of scale.ticks) {
    root.append(svg("path", { class: tick === 0 ? "axis" : "grid", d: `M${px(tick)} 0V${bottom + 5}` }));
    root.append(svg("text", { x: px(tick), y: bottom + 19, "text-anchor": "middle", class: "soft" }, plain(tick)));
  }
  root.append(svg("path", { class: "axis", d: `M${labels} ${bottom}H${width - right}` }));
  const middle = (labels + width - right) / 2;
  root.append(words(["correlation (r)"], middle, bottom + 37, { "text-anchor": "middle", class: "soft" }));
  const kinds = [...new Set(found.ceilings.map((one) => one.ceiling))];
  const dash = (ceiling) => CEILINGS[kinds.indexOf(ceiling) % CEILINGS.length];
  for (const one of found.ceilings) {
    const spans = one.network === null ? [[0, bottom]]
      : rows.filter((row) => row.network === one.network && !row.open)
        .map((row) => [row.top, row.top + row.lines.length * 15 + 4]);
    const d = spans.map(([from, to]) => `M${px(one.r)} ${from}V${to}`).join("");
    root.append(svg("path", { class: "ceiling", "stroke-dasharray": dash(one.ceiling), d }));
  }
  for (const row of rows) {
    root.append(words(row.lines, 0, row.top + 12, { class: row.heading ? "heading" : "" }));
    if (row.heading) continue;
    const place = data.networks.indexOf(row.network);
    const index = place < 0 ? data.networks.length : place; // a network of other results looks like none of these
    const y = row.top + row.lines.length * 7.5 + 1;
    const interval = known(row.low) && known(row.high);
    const range = { class: `line ${look(index).colour}`, d: `M${px(row.low)} ${y}H${px(row.high)}` };
    if (interval) root.append(svg("path", range));
    if (known(row.r)) root.append(marker(index, px(row.r), y, row.open ? "open" : "mark"));
    const digits = (number) => number.toFixed(2).replace("-", "\u2212");
    const text = known(row.r) ? digits(row.r) + (interval ? ` [${digits(row.low)}, ${digits(row.high)}]` : "") : "";
    if (wide) root.append(svg("text", { x: width, y: y + 4, "text-anchor": "end", class: "soft" }, text));
  }
  const entries = kinds.map((kind) => {
    const line = svg("path", { class: "ceiling", "stroke-dasharray": dash(kind), d: "M0 10H34" });
    const all = found.ceilings.filter((one) => one.ceiling === kind)
      .map((one) => (one.network === null ? "" : `${one.network}: `) + plain(one.r));
    return html("li", {}, sample(line), html("span", {}, `Ceiling: ${kind}${all.length ? ` (${all.join(", ")})` : ""}`));
  });
  return [root, html("ul", { class: "legend" }, ...entries)];
}

for (const place of document.querySelectorAll("[data-people]")) {
  mount(place, (width) => peopleChart(data.people[place.dataset.people], width));
}

// ---- Accuracy against computation, and the reaction times at the thresholds chosen there

function speedAccuracy(sat) {
  const networks = data.networks.map((name, index) => ({ name, index })).filter(({ name }) => name in sat.steps);
  const boxes = [...document.querySelectorAll("input[name=network]")];
  const [policyBox, readoutBox, axisBox] = ["policy", "readout", "axis"].map(byId);
  const [focusBox, slider] = ["focus", "threshold"].map(byId);
  const chosen = new Map(); // network -> index of a point of its curve
  let spots = []; // what the pointer can hit

  const policy = () => sat.policies[policyBox.value];
  const readout = () => sat.readouts[readoutBox.value];
  const focus = () => networks.find(({ index }) => index === Number(focusBox.value));
  const shown = () => networks.filter(({ index }) => boxes.find((box) => Number(box.value) === index).checked);
  const curveOf = ({ name }) =>
    sat.curves.find((one) => one.network === name && one.policy === policy().name && one.readout === readout());
  const drawn = () => shown().filter(curveOf);

  /** Another policy or readout keeps each network's cost as nearly as it can; at first, costs are half-way. */
  function chooseNear(costs) {
    for (const network of networks.filter(curveOf)) {
      const spent = curveOf(network).macs;
      const wanted = costs.get(network.name) ?? (Math.min(...spent) + Math.max(...spent)) / 2;
      const far = spent.map((cost) => Math.abs(cost - wanted));
      chosen.set(network.name, far.indexOf(Math.min(...far)));
    }
  }
  const costs = () => new Map(networks.filter(curveOf).map((n) => [n.name, curveOf(n).macs[chosen.get(n.name)]]));

  function thresholdText(network, i) {
    const [curve, steps] = [curveOf(network), sat.steps[network.name]];
    if (steps === 1) return "any (one time step)";
    if (known(curve.threshold[i])) return `${plain(curve.threshold[i])}\u00a0${policy().unit}`;
    const stops = { 1: "every image stops at step 1", [steps]: "no image stops early" }[curve.steps[i]];
    return `infinite${stops ? ` (${stops})` : ""}`;
  }

  function reading() {
    const network = focus();
    const curve = curveOf(network);
    if (!curve) return [html("p", {}, "There is no curve of this network for this policy and readout.")];
    const i = chosen.get(network.name);
    const interval = known(curve.low[i]) && known(curve.high[i]);
    const range = interval ? [html("small", {}, `${percent(curve.low[i])} to ${percent(curve.high[i])}`)] : [];
    const facts = [
      ["Network", [network.name]],
      ["Threshold", [thresholdText(network, i)]],
      ["Accuracy", [percent(curve.accuracy[i]), ...range]],
      ["Mean MACs", [macs(curve.macs[i])]],
      ["Mean time steps", [`${plain(curve.steps[i])} of ${sat.steps[network.name]}`]],
    ];
    const pairs = facts.map(([term, what]) => html("div", {}, html("dt", {}, term), html("dd", {}, ...what)));
    return [html("dl", {}, ...pairs)];
  }

  function satChart(width) {
    const log = axisBox.value === "log";
    const curves = drawn().map((network) => ({ ...network, curve: curveOf(network) }));
    const spent = curves.flatMap(({ curve }) => curve.macs);
    const rates = curves.flatMap(({ curve }) => [...curve.accuracy, ...curve.low, ...curve.high]);
    const x = axis(spent, { count: Math.max(3, Math.round(width / 110)), log, include: log ? [] : [0] });
    const y = axis(rates, { limits: [0, 1] });
    const at = frame({
      name: `Accuracy against mean MACs per image of ${curves.map(({ name }) => name).join(", ") || "no network"}; ` +
        `exit policy ${policy().name}, ${readout()} readout. The table below has the numbers.`,
      width, height: Math.min(460, Math.max(300, width * 0.52)), top: 4,
      x: { ...x, write: macs, title: "mean MACs per image" },
      y: { ...y, write: percentTick, title: "accuracy" },
    });
    spots = [];
    for (const { index, name, curve } of curves) {
      const place = (share) => (known(share) ? at.py(share) : null);
      const points = curve.macs.map((cost, i) => ({
        x: at.px(cost), y: at.py(curve.accuracy[i]), low: place(curve.low[i]), high: place(curve.high[i]),
      }));
      drawLine(at.root, index, points, { gap: 34 });
      points.forEach((point, i) => spots.push({ ...point, name, index, i, width }));
    }
    for (const spot of spots.filter((one) => chosen.get(one.name) === one.i)) {
      const focused = spot.index === focus().index;
      if (focused) at.root.append(svg("path", { class: "guide", d: `M${at.left} ${spot.y}H${spot.x}V${at.bottom}` }));
      at.root.append(marker(spot.index, spot.x, spot.y));
      at.root.append(svg("circle", { class: "ring", cx: spot.x, cy: spot.y, r: focused ? 9 : 6.5 }));
    }
    return [at.root];
  }

  /** One panel of bars for each network that has something to stop. */
  function bars(network, width) {
    const [curve, i] = [curveOf(network), chosen.get(network.name)];
    const shares = curve.shares[i];
    const steps = shares.map((_, step) => step + 1);
    const at = frame({
      name: `Share of images by reaction time of ${network.name}, threshold ${thresholdText(network, i)}. ` +
        "The table below has the numbers.",
      width, height: 190, top: 12,
      x: { low: 0.5, high: steps.length + 0.5, ticks: steps, write: plain, title: "time step" },
      y: { low: 0, high: 1, ticks: [0, 0.5, 1], write: (share) => percent(share, 0), title: "share of images" },
    });
    const room = at.px(2) - at.px(1);
    shares.forEach((share, step) => {
      const [x, y] = [at.px(step + 1), at.py(share)];
      const size = { x: x - room * 0.36, y, width: room * 0.72, height: at.bottom - y };
      at.root.append(svg("rect", { class: `bar ${look(network.index).colour}`, ...size }));
      const text = (100 * share).toFixed(1);
      const place = { x, y: y - 4, "text-anchor": "middle" };
      if (share > 0 && room > widthOf(text)) at.root.append(svg("text", place, text));
    });
    return [at.root];
  }

  const timed = () => drawn().filter(({ name }) => sat.steps[name] > 1);
  let panels = new Map(); // network -> what changes with its threshold

  function buildPanels() {
    const place = byId("reaction-charts");
    if (!place) return;
    for (const { redraw } of panels.values()) drawings.splice(drawings.findIndex((one) => one.redraw === redraw), 1);
    place.replaceChildren();
    panels = new Map(timed().map((network) => {
      const [note, canvas] = [html("small"), html("div", { class: "canvas" })];
      const caption = html("figcaption", {}, html("span", {}, network.name), note);
      place.append(html("figure", { class: "chart" }, caption, canvas));
      return [network.name, { note, redraw: mount(canvas, (width) => bars(network, width)) }];
    }));
    const single = drawn().filter(({ name }) => sat.steps[name] === 1).map(({ name }) => name);
    byId("reaction-note").textContent =
      single.length ? `Networks of one time step stop there on every image: ${single.join(", ")}.` : "";
  }

  function updatePanels() {
    if (!byId("reaction-table")) return;
    const rows = timed().flatMap((network) => {
      const [curve, i] = [curveOf(network), chosen.get(network.name)];
      const { note, redraw } = panels.get(network.name);
      note.textContent = `threshold ${thresholdText(network, i)}, mean ${plain(curve.steps[i])} time steps`;
      redraw();
      return curve.shares[i].map((share, step) => [network.name, thresholdText(network, i), step + 1, 100 * share]);
    });
    const head = ["network", "threshold", "time step", "share of images (%)"];
    const heading = (text, column) => html("th", { scope: "col", class: column > 1 ? "number" : "" }, text);
    const cell = (value, column) => {
      if (column < 2) return html("td", {}, value);
      const exact = { class: "number", "data-value": Number(value.toPrecision(12)) };
      return html("td", exact, column === 3 ? value.toFixed(1) : String(value));
    };
    byId("reaction-table").replaceChildren(
      html("thead", {}, html("tr", {}, ...head.map(heading))),
      html("tbody", {}, ...rows.map((row) => html("tr", {}, ...row.map(cell)))),
    );
  }

  const redraw = mount(byId("sat-chart"), satChart);

  /** A threshold has changed: everything that depends on it, and nothing else. */
  function update() {
    const [network, curve] = [focus(), curveOf(focus())];
    slider.max = curve ? curve.threshold.length - 1 : 0;
    slider.disabled = slider.max === "0";
    slider.value = chosen.get(network.name) ?? 0;
    slider.setAttribute("aria-valuetext", curve ? thresholdText(network, chosen.get(network.name)) : "no curve");
    byId("reading").replaceChildren(...reading());
    redraw();
    updatePanels();
  }

  /** What is drawn has changed. */
  function rebuild() {
    byId("sat-caption").textContent =
      `Exit policy: ${policy().name} (${policy().unit}). Readout: ${readout()}. Rings mark the chosen thresholds.`;
    for (const one of document.querySelectorAll("details[data-policy]")) {
      one.hidden = one.dataset.policy !== policyBox.value || one.dataset.readout !== readoutBox.value;
    }
    buildPanels();
    update();
  }

  let before = new Map();
  function choose() {
    chosen.clear();
    chooseNear(before);
    before = costs();
    rebuild();
  }

  function point(event) {
    const box = byId("sat-chart").getBoundingClientRect();
    const far = (spot) => { // a drawing may be shown larger or smaller than it was drawn
      const scale = box.width / spot.width;
      return Math.hypot(spot.x * scale - event.clientX + box.left, spot.y * scale - event.clientY + box.top);
    };
    const nearest = spots.reduce((best, spot) => (!best || far(spot) < far(best) ? spot : best), null);
    if (!nearest || far(nearest) > 24) return;
    if (Number(focusBox.value) === nearest.index && chosen.get(nearest.name) === nearest.i) return;
    focusBox.value = nearest.index;
    chosen.set(nearest.name, nearest.i);
    before = costs();
    update();
  }

  for (const box of [policyBox, readoutBox]) box.addEventListener("change", choose);
  for (const box of [...boxes, axisBox]) box.addEventListener("change", rebuild);
  focusBox.addEventListener("change", update);
  slider.addEventListener("input", () => {
    chosen.set(focus().name, Number(slider.value));
    before = costs();
    update();
  });
  for (const kind of ["pointermove", "pointerdown"]) byId("sat-chart").addEventListener(kind, point);
  for (const place of document.querySelectorAll(".swatch")) place.append(swatch(Number(place.dataset.network)));
  const most = Math.max(...Object.values(sat.steps)); // the first network that has something to choose
  focusBox.value = networks.find(({ name }) => sat.steps[name] === most).index;
  choose();
}

// ---- Tables as CSV

/** RFC 4180; text that a spreadsheet would run as a formula gets an apostrophe, numbers do not. */
function csv(table) {
  const cell = (one) => {
    const text = one.dataset.value ?? one.textContent;
    const safe = one.dataset.value === undefined && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [...table.rows].map((row) => [...row.cells].map(cell).join(",") + "\r\n").join("");
}

function download(text, file) {
  const link = html("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: file });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copy(figure) {
  const text = csv(figure.querySelector("table"));
  try {
    await navigator.clipboard.writeText(text);
    return "Copied";
  } catch { // no clipboard here, or no permission
    download(text, figure.dataset.file);
    return "Downloaded";
  }
}

for (const figure of document.querySelectorAll("figure.table")) {
  const name = figure.querySelector(".scroll").getAttribute("aria-label");
  const button = html("button", { type: "button", "aria-label": `Copy as CSV: ${name}` }, "Copy as CSV");
  button.addEventListener("click", async () => {
    button.textContent = byId("said").textContent = await copy(figure);
    setTimeout(() => { button.textContent = "Copy as CSV"; byId("said").textContent = ""; }, 2000);
  });
  figure.append(button);
}

// ---- The page

for (const one of document.querySelectorAll("[data-script]")) one.hidden = false;
if (data.sat && byId("sat-chart")) speedAccuracy(data.sat);

const scheme = byId("scheme");
const root = document.documentElement;
const preferred = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.scheme ?? (preferred.matches ? "dark" : "light")) === "dark";
const nameScheme = () => { scheme.textContent = dark() ? "Light colours" : "Dark colours"; };
scheme.hidden = false;
scheme.addEventListener("click", () => {
  root.dataset.scheme = dark() ? "light" : "dark";
  nameScheme();
});
preferred.addEventListener("change", nameScheme);
nameScheme();
