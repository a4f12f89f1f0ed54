// A day as a bar for each class and zone: when they were there.

import { $, make } from "./run.js";

const HOUR = 3600;

// Draws the bars; `chosen` are the names that are filtered by, of each kind.
export function drawBars(day, { since, until, hour }, chosen, { toggle, pick }) {
  const focused = document.activeElement?.dataset?.bar;
  const parts = [];
  const drawn = [];
  for (const [kind, title, bars] of [["class", "Classes", day.classes], ["zone", "Zones", day.zones]]) {
    if (!bars.length) continue;
    parts.push(make("h3", { textContent: title }));
    for (const bar of bars) {
      const row = makeRow(kind, bar, chosen[kind].has(bar.name), since, toggle);
      row.canvas.onclick = (event) => pick(hourAt(event, row.canvas, since, until));
      parts.push(row.element);
      drawn.push([row.canvas, bar]);
    }
  }
  if (parts.length) parts.push(makeHours(since, until));
  $("bars").replaceChildren(...parts);
  for (const [canvas, bar] of drawn) drawBar(canvas, bar, since, until, hour);
  if (focused) [...$("bars").querySelectorAll("button")].find((button) => button.dataset.bar === focused)?.focus();
}

function makeRow(kind, bar, pressed, since, toggle) {
  const button = make("button", { type: "button", title: bar.name },
    make("span", { textContent: bar.name }), make("small", { textContent: bar.visits }));
  button.setAttribute("aria-pressed", String(pressed));
  button.ariaLabel = `${bar.name}, ${bar.visits} ${bar.visits === 1 ? "visit" : "visits"}`;
  button.dataset.bar = `${kind} ${bar.name}`;
  button.onclick = () => toggle(kind, bar.name);
  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  canvas.ariaLabel = `${bar.name}: ${hoursInWords(bar, since)}`;
  return { element: make("div", { className: "bar-row" }, button, canvas), canvas };
}

const perHour = (bar) => {
  const hours = [];
  bar.slots.forEach((count, slot) => { if (count) hours[Math.floor(slot / 12)] = true; });
  return Object.keys(hours).map(Number);
};

function hoursInWords(bar, since) {
  const begins = perHour(bar).map((hour) => new Date((since + hour * HOUR) * 1000));
  return begins.length ? `there in the hours from ${begins.map((at) => `${at.getHours()}:00`).join(", ")}` : "never there";
}

const hourAt = (event, canvas, since, until) =>
  Math.max(0, Math.floor((event.offsetX / canvas.clientWidth) * ((until - since) / HOUR)));

// Where a clock shows each of the hours, as a share of the day: one on which clocks are set has 23 or 25.
function placeOf(hour, since, until) {
  const day = new Date(since * 1000);
  const at = new Date(day.getFullYear(), day.getMonth(), day.getDate(), hour).getTime() / 1000;
  return (at - since) / (until - since);
}

function makeHours(since, until) {
  const spans = [0, 6, 12, 18, 24].map((hour) => {
    const span = make("span", { textContent: String(hour).padStart(2, "0") });
    span.style.left = `${100 * placeOf(hour, since, until)}%`;
    return span;
  });
  return make("p", { className: "hours", ariaHidden: "true" }, ...spans);
}

function drawBar(canvas, bar, since, until, hour) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const draw = canvas.getContext("2d");
  draw.scale(scale, scale);
  const style = getComputedStyle(document.documentElement);
  const hours = (until - since) / HOUR;
  if (hour >= 0) {
    draw.fillStyle = style.getPropertyValue("--berry");
    draw.globalAlpha = 0.22;
    draw.fillRect((hour / hours) * width, 0, width / hours, height);
    draw.globalAlpha = 1;
  }
  draw.fillStyle = style.getPropertyValue("--rule");
  for (const at of [6, 12, 18]) draw.fillRect(placeOf(at, since, until) * width, 0, 1, height);
  draw.fillStyle = bar.colour ?? style.getPropertyValue("--ink");
  const most = Math.max(1, ...bar.slots);
  const step = width / bar.slots.length;
  bar.slots.forEach((count, slot) => {
    if (!count) return;
    const tall = (0.4 + 0.6 * (count / most)) * (height - 4);
    draw.fillRect(slot * step, height - 2 - tall, Math.max(2, step), tall);
  });
}
