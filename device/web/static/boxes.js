// Boxes and labels, drawn over the clean picture: sharp at any size, and gone at a key.

import { placeLabels } from "./placement.js";
import { $, colourOf, itemsOf, percent, run } from "./run.js";

const FONT = '600 13px "Instrument Sans", system-ui, sans-serif';
const LABEL_HEIGHT = 19;
const GHOSTS_FROM = 0.5; // of the threshold: so unsure a thing is shown while zones are drawn
const canvas = $("boxes");
const pen = canvas.getContext("2d");

let shown = true;
let lit = null; // the thing that is pointed out, as it was last seen

// How far apart two boxes are, in sizes of the second; a classifier's things have none.
export function distance(a, b) {
  if (!a || !b) return 0;
  const across = Math.abs(a[0] + a[2] - b[0] - b[2]) / (b[2] - b[0]);
  const down = Math.abs(a[1] + a[3] - b[1] - b[3]) / (b[3] - b[1]);
  return Math.max(across, down) / 2;
}

// Which of the things is the one that was seen before; null where none is near enough.
export function nearest(before, things) {
  let best = null;
  let least = 1.2; // sizes of the box that it may have moved
  for (const thing of things) {
    if (thing.visit_id !== undefined && thing.visit_id === before.visit_id) return thing;
    const far = thing.label === before.label ? distance(before.box, thing.box) : Infinity;
    if (far < least) [best, least] = [thing, far];
  }
  return best;
}

// Points a thing out, or with null none.
export function light(item) {
  lit = item;
  drawBoxes();
}

export const areShown = () => shown;

export function toggleBoxes() {
  shown = !shown;
  $("outlines").setAttribute("aria-pressed", shown);
  drawBoxes();
}

// Draws over the picture on show.
export function drawBoxes() {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  canvas.dataset.boxes = 0;
  if (!run.frame || !shown) return;
  const items = itemsOf(run.frame).filter((item) => item.box);
  if (lit) lit = nearest(lit, items) ?? lit;
  const [frameWidth, frameHeight] = run.frame.size_wh;
  const fit = Math.min(width / frameWidth, height / frameHeight);
  const offset = [(width - fit * frameWidth) / 2, (height - fit * frameHeight) / 2];
  const unit = Math.max(1, Math.min(2, width / 1000)) * scale; // lines and letters grow with it
  pen.setTransform(unit, 0, 0, unit, offset[0] * scale, offset[1] * scale);
  paintBoxes(pen, items, (fit * scale) / unit, run.frame.size_wh);
  canvas.dataset.boxes = items.length;
  const least = (run.settings?.threshold ?? 1) * GHOSTS_FROM;
  const ghosts = run.editing ? (run.frame.unsure ?? []).filter(({ score }) => score >= least) : [];
  paintGhosts(pen, ghosts, (fit * scale) / unit);
  canvas.dataset.ghosts = ghosts.length;
}

// Draws items with `fit` units of the pen to a pixel of the frame.
export function paintBoxes(brush, items, fit, size) {
  const boxes = items.map(({ box }) => box.map((side) => side * fit));
  const texts = items.map(wordsOn);
  brush.font = FONT;
  brush.textBaseline = "middle";
  const sizes = texts.map((text) => [Math.ceil(brush.measureText(text).width) + 12, LABEL_HEIGHT]);
  const spots = placeLabels(boxes, sizes, size.map((side) => side * fit));
  for (let index = items.length - 1; index >= 0; index -= 1) outline(brush, boxes[index], items[index]);
  for (let index = items.length - 1; index >= 0; index -= 1) {
    if (spots[index]) tag(brush, spots[index], texts[index], items[index]);
  }
  brush.globalAlpha = 1;
}

// What stands on a box: of a visit with its number, by which it is told from others.
const wordsOn = ({ label, score, visit_id: visit }) => `${label}${visit === undefined ? "" : ` #${visit}`} ${percent(score)}`;

// What the network was not sure enough of: seen while zones are drawn, to know where they reach.
function paintGhosts(brush, items, fit) {
  brush.setLineDash([5, 4]);
  brush.lineWidth = 1.5;
  for (const item of items) {
    const [left, top, right, bottom] = item.box.map((side) => side * fit);
    for (const [colour, offset] of [["#000", 5], ["#fff", 0]]) {
      brush.strokeStyle = colour;
      brush.lineDashOffset = offset;
      brush.strokeRect(left, top, right - left, bottom - top);
    }
    brush.fillStyle = "#fff";
    brush.strokeStyle = "#000";
    brush.lineWidth = 3;
    brush.setLineDash([]);
    brush.strokeText(`${item.label} ${percent(item.score)}`, left + 4, bottom - 10);
    brush.fillText(`${item.label} ${percent(item.score)}`, left + 4, bottom - 10);
    brush.lineWidth = 1.5;
    brush.setLineDash([5, 4]);
  }
  brush.setLineDash([]);
}

const opacity = (item) => (lit && lit !== item ? 0.35 : 1);

function outline(brush, [left, top, right, bottom], item) {
  const line = lit === item ? 4 : 2.5;
  brush.globalAlpha = opacity(item);
  brush.lineJoin = "round";
  // A dark edge and a light one: one of them shows on any ground.
  for (const [colour, width] of [["rgb(0 0 0 / 60%)", line + 2.5], ["rgb(255 255 255 / 70%)", line + 1], [colourOf(item.label), line]]) {
    brush.strokeStyle = colour;
    brush.lineWidth = width;
    brush.strokeRect(left, top, right - left, bottom - top);
  }
}

function tag(brush, [left, top, right, bottom], text, item) {
  const colour = colourOf(item.label);
  brush.globalAlpha = opacity(item);
  brush.fillStyle = colour;
  brush.beginPath();
  brush.roundRect(left, top, right - left, bottom - top, 4);
  brush.fill();
  brush.fillStyle = inkOn(colour);
  brush.fillText(text, left + 6, (top + bottom) / 2 + 0.5);
}

// Black or white, whichever stands out more on a colour (#rrggbb), by WCAG's luminance.
export function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const level = parseInt(colour.slice(at, at + 2), 16) / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

$("outlines").onclick = toggleBoxes;
new ResizeObserver(drawBoxes).observe(canvas);
document.fonts.ready.then(drawBoxes);
