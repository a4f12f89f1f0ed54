// Where feet were: a map over the newest picture.

import { $, setText } from "./run.js";

const WARM = [255, 176, 32];
const HOT = [255, 40, 96];

// Draws the seconds of the hours that began between two times.
export function drawHeat(feet, since, until, ground) {
  const [columns, rows] = feet.size_wh;
  const total = new Float64Array(columns * rows);
  for (const hour of feet.hours) {
    if (hour.hour_s + 3600 <= since || hour.hour_s >= until) continue;
    hour.seconds.forEach((seconds, place) => { total[place] += seconds; });
  }
  showGround(ground);
  const most = Math.max(...total);
  const seconds = total.reduce((sum, one) => sum + one, 0);
  paint(total, most, columns, rows);
  const text = seconds
    ? `${inWords(seconds)} in all, most of it ${placeOf(total.indexOf(most), columns, rows)}`
    : "Nobody stood anywhere in this time.";
  setText("heat-text", text);
  $("heat-map").ariaLabel = `Where feet were: ${text}`;
  $("heat-map").dataset.seconds = Math.round(seconds);
}

function inWords(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} seconds`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}

function placeOf(place, columns, rows) {
  const across = ["on the left", "in the middle", "on the right"][Math.floor(((place % columns) / columns) * 3)];
  return `${["at the top", "half way down", "at the bottom"][Math.floor((place / columns / rows) * 3)]}, ${across}`;
}

function showGround(ground) {
  const image = $("heat-ground");
  const source = ground ? `api/visits/${ground.number}/picture.jpg` : "";
  image.hidden = !source;
  if (!source || image.getAttribute("src") === source) return;
  image.onload = () => $("heat").style.setProperty("--shape", image.naturalWidth / image.naturalHeight);
  image.src = source;
}

function paint(total, most, columns, rows) {
  const small = new OffscreenCanvas(columns, rows);
  const pixels = new ImageData(columns, rows);
  total.forEach((seconds, place) => {
    const share = most ? Math.sqrt(seconds / most) : 0; // one who stood long shall not hide all the rest
    const colour = WARM.map((from, index) => from + (HOT[index] - from) * share);
    pixels.data.set([...colour, seconds ? 90 + 150 * share : 0], 4 * place);
  });
  small.getContext("2d").putImageData(pixels, 0, 0);
  const canvas = $("heat-map");
  [canvas.width, canvas.height] = [columns * 12, rows * 12];
  const draw = canvas.getContext("2d");
  draw.imageSmoothingQuality = "high";
  draw.drawImage(small, 0, 0, canvas.width, canvas.height);
}
