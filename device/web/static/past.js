// The past: a day of visits, in bars, on a map of feet, and one by one.

import { askDay, askVisits } from "./memory.js";
import { drawBars } from "./bars.js";
import { drawHeat } from "./heat.js";
import { openCloser, watchCloser } from "./closer.js";
import { $, make, setText } from "./run.js";

const LOOK_MS = 15000; // between questions whether somebody came
const HOUR = 3600;

const wanted = { since: 0, until: 0, classes: new Set(), zones: new Set(), kept: false, hour: -1 };
let day = null; // the answer on show
let visits = []; // the cards on show, newest first
let next = null; // what is behind them
let turn = 0; // of the questions: an answer that was overtaken counts for nothing

const two = (number) => String(number).padStart(2, "0");
const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
const isToday = () => midnight(new Date()).getTime() === wanted.since * 1000;
const isChosen = () => wanted.classes.size > 0 || wanted.zones.size > 0 || wanted.kept || wanted.hour >= 0;

// What is shown of the day: all of it, or one hour.
function span() {
  if (wanted.hour < 0) return [wanted.since, wanted.until];
  const since = wanted.since + wanted.hour * HOUR;
  return [since, Math.min(since + HOUR, wanted.until)];
}

function choose(date) {
  const begin = midnight(date);
  wanted.since = begin.getTime() / 1000;
  wanted.until = new Date(begin.getFullYear(), begin.getMonth(), begin.getDate() + 1).getTime() / 1000;
  const text = `${begin.getFullYear()}-${two(begin.getMonth() + 1)}-${two(begin.getDate())}`;
  $("day").value = text;
  history.replaceState(null, "", isToday() ? location.pathname : `#${text}`);
  $("hour").max = Math.round((wanted.until - wanted.since) / HOUR) - 1;
  setHour(-1);
}

function setHour(hour) {
  wanted.hour = Math.min(hour, Number($("hour").max));
  $("hour").value = wanted.hour;
  const [since, until] = span();
  const text = wanted.hour < 0 ? "All day" : `${clock(since)} to ${clock(until)}`;
  setText("hour-text", text);
  setText("where-when", text.toLowerCase());
  $("hour").setAttribute("aria-valuetext", text);
  $("hour").style.setProperty("--to", `${((wanted.hour + 1) / (Number($("hour").max) + 1)) * 100}%`);
}

async function show() {
  const mine = (turn += 1);
  const [since, until] = span();
  try {
    const asked = { ...wanted, classes: [...wanted.classes], zones: [...wanted.zones] };
    const all = await askDay({ since: wanted.since, until: wanted.until });
    const chosen = wanted.classes.size ? await askDay({ since: wanted.since, until: wanted.until, classes: asked.classes }) : all;
    const found = await askVisits({ ...asked, since, until });
    if (mine !== turn) return;
    day = { ...all, feet: chosen.feet };
    [visits, next] = [found.visits, found.next];
    $("complaint").hidden = true;
    showDay();
    showList(found.visits, true);
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

function fail(error) {
  document.body.dataset.state = error.status === 404 ? "off" : "failed";
  $("complaint").hidden = error.status === 404;
  setText("complaint", error.message);
  if (error.status === 404) teachToKeep();
}

function teach(title, text, command, more, label, action) {
  setText("teach-title", title);
  setText("teach-text", text);
  setText("teach-command", command);
  setText("teach-more", more);
  $("teach-command").hidden = !command;
  $("teach-do").hidden = !label;
  setText("teach-do", label);
  $("teach-do").onclick = action;
  $("teach").hidden = false;
}

function teachToKeep() {
  $("controls").hidden = $("list").hidden = true;
  teach(
    "This run keeps no past.",
    "Start it with a file for its events, and every visit is here afterwards: who came, when, and the best picture of each.",
    "python -m device detect BUNDLE --source 0 --serve 0.0.0.0:8080 \\\n  --events events.db --on person --record 5",
    "--on and --record add a clip of each. Zones in settings.toml get bars of their own.",
    "", null,
  );
}

function showTeaching() {
  const { visits: count, earlier_s: earlier, later_s: later } = day;
  $("teach").hidden = visits.length > 0;
  if (visits.length) return;
  const near = earlier ?? later;
  if (count && isChosen()) {
    teach("None of these.", "There were visits on this day, but none that fits all that is chosen.", "", "", "Show all of the day", clearFilters);
  } else if (near !== null) {
    teach("Nobody came.", "Nothing was kept on this day.", "", "", `Go to ${dayInWords(new Date(near * 1000))}`, () => go(near));
  } else {
    teach(
      "Nobody has come yet.",
      "A visit begins when something is found on three of five frames. It is here a few seconds later, with its best picture.",
      "", "A lower threshold on the live page finds more. With --on person --record 5 there is a clip of each.", "", null,
    );
  }
}

const dayInWords = (date) =>
  date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year: "numeric" });

function showDay() {
  document.body.dataset.state = "shown";
  setText("name", day.name || "liteberry");
  const title = dayInWords(new Date(wanted.since * 1000));
  setText("day-title", title);
  document.title = `${title} \u2013 ${day.name || "liteberry"}`;
  const more = day.is_all ? "" : "more than ";
  setText("summary", day.visits ? `${more}${day.visits} ${day.visits === 1 ? "visit" : "visits"}` : "No visits");
  $("earlier").disabled = day.earlier_s === null;
  $("later").disabled = day.later_s === null;
  $("today").disabled = isToday();
  const hasBars = day.visits > 0;
  $("filters").hidden = !hasBars && !isChosen();
  const chosen = { class: wanted.classes, zone: wanted.zones };
  drawBars(day, wanted, chosen, { toggle, pick: (hour) => { setHour(hour === wanted.hour ? -1 : hour); show(); } });
  showHeat();
}

function showHeat() {
  const [since, until] = span();
  const ground = visits.find((visit) => visit.picture);
  $("where").hidden = !day.feet.hours.length;
  drawHeat(day.feet, since, until, ground);
}

function toggle(kind, name) {
  const set = kind === "class" ? wanted.classes : wanted.zones;
  if (!set.delete(name)) set.add(name);
  show();
}

function clearFilters() {
  wanted.classes.clear();
  wanted.zones.clear();
  wanted.kept = false;
  $("kept").setAttribute("aria-pressed", "false");
  setHour(-1);
  show();
}

function lasted(visit) {
  const seconds = Math.max(1, Math.round(visit.ended_s - visit.began_s));
  const text = seconds < 90 ? `${seconds} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  return visit.under_way ? `${text} and on` : text;
}

function inWords(visit) {
  const zones = visit.zones.length ? `, in ${visit.zones.join(", ")}` : "";
  return `${clock(visit.began_s)}, ${lasted(visit)}${zones}`;
}

function card(visit) {
  const thumb = make("span", { className: "thumb" });
  if (visit.picture) thumb.append(make("img", { src: `api/visits/${visit.number}/picture.jpg`, alt: "", loading: "lazy" }));
  if (visit.box) {
    const [left, top, right, bottom] = visit.box.map((side) => side * 100);
    const outline = make("i");
    Object.assign(outline.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
    thumb.append(outline);
  }
  if (visit.clip) thumb.append(make("em", { textContent: "▶ clip" }));
  if (visit.kept) thumb.append(make("em", { textContent: "kept" }));
  const title = make("b", { textContent: visit.label });
  const text = make("small", { textContent: inWords(visit) });
  const button = make("button", { type: "button" }, thumb, title, text);
  button.onclick = () => openCloser(visit, visits);
  const item = make("li", {}, button);
  item.dataset.number = visit.number;
  item.style.setProperty("--colour", visit.colour);
  return item;
}

function showList(added, anew) {
  if (anew) $("visits").replaceChildren();
  $("visits").append(...added.map(card));
  $("more").hidden = next === null;
  $("fresh").hidden = true;
  setText("list-count", next === null ? `${visits.length} shown` : `the newest ${visits.length}`);
  $("controls").hidden = false;
  $("list").hidden = visits.length === 0;
  showTeaching();
}

async function showMore() {
  const mine = turn;
  const [since, until] = span();
  try {
    const found = await askVisits({ ...wanted, since, until, after: next });
    if (mine !== turn) return;
    const first = visits.length;
    [visits, next] = [[...visits, ...found.visits], found.next];
    showList(found.visits, false);
    $("visits").children[first]?.querySelector("button").focus();
  } catch (error) {
    fail(error);
  }
}

function go(at) {
  choose(new Date(at * 1000));
  show();
}

// Whether somebody came since: a list that moves by itself would be in the way of who reads it.
async function look() {
  if (document.hidden || !day || !isToday() || $("closer").open) return;
  try {
    const { visits: found, next: behind } = await askVisits({ since: wanted.since, until: wanted.until });
    const came = found.filter((visit) => visit.number > day.newest).length;
    if (came > 0) {
      $("fresh").hidden = false;
      $("list").hidden = false;
      setText("fresh", `${came}${came === found.length && behind ? " or more" : ""} new: show`);
    }
  } catch { /* the next time */ }
}

watchCloser({ inWords, changed: show });
$("earlier").onclick = () => go(day.earlier_s);
$("later").onclick = () => go(day.later_s);
$("today").onclick = () => go(Date.now() / 1000);
$("more").onclick = showMore;
$("fresh").onclick = show;
$("day").onchange = () => $("day").value && go(new Date(`${$("day").value}T00:00`).getTime() / 1000);
$("hour").oninput = () => { setHour(Number($("hour").value)); show(); };
$("kept").onclick = () => {
  wanted.kept = !wanted.kept;
  $("kept").setAttribute("aria-pressed", String(wanted.kept));
  show();
};
addEventListener("resize", () => day && showDay());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => day && showDay());
const asked = new Date(`${location.hash.slice(1)}T00:00`);
choose(Number.isNaN(asked.getTime()) ? new Date() : asked);
show();
setInterval(look, LOOK_MS);
