// What is on the picture: a sentence, and a card for each thing.

import { light, nearest } from "./boxes.js";
import { $, colourOf, itemsOf, make, percent, run, setText } from "./run.js";

const GONE_MS = 900; // a thing must be missing so long before its card goes
const SPEAK_MS = 5000; // between what a screen reader is told
const MOST_CARDS = 24;
const HINT = "It may be there and look unsure: a lower threshold shows more.";

const cards = []; // {item, element, canvas, seenAt}, in the order in which they came
let lit = null; // the card whose box is pointed out
let namedAt = 0; // when there was something to name
let saidAt = -SPEAK_MS;
let said = "";

// Shows what is on the frame in words and cards.
export function showMoment() {
  const items = itemsOf(run.frame);
  showCards(items);
  showSentence(items);
}

function showCards(items) {
  const now = performance.now();
  const free = new Set(cards);
  for (const item of items.slice(0, MOST_CARDS)) {
    const before = nearest(item, [...free].map((card) => card.item));
    let best = [...free].find((card) => card.item === before);
    if (best) free.delete(best);
    else cards.push((best = makeCard(item)));
    best.seenAt = now;
    fillCard(best, item);
  }
  for (const card of [...cards]) {
    card.element.toggleAttribute("data-gone", free.has(card));
    if (now - card.seenAt > GONE_MS) {
      if (lit === card) pointOut(null);
      card.element.remove();
      cards.splice(cards.indexOf(card), 1);
    }
  }
  $("found").tabIndex = $("found").scrollWidth > $("found").clientWidth ? 0 : -1;
}

function makeCard(item) {
  const size = Math.round(88 * devicePixelRatio);
  const thumb = make("canvas", { width: size, height: size, ariaHidden: "true" });
  const bar = make("i");
  const score = make("p");
  const name = make("p", { textContent: item.label, title: item.label });
  const button = make("button", { type: "button" }, thumb, make("div", { className: "bar" }, bar), name, score);
  button.setAttribute("aria-pressed", "false");
  const element = make("li", {}, button);
  element.style.setProperty("--colour", colourOf(item.label));
  $("found").append(element);
  const card = { element, button, thumb, bar, score };
  button.onclick = () => pointOut(lit === card ? null : card);
  button.disabled = !item.box;
  return card;
}

// Lights the box of a card, and of no other.
function pointOut(card) {
  lit?.button.setAttribute("aria-pressed", "false");
  lit = card;
  lit?.button.setAttribute("aria-pressed", "true");
  light(lit?.item ?? null);
}

function fillCard(card, item) {
  card.item = item;
  card.score.textContent = percent(item.score);
  card.bar.style.width = `${item.score * 100}%`;
  const { bitmap, size_wh: size } = run.frame;
  const scale = bitmap.width / size[0];
  const [left, top, right, bottom] = item.box ?? [0, 0, ...size];
  let [x, y, width, height] = [left, top, right - left, bottom - top];
  // The middle square of a long box; of a tall one the upper end, where a person has a face.
  const side = Math.max(2, Math.min(width, height));
  x += (width - side) / 2;
  y += height > width ? 0 : (height - side) / 2;
  card.thumb.getContext("2d").drawImage(
    bitmap, x * scale, y * scale, side * scale, side * scale, 0, 0, card.thumb.width, card.thumb.height,
  );
}

function showSentence(items) {
  const now = performance.now();
  if (items.length) namedAt = now;
  else if (now - namedAt < GONE_MS) return;
  const counts = new Map();
  for (const { label } of items) counts.set(label, (counts.get(label) ?? 0) + 1);
  const names = [...counts].map(([label, count]) => (count > 1 ? `${count} \u00d7 ${label}` : label));
  const wanted = run.settings.classes.length ? `No ${run.settings.classes.join(" or ")}` : "Nothing";
  const line = names.join(", ") || `${wanted} above ${percent(run.settings.threshold)}`;
  const sentence = $("sentence");
  if (sentence.dataset.line !== line) {
    sentence.dataset.line = line;
    sentence.classList.toggle("none", !items.length);
    const parts = [...counts].flatMap(([label, count], index) => words(label, count, index));
    sentence.replaceChildren(...(items.length ? parts : [`${line}.`, make("small", { textContent: HINT })]));
    run.line = items.length ? line : "";
  }
  if (line !== said && now - saidAt > SPEAK_MS) {
    [said, saidAt] = [line, now];
    setText("spoken", line);
  }
}

function words(label, count, index) {
  const name = make("b", { textContent: label });
  name.style.textDecorationColor = colourOf(label);
  const parts = count > 1 ? [`${count} `, make("small", { textContent: "\u00d7" }), " ", name] : [name];
  return index ? [", ", ...parts] : parts;
}
