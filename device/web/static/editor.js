// The editor of zones, lines and masks: drawn, dragged and named with a finger, a mouse or keys.

import { drawBoxes } from "./boxes.js";
import { lineShapes, onSheet, outlined, pictureOnSheet, places, pointsText, redrawScene, svg, takeScene } from "./scene.js";
import { $, make, run, setText } from "./run.js";

const STEP = 0.01; // of the picture, that an arrow key moves a point; with Shift five of them
const REACH = 22; // pixels around a point within which a tap is meant for it
const KINDS = ["zone", "line", "mask"];
const SQUARE = [[0.35, 0.35], [0.65, 0.35], [0.65, 0.75], [0.35, 0.75]];
const ACROSS = [[0.5, 0.8], [0.5, 0.3]];
const HINTS = {
  idle: "Drag a point, or move it with the arrow keys (Shift: further). Plus adds a point, Delete removes it, Enter ends, Esc puts it back.",
  polygon: "Tap its corners, then the first again or Done. With keys: Enter puts a square there, to be moved by its points.",
  line: "Tap its start and its end. With keys: Enter puts a line there, to be moved by its points.",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const sheet = $("scene");
let draft = null; // lists of {name, points, ...} by kind; a line has two points
let begun = null; // {kind, points} of what is being drawn
let drag = null; // {item, point, from}: a point, or with -1 all of them, on the way with a pointer
let before = null; // {item, points}: where they were when one of them got the focus

const clamp = (value) => Math.round(Math.max(0, Math.min(1, value)) * 1e4) / 1e4;
const isLine = (item) => draft.line.includes(item);
const kindOf = (item) => KINDS.find((kind) => draft[kind].includes(item));

function asDraft() {
  const copy = structuredClone({ zone: places.zone, line: places.line, mask: places.mask });
  copy.line = copy.line.map(({ start, end, ...rest }) => ({ ...rest, points: [start, end] }));
  return copy;
}

function asPlaces() {
  const line = draft.line.map(({ points: [start, end], ...rest }) => ({ ...rest, start, end }));
  return { zone: draft.zone, line, mask: draft.mask };
}

export function openEditor() {
  if (run.editing) return;
  [run.editing, draft, begun] = [true, asDraft(), null];
  $("editor").hidden = false;
  $("editor").toggleAttribute("data-readonly", Boolean(places.advice));
  $("draw").setAttribute("aria-pressed", "true");
  sheet.toggleAttribute("data-editing", !places.advice);
  setText("editor-file", places.file ? `kept in ${places.file.split("/").at(-1)}` : "");
  setText("leave-editor", places.advice ? "Close" : "Cancel");
  say(places.left_out.join("; "));
  rebuild();
  $(places.advice ? "leave-editor" : "add-zone").focus();
  $("editor").scrollIntoView({ block: "nearest" });
}

function closeEditor() {
  [run.editing, draft, begun, drag, before] = [false, null, null, null, null];
  $("editor").hidden = true;
  $("draw").setAttribute("aria-pressed", "false");
  sheet.removeAttribute("data-editing");
  sheet.removeAttribute("tabindex");
  redrawScene();
  drawBoxes();
  $("draw").focus();
}

const say = (flaw) => setText("editor-flaw", flaw);

function rebuild() {
  drawDraft();
  listDraft();
  drawBoxes();
}

// The picture's sheet: shapes, and points that can be taken hold of.
function drawDraft() {
  const held = document.activeElement?.closest?.("#scene g.point")?.dataset.key;
  const area = pictureOnSheet();
  const all = [];
  for (const kind of KINDS) draft[kind].forEach((item) => all.push(...shapesOf(item, kind, area)));
  for (const kind of KINDS) draft[kind].forEach((item, index) => all.push(...handlesOf(item, kind, index, area)));
  if (begun?.points.length) {
    const points = begun.points.map((point) => onSheet(area, point));
    all.push(...outlined("polyline", { points: pointsText(points) }, begun.kind));
    all.push(...points.map(([x, y]) => svg("circle", { cx: x, cy: y, r: 7, class: "dot" })));
  }
  sheet.replaceChildren(...all);
  if (held) sheet.querySelector(`[data-key="${held}"]`)?.focus();
  $("finish-shape").hidden = !begun;
  setText("editor-hint", places.advice || HINTS[begun ? (begun.kind === "line" ? "line" : "polygon") : "idle"]);
}

function shapesOf(item, kind, area) {
  const points = item.points.map((point) => onSheet(area, point));
  const drawn = kind === "line" ? lineShapes(...points) : outlined("polygon", { points: pointsText(points) }, kind);
  for (const shape of drawn) shape.addEventListener("pointerdown", (event) => take(event, item, -1));
  return drawn;
}

function handlesOf(item, kind, index, area) {
  if (places.advice) return [];
  const count = item.points.length;
  const name = item.name || `${kind} ${index + 1}`;
  const middles = kind === "line" ? [] : item.points.map((point, at) => middleOf(item, at, area));
  return [...middles, ...item.points.map((point, at) => {
    const [x, y] = onSheet(area, point);
    const part = kind === "line" ? ["start", "end"][at] : `point ${at + 1} of ${count}`;
    const where = point.map((side) => Math.round(side * 100));
    const handle = svg(
      "g",
      { class: "point", tabindex: 0, role: "button", "data-key": `${kind}-${index}-${at}`,
        "aria-label": `${name}, ${part}: ${where[0]} % across, ${where[1]} % down`, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` },
      svg("circle", { r: REACH, class: "reach" }),
      svg("circle", { r: 8, class: "dot" }),
    );
    handle.addEventListener("pointerdown", (event) => take(event, item, at));
    handle.addEventListener("keydown", (event) => pressed(event, item, at));
    handle.addEventListener("focus", () => { if (before?.item !== item) before = { item, points: structuredClone(item.points) }; });
    return handle;
  })];
}

// The middle of a side: taken hold of, it becomes a point.
function middleOf(item, at, area) {
  const [x, y] = onSheet(area, halfway(item, at));
  const handle = svg("circle", { cx: x, cy: y, r: 6, class: "middle" });
  handle.addEventListener("pointerdown", (event) => {
    item.points.splice(at + 1, 0, halfway(item, at));
    take(event, item, at + 1);
  });
  return handle;
}

function halfway({ points }, at) {
  const next = points[(at + 1) % points.length];
  return [clamp((points[at][0] + next[0]) / 2), clamp((points[at][1] + next[1]) / 2)];
}

function place(event) {
  const area = pictureOnSheet();
  const sides = sheet.getBoundingClientRect();
  return [(event.clientX - sides.left - area.left) / area.width, (event.clientY - sides.top - area.top) / area.height];
}

function take(event, item, point) {
  if (begun || places.advice || event.button > 0) return;
  event.preventDefault();
  event.stopPropagation();
  sheet.setPointerCapture(event.pointerId);
  drag = { item, point, from: place(event), points: structuredClone(item.points) };
  drawDraft();
}

// Moves what is held as far as the picture reaches: no shape leaves it.
function moved(event) {
  if (!drag) return;
  const to = place(event);
  if (drag.point >= 0) drag.item.points[drag.point] = to.map(clamp);
  else {
    const by = [0, 1].map((axis) => {
      const sides = drag.points.map((point) => point[axis]);
      return Math.max(-Math.min(...sides), Math.min(1 - Math.max(...sides), to[axis] - drag.from[axis]));
    });
    drag.item.points = drag.points.map(([x, y]) => [clamp(x + by[0]), clamp(y + by[1])]);
  }
  drawDraft();
}

function released() {
  if (!drag) return;
  const { item, point } = drag;
  drag = null;
  focusPoint(item, Math.max(0, point));
}

function focusPoint(item, at) {
  const kind = kindOf(item);
  drawDraft();
  sheet.querySelector(`[data-key="${kind}-${draft[kind].indexOf(item)}-${at}"]`)?.focus();
}

function pressed(event, item, at) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { points } = item;
  if (ARROWS[event.key]) {
    const far = STEP * (event.shiftKey ? 5 : 1);
    points[at] = points[at].map((side, axis) => clamp(side + far * ARROWS[event.key][axis]));
    drawDraft();
  } else if (event.key === "Delete" || event.key === "Backspace") {
    if (isLine(item) || points.length <= 3) remove(item);
    else {
      points.splice(at, 1);
      focusPoint(item, Math.min(at, points.length - 1));
    }
  } else if ((event.key === "+" || event.key === "Insert") && !isLine(item)) {
    points.splice(at + 1, 0, halfway(item, at));
    focusPoint(item, at + 1);
  } else if (event.key === "Enter") {
    before = null;
    nameField(item)?.focus();
  } else if (event.key === "Escape" && before?.item === item && JSON.stringify(before.points) !== JSON.stringify(points)) {
    item.points = structuredClone(before.points);
    focusPoint(item, Math.min(at, item.points.length - 1));
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

const nameField = (item) => $("editor-list").children[KINDS.flatMap((kind) => draft[kind]).indexOf(item)]?.querySelector("input");

function remove(item) {
  const kind = kindOf(item);
  draft[kind].splice(draft[kind].indexOf(item), 1);
  rebuild();
  $(`add-${kind}`).focus();
}

// The names, each with what else can be done.
function listDraft() {
  $("editor-list").replaceChildren(...KINDS.flatMap((kind) => draft[kind].map((item, index) => entryOf(item, kind, index))));
}

function entryOf(item, kind, index) {
  const name = make("input", { value: item.name ?? "", maxLength: 64, autocomplete: "off", disabled: Boolean(places.advice) });
  name.setAttribute("aria-label", `Name of ${kind} ${index + 1}`);
  name.oninput = () => {
    item.name = name.value;
    drawDraft();
  };
  const tools = [];
  if (kind === "zone") {
    const box = make("input", { type: "checkbox", checked: Boolean(item.queue), disabled: Boolean(places.advice) });
    box.onchange = () => (item.queue = box.checked);
    tools.push(make("label", {}, box, " queue"));
  }
  if (kind === "line") {
    const turn = make("button", { type: "button", textContent: "Turn round" });
    turn.onclick = () => {
      item.points.reverse();
      drawDraft();
    };
    tools.push(turn);
  }
  const gone = make("button", { type: "button", textContent: "Delete" });
  gone.setAttribute("aria-label", `Delete ${item.name || `${kind} ${index + 1}`}`);
  gone.onclick = () => remove(item);
  return make("li", { className: kind }, make("span", { textContent: kind }), name, ...tools, gone);
}

function freeName(kind) {
  const taken = new Set(KINDS.flatMap((one) => draft[one]).map((item) => (item.name ?? "").toLowerCase()));
  let number = draft[kind].length + 1;
  while (taken.has(`${kind} ${number}`)) number += 1;
  return `${kind} ${number}`;
}

function begin(kind) {
  begun = { kind, points: [] };
  say("");
  sheet.setAttribute("tabindex", 0);
  sheet.focus();
  drawDraft();
}

function tapped(event) {
  if (!begun || event.button > 0) return;
  event.preventDefault();
  const area = pictureOnSheet();
  const point = place(event).map(clamp);
  const [x, y] = onSheet(area, point);
  const first = begun.points[0] && onSheet(area, begun.points[0]);
  if (begun.points.length >= 3 && Math.hypot(x - first[0], y - first[1]) < REACH) finish();
  else {
    begun.points.push(point);
    if (begun.kind === "line" && begun.points.length === 2) finish();
    else drawDraft();
  }
}

function finish() {
  const { kind, points } = begun;
  const least = kind === "line" ? 2 : 3;
  const item = { name: freeName(kind), points: points.length >= least ? points : structuredClone(kind === "line" ? ACROSS : SQUARE) };
  begun = null;
  sheet.removeAttribute("tabindex");
  draft[kind].push(item);
  rebuild();
  focusPoint(item, 0);
}

async function save() {
  say("");
  const answer = await fetch("scene", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asPlaces()),
  }).catch(() => null);
  if (!answer) return say("liteberry did not get that: it is out of reach");
  const view = await answer.json();
  if (!answer.ok) return say(view.error);
  takeScene(view);
  closeEditor();
  if (view.left_out.length) setText("complaint", view.left_out.join("; "));
  $("complaint").hidden = !view.left_out.length;
}

sheet.addEventListener("pointerdown", tapped);
sheet.addEventListener("pointermove", moved);
sheet.addEventListener("pointerup", released);
sheet.addEventListener("pointercancel", () => {
  if (drag) drag.item.points = drag.points;
  released();
});
sheet.addEventListener("keydown", (event) => {
  if (!begun || event.target !== sheet) return;
  if (event.key === "Enter") finish();
  else if (event.key === "Escape") {
    const { kind } = begun;
    begun = null;
    sheet.removeAttribute("tabindex");
    drawDraft();
    $(`add-${kind}`).focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
});
for (const kind of KINDS) $(`add-${kind}`).onclick = () => begin(kind);
$("finish-shape").onclick = () => begun && finish();
$("save-scene").onclick = save;
$("leave-editor").onclick = closeEditor;
$("draw").onclick = () => (run.editing ? closeEditor() : openEditor());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && run.editing && !event.defaultPrevented) closeEditor();
});
new ResizeObserver(() => (run.editing ? drawDraft() : redrawScene())).observe(sheet);
