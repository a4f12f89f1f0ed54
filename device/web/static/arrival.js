// How pictures arrive at this screen: how many a second, how late, and how large.

import { $, brief, run, setText } from "./run.js";

const WINDOW_MS = 3000; // over which they are counted
const ANSWERS = 8; // of the server's clock, of which the quickest counts

let shownAt = []; // when the last pictures were shown
let late = null; // the delay of the last one
let offsets = []; // {wait, offset}: of the server's clock to ours, in seconds

// What to send to be told the server's time.
export const question = () => `clock ${performance.now().toFixed(1)}`;

// The answer: when it was asked for, by our clock, and the server's time then, in seconds. Half of
// the wait lies before it (Cristian's algorithm).
export function clockCame([askedAt, time]) {
  const wait = performance.now() - askedAt;
  offsets.push({ wait, offset: time - (askedAt + wait / 2) / 1000 });
  offsets.splice(0, offsets.length - ANSWERS);
}

// Another connection may be to another machine.
export function forgetClock() {
  [offsets, shownAt] = [[], []];
}

// Seconds since the picture on show was taken; null before the clock is known.
export function delay() {
  const best = offsets.reduce((least, one) => (least && least.wait <= one.wait ? least : one), null);
  if (!best || !run.frame) return null;
  return performance.now() / 1000 + best.offset - run.frame.record.captured_at_s;
}

export function showArrival() {
  const now = performance.now();
  shownAt = shownAt.filter((at) => now - at < WINDOW_MS);
  $("arrival").hidden = !shownAt.length;
  if (!shownAt.length) return;
  const rate = (1000 * shownAt.length) / Math.min(WINDOW_MS, Math.max(1000, now - shownAt[0]));
  const { width, height } = run.frame.bitmap;
  const behind = late === null ? "" : `, ${Math.max(0, late).toFixed(1)} s behind the camera`;
  setText("arrival", `On this screen: ${brief(rate, 10)} pictures a second${behind}, ${width} \u00d7 ${height}`);
}

export function pictureShown() {
  shownAt.push(performance.now());
  late = delay();
}
