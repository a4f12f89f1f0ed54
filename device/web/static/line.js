// The line to the server: texts of JSON over one WebSocket, and after a frame's text its JPEG.

import { clockCame, forgetClock, question } from "./arrival.js";
import { run } from "./run.js";

const RETRY_MS = [300, 700, 1500, 3000, 5000];
const SILENT_MS = 4500; // the server speaks every second
// A handshake lost on the way is sent again after 1, 3, 7, 15, 31 and 63 s (RFC 6298): a board
// that is back after ten would be looked for after thirty.
const UNANSWERED_MS = 8000;

let socket = null;
let tries = 0;
let heardAt = 0; // or dialled
let announced = null; // the frame whose JPEG comes next

// Calls hear(news) for each text, see(frame) for each picture, and lose() when the line is gone.
export function connect(calls) {
  const line = new WebSocket(new URL("live", location.href.replace(/^http/, "ws").replace(/#.*/, "")));
  socket = line;
  heardAt = performance.now();
  line.onmessage = ({ data }) => {
    heardAt = performance.now();
    tries = 0;
    run.ended = null;
    if (run.goodbye) [run.goodbye, run.frame] = [null, null]; // another run
    if (typeof data !== "string") {
      calls.see({ ...announced, jpeg: data });
      return;
    }
    const news = JSON.parse(data);
    if (news.frame) announced = news.frame;
    else if (news.clock) clockCame(news.clock);
    else calls.hear(news);
  };
  line.onopen = () => {
    heardAt = performance.now();
    forgetClock();
  };
  line.onclose = () => {
    if (socket !== line) return;
    socket = null;
    run.ended ??= run.goodbye ? "ended" : "offline";
    tries += 1;
    setTimeout(connect, RETRY_MS[Math.min(tries, RETRY_MS.length) - 1], calls);
    findOutWhy(calls);
    calls.lose();
  };
}

async function findOutWhy(calls) {
  const answer = await fetch("settings").catch(() => null);
  if (run.ended === null) return; // it is back
  if (answer?.status === 401) run.ended = "locked";
  else if (answer?.ok && tries > 2) run.ended = "crowded";
  calls.lose();
}

// Tells the server that a picture has come, and there is room for another.
export function thank() {
  if (socket?.readyState === WebSocket.OPEN) socket.send("ready");
}

// Asks for the server's clock, by which a picture's delay is told.
export function askClock() {
  if (socket?.readyState === WebSocket.OPEN && run.ended === null) socket.send(question());
}

export function hangUpIfSilent() {
  const patience = socket?.readyState === WebSocket.CONNECTING ? UNANSWERED_MS : SILENT_MS;
  if (performance.now() - heardAt > patience) hangUp();
}

export function hangUp() {
  if (!socket || socket.readyState > WebSocket.OPEN) return;
  const line = socket;
  line.close();
  line.onclose(); // on a dead line that would take its time
}
