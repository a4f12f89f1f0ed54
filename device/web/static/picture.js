// The picture, and the buttons on it.

import { thank } from "./line.js";
import { $, make, run } from "./run.js";

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
  onShown();
}

$("pause").onclick = () => {
  paused = !paused;
  $("pause").toggleAttribute("data-paused", paused);
  for (const name of ["aria-label", "title"]) $("pause").setAttribute(name, paused ? "Go on" : "Pause");
  lookAgain();
  onPaused();
};
document.addEventListener("visibilitychange", lookAgain);

$("snapshot").onclick = (event) => {
  if (!run.frame) return;
  event.preventDefault();
  const link = make("a", { href: URL.createObjectURL(run.frame.jpeg) });
  link.download = `liteberry-${run.frame.record.time.slice(0, 19).replace(/[:T]/g, "-")}.jpg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};
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
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && viewfinder.classList.contains("filled")) fill.click();
});
function showFill() {
  fill.setAttribute("aria-pressed", isFilled());
}
