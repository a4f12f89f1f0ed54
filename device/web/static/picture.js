// The picture, and the buttons on it.

import { areShown, drawBoxes, paintBoxes, toggleBoxes } from "./boxes.js";
import { thank } from "./line.js";
import { $, itemsOf, make, run } from "./run.js";

let paused = false;
let newest = null; // a frame that waits to be decoded
let decoding = false;
let owed = 0; // pictures not yet thanked for, while nobody looks
let onShown = null; // called after each picture
let onPaused = null; // called when pausing begins and ends

export const isPaused = () => paused;
const isLooking = () => !paused && !document.hidden;

export function watchPictures(shown, pausing) {
  [onShown, onPaused] = [shown, pausing];
}

export function see(picture) {
  if (!isLooking()) {
    owed += 1;
    return;
  }
  thank();
  newest = picture;
  if (!decoding) decode();
}

// The line is gone, and with it what was owed.
export function forgetDebts() {
  owed = 0;
}

async function decode() {
  decoding = true;
  while (newest) {
    const picture = newest;
    newest = null;
    try {
      picture.bitmap = await createImageBitmap(picture.jpeg);
    } catch {
      continue; // one picture lost
    }
    if (paused) picture.bitmap.close();
    else show(picture);
  }
  decoding = false;
}

function lookAgain() {
  if (!isLooking()) return;
  for (; owed > 0; owed -= 1) thank();
}

const canvas = $("picture");
const pen = canvas.getContext("2d", { alpha: false });

function show(picture) {
  const { bitmap } = picture;
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    document.documentElement.style.setProperty("--aspect", bitmap.width / bitmap.height);
  }
  pen.drawImage(bitmap, 0, 0);
  run.frame?.bitmap.close();
  run.frame = picture;
  canvas.dataset.frame = picture.record.frame;
  drawBoxes();
  onShown();
}

$("pause").onclick = () => {
  paused = !paused;
  $("pause").toggleAttribute("data-paused", paused);
  $("pause").setAttribute("aria-label", paused ? "Go on" : "Pause");
  $("pause").title = `${paused ? "Go on" : "Pause"} (Space)`;
  lookAgain();
  onPaused();
};
document.addEventListener("visibilitychange", lookAgain);

$("snapshot").onclick = async (event) => {
  if (!run.frame) return;
  event.preventDefault();
  const { record } = run.frame;
  const link = make("a", { href: URL.createObjectURL(await asShown(run.frame)) });
  link.download = `${(run.about.name || "liteberry").replace(/[^\p{L}\p{N}]+/gu, "_")}-${record.time.slice(0, 19).replace(/[:T]/g, "-")}.jpg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

// The JPEG of a picture with the boxes that are shown on it, as sharp as it is.
function asShown(picture) {
  const items = itemsOf(picture).filter((item) => item.box);
  if (!areShown() || !items.length) return picture.jpeg;
  const { bitmap, size_wh: size } = picture;
  const copy = make("canvas", { width: bitmap.width, height: bitmap.height });
  const brush = copy.getContext("2d");
  brush.drawImage(bitmap, 0, 0);
  const unit = Math.max(0.75, Math.max(bitmap.width, bitmap.height) / 800); // of lines and letters
  brush.scale(unit, unit);
  paintBoxes(brush, items, bitmap.width / size[0] / unit, size);
  return new Promise((resolve) => copy.toBlob(resolve, "image/jpeg", 0.92));
}
$("snapshot").onkeydown = (event) => {
  if (event.key === " ") {
    event.preventDefault();
    $("snapshot").click();
  }
};

// An iPhone gives the whole screen to videos only: there the picture fills the window.
const viewfinder = $("viewfinder");
const isFilled = () => document.fullscreenElement === viewfinder || viewfinder.classList.contains("filled");
const fill = $("fill");
fill.onclick = async () => {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return;
  }
  if (!isFilled()) {
    try {
      await viewfinder.requestFullscreen();
      return;
    } catch {
      // not allowed, or not there
    }
  }
  viewfinder.classList.toggle("filled");
  showFill();
};
document.addEventListener("fullscreenchange", showFill);
const KEYS = { " ": () => $("pause").click(), f: () => fill.click(), s: () => $("snapshot").click(), b: toggleBoxes, z: () => $("places").click(), e: () => $("draw").click() };
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && viewfinder.classList.contains("filled")) fill.click();
  const act = KEYS[event.key.toLowerCase()];
  if (!act || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  // Keys belong to a field that is typed in, and Space to a button that has the focus.
  if (event.target.closest(event.key === " " ? "input, button, a" : "input:not([type=range])")) return;
  event.preventDefault();
  act();
});
function showFill() {
  fill.setAttribute("aria-pressed", isFilled());
}
