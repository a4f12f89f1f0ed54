// Zones, lines and masks over the picture, with what is counted there.

import { $, run } from "./run.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST_LETTERS = 28; // of a name on the picture
const TAG_HEIGHT = 22;
const ARROW = 26; // how far the arrow of a line's direction reaches

const sheet = $("scene");
let shown = true;
let drawn = ""; // what is on the sheet, so that a frame which changes nothing costs nothing

export const places = { zone: [], line: [], mask: [], file: null, advice: "", left_out: [] };

// An element of SVG.
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Where the picture lies on the sheet, in pixels of the screen.
export function pictureOnSheet() {
  const [width, height] = run.frame?.size_wh ?? [4, 3];
  const fit = Math.min(sheet.clientWidth / width, sheet.clientHeight / height);
  const [across, down] = [fit * width, fit * height];
  return { left: (sheet.clientWidth - across) / 2, top: (sheet.clientHeight - down) / 2, width: across, height: down };
}

export const onSheet = (area, [x, y]) => [area.left + x * area.width, area.top + y * area.height];

export const pointsText = (points) => points.map((point) => point.map((side) => side.toFixed(1)).join(",")).join(" ");

// An outline that shows on any ground: a dark one under a light one.
export function outlined(tag, attributes, kind) {
  return [svg(tag, { ...attributes, class: `edge ${kind}` }), svg(tag, { ...attributes, class: `shape ${kind}` })];
}

// A line with the arrow that points to where "in" is: to the right of one who looks from start to end.
export function lineShapes(start, end) {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [nx, ny] = [-dy / length, dx / length];
  const [x, y] = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
  const tip = [x + nx * ARROW, y + ny * ARROW];
  const side = (turn) => [tip[0] - 9 * nx + turn * 6 * ny, tip[1] - 9 * ny - turn * 6 * nx];
  const arrow = pointsText([[x, y], tip, side(1), tip, side(-1)]);
  return [
    ...outlined("polyline", { points: pointsText([start, end]) }, "line"),
    ...outlined("polyline", { points: arrow }, "line"),
  ];
}

const ruler = document.createElement("canvas").getContext("2d");

function widthOf(text) {
  ruler.font = `600 13px ${getComputedStyle(sheet).fontFamily}`;
  return ruler.measureText(text).width + 14;
}

function brief(name) {
  const letters = [...name];
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS - 1).join("").trim()}…` : name;
}

// A tag at a point, or below those in `taken` that are there already.
function tag(area, [x, y], text, kind, taken) {
  const width = widthOf(text);
  const left = Math.max(area.left, Math.min(x, area.left + area.width - width));
  const lowest = area.top + area.height - TAG_HEIGHT;
  let top = Math.max(area.top, Math.min(y, lowest));
  const isTaken = (other) =>
    left < other.left + other.width && other.left < left + width && Math.abs(top - other.top) < TAG_HEIGHT;
  for (let other; (other = taken.find(isTaken)) && other.top + TAG_HEIGHT + 2 <= lowest; ) top = other.top + TAG_HEIGHT + 2;
  taken.push({ left, top, width });
  return svg(
    "g",
    { class: `tag ${kind}`, transform: `translate(${left.toFixed(1)} ${top.toFixed(1)})` },
    svg("rect", { width: width.toFixed(1), height: TAG_HEIGHT, rx: 5 }),
    svg("text", { x: (width / 2).toFixed(1), y: 15.5, "text-anchor": "middle" }, text),
  );
}

const wait = (seconds) => (seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

// The name of a place, of whose kind these are counted: one that was left out is on the picture to be mended.
const named = (place, counted) => (counted ? `${brief(place.name)}: not in use` : brief(place.name));

function zoneWords(zone) {
  const zones = run.frame?.record.zones;
  const counted = zones?.find(({ name }) => name === zone.name);
  if (!counted) return named(zone, zones);
  const name = brief(zone.name);
  if (!zone.queue) return `${name}: ${counted.inside} inside`;
  const expected = counted.wait_s === null ? "" : `, ${wait(counted.wait_s)}`;
  return `${name}: ${counted.inside} waiting${expected}`;
}

function lineWords(line) {
  const lines = run.frame?.record.lines;
  const counted = lines?.find(({ name }) => name === line.name);
  return counted ? `${brief(line.name)}: ${counted.in} in, ${counted.out} out` : named(line, lines);
}

function shapes(area) {
  const at = (points) => points.map((point) => onSheet(area, point));
  const top = (points) => points.reduce((least, point) => (point[1] < least[1] ? point : least));
  const all = [];
  for (const { points } of places.mask) all.push(...outlined("polygon", { points: pointsText(at(points)) }, "mask"));
  for (const zone of places.zone) all.push(...outlined("polygon", { points: pointsText(at(zone.points)) }, "zone"));
  for (const { start, end } of places.line) all.push(...lineShapes(...at([start, end])));
  const taken = [];
  (run.frame?.record.rules ?? []).forEach((name, index) => {
    all.push(tag(area, [area.left + 10, area.top + 10 + 26 * index], brief(name), "rule", taken));
  });
  for (const zone of places.zone) all.push(tag(area, top(at(zone.points)), zoneWords(zone), "zone", taken));
  for (const line of places.line) all.push(tag(area, top(at([line.start, line.end])), lineWords(line), "line", taken));
  return all;
}

// Draws the places, unless they are being edited: then the editor draws them.
export function drawScene() {
  if (run.editing) return;
  const record = run.frame?.record ?? {};
  const area = pictureOnSheet();
  const what = shown && run.frame ? JSON.stringify([area, places, record.zones, record.lines, record.rules]) : "";
  if (what === drawn) return;
  drawn = what;
  sheet.replaceChildren(...(what ? shapes(area) : []));
}

// The sheet is to be drawn anew, whatever is on it.
export function redrawScene() {
  drawn = "?";
  drawScene();
}

// The places as the server has them.
export function takeScene(view) {
  Object.assign(places, view);
  $("places").hidden = !(view.zone.length || view.line.length || view.mask.length);
  drawScene();
}

export async function askForScene() {
  const answer = await fetch("scene").catch(() => null);
  if (answer?.ok) takeScene(await answer.json());
}

export function togglePlaces() {
  shown = !shown;
  $("places").setAttribute("aria-pressed", shown);
  drawScene();
}

$("places").onclick = togglePlaces;
