// The hub's page: a tile for each Pi, those that need somebody first.

import { $, make, setText } from "./elements.js";

const ASK_MS = 2500;

const isDown = ({ health }) => ["off", "strange", "lost", "stalled"].includes(health);
const needsSomebody = (tile) => isDown(tile) || tile.health === "locked" || tile.health === "hot" || tile.other !== "";

// What can be looked at alone: words on the chip, which tiles, and what is said where there are none.
const KINDS = [
  ["All", () => true, ""],
  ["Down", isDown, "No Pi is down."],
  ["Hot or weak", ({ health }) => health === "hot", "No Pi is hot, held back or on a weak power supply."],
  ["Locked", ({ health }) => health === "locked", "The hub has the token of every Pi."],
  ["Other version", ({ other }) => other !== "", "All that have answered run the same version and bundle."],
];
const WORDS = {
  off: "Out of reach",
  strange: "Something else answers",
  lost: "No picture",
  stalled: "No frames",
  locked: "Locked",
  hot: "Hot or weak",
  ok: "",
  asking: "Not asked yet",
};

const known = new Map(); // host and page -> its list item
let tiles = [];
let chosen = 0; // of KINDS

const brief = (value) => value.toFixed(value < 10 ? 1 : 0);

function duration(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const since = (moment) => duration(Date.now() / 1000 - moment); // by two clocks

function makeTile({ link }) {
  const parts = ["why", "other", "pace", "visit"].map((className) => make("p", { className }));
  const view = make("div", { className: "view" }, make("span", { textContent: "No picture yet" }));
  const words = make("div", {}, make("h2", {}, make("i"), make("span")), ...parts);
  return make("li", {}, make("a", { className: "tile", href: link, rel: "noreferrer" }, view, words));
}

function showPicture(tile, view) {
  const image = view.querySelector("img");
  const source = `/pictures/${tile.number}.jpg?${tile.picture}`;
  if (!tile.picture || image?.dataset.source === source) return;
  const next = image ?? make("img", { alt: "", decoding: "async" });
  next.dataset.source = next.src = source;
  if (!image) view.replaceChildren(next);
}

function paceOf({ health, reading }) {
  if (!reading || health === "off" || health === "locked") return "";
  const parts = [];
  if (reading.fps !== null) parts.push(`${brief(reading.fps)} FPS`);
  if (reading.temperature_c !== null) parts.push(`${Math.round(reading.temperature_c)} °C`);
  if (reading.variant) parts.push(reading.variant);
  return parts.join(" \u00b7 ");
}

function visitOf({ last_visit: visit }) {
  if (!visit) return "";
  return visit.under_way ? `${visit.label}, there now` : `${visit.label}, ${since(visit.began_s)} ago`;
}

function showTile(tile, item) {
  const link = item.firstChild;
  const old = isDown(tile) || tile.health === "locked";
  link.dataset.health = tile.health;
  link.toggleAttribute("data-old", old);
  const said = { why: "", other: tile.other && `Runs ${tile.other}`, pace: paceOf(tile), visit: visitOf(tile) };
  const word = WORDS[tile.health];
  if (tile.health === "asking") said.pace = word;
  else if (word) said.why = `${word} for ${duration(tile.for_s)}: ${tile.why}`;
  for (const [name, text] of Object.entries(said)) setText(item.querySelector(`.${name}`), text);
  setText(item.querySelector("h2 span"), tile.name);
  item.querySelector("h2 span").title = tile.host;
  showPicture(tile, item.querySelector(".view"));
}

function keyOf({ host, link }) {
  return `${host} ${link}`;
}

// In this order; a tile that has the focus stays where it is, and the others go around it.
function arrange(items) {
  const list = $("tiles");
  if (items.length === list.children.length && items.every((item, place) => item === list.children[place])) return;
  for (const item of [...list.children]) if (!items.includes(item)) item.remove();
  const at = items.findIndex((item) => item.contains(document.activeElement));
  items.forEach((item, place) => {
    if (place < at) list.insertBefore(item, items[at]);
    else if (place !== at) list.append(item);
  });
}

function show() {
  const text = $("search").value.trim().toLowerCase();
  const [, fits, none] = KINDS[chosen];
  const shown = tiles.filter((tile) => fits(tile) && `${tile.name} ${tile.host}`.toLowerCase().includes(text));
  for (const tile of tiles) {
    if (!known.has(keyOf(tile))) known.set(keyOf(tile), makeTile(tile));
    showTile(tile, known.get(keyOf(tile)));
  }
  arrange(shown.map((tile) => known.get(keyOf(tile))));
  $("none").hidden = shown.length > 0 || !tiles.length;
  setText($("none"), text ? `No Pi here has \u201c${text}\u201d in its name.` : none);
  [...$("kinds").children].forEach((chip, place) => {
    const count = tiles.filter(KINDS[place][1]).length;
    setText(chip, `${KINDS[place][0]} ${count}`);
    chip.setAttribute("aria-pressed", place === chosen);
    chip.hidden = place > 0 && !count && place !== chosen;
  });
}

function sentence() {
  const asking = tiles.filter(({ health }) => health === "asking").length;
  if (asking === tiles.length) return "Asking all Pis how they are";
  const needed = tiles.filter(needsSomebody);
  const pis = (count) => `${count} ${count === 1 ? "Pi" : "Pis"}`;
  if (!needed.length) return asking ? `${pis(tiles.length - asking)} well, ${asking} still being asked` : tiles.length === 1 ? "The Pi is well" : `All ${tiles.length} Pis are well`;
  const counts = KINDS.slice(1).map(([word, fits]) => [word.toLowerCase(), tiles.filter(fits).length]);
  const told = counts.filter(([, count]) => count).map(([word, count]) => `${count} ${word}`);
  return `${needed.length} of ${pis(tiles.length)} ${needed.length === 1 ? "needs" : "need"} somebody: ${told.join(", ")}`;
}

function showState(state) {
  document.body.dataset.state = state;
  const words = { live: "Live", needed: "Live", offline: "Hub out of reach", locked: "Locked" };
  setText($("status-text"), words[state]);
}

function hear(overview) {
  ({ tiles } = overview);
  const needed = tiles.filter(needsSomebody).length;
  showState(needed ? "needed" : "live");
  setText($("sentence"), sentence());
  const most = [overview.version && `liteberry ${overview.version}`, overview.bundle && `bundle ${overview.bundle}`];
  setText($("most"), most.filter(Boolean).join(", "));
  document.title = needed ? `(${needed}) Fleet \u2013 liteberry` : "Fleet \u2013 liteberry";
  show();
}

async function ask() {
  try {
    const answer = await fetch("/api/tiles");
    if (answer.ok) hear(await answer.json());
    else showState(answer.status === 401 ? "locked" : "offline");
  } catch {
    showState("offline");
  }
  setTimeout(ask, ASK_MS);
}

KINDS.forEach(([word], place) => {
  const chip = make("button", { type: "button", textContent: word });
  chip.onclick = () => {
    chosen = place;
    show();
  };
  chip.hidden = place > 0;
  $("kinds").append(chip);
});
$("search").oninput = show;
window.history.replaceState(null, "", "/"); // without the token, which the cookie has by now
ask();
