// The live page: what the server tells goes to the part that shows it.

import { drawTraces, keep, showSecond } from "./dials.js";
import { introduceKnobs, offer, showSettings } from "./knobs.js";
import { connect, hangUpIfSilent } from "./line.js";
import { showMoment } from "./moment.js";
import { forgetDebts, isPaused, see, watchPictures } from "./picture.js";
import { $, brief, itemsOf, run, setText } from "./run.js";

const LOOK_MS = 300; // between changes of words and cards: to be read, they must stay a while

const NOTICES = {
  connecting: ["Waiting for the first picture", ""],
  loading: ["Waiting for the first picture", "liteberry is getting ready"],
  lost: ["No picture", ""],
  offline: ["Out of reach", "The run has ended or the line is down. Trying again"],
  locked: ["A new token is needed", "Open the link that liteberry printed"],
  crowded: ["Too many are watching", "Trying again"],
  paused: ["", ""],
};
const WORDS = { connecting: "Connecting", loading: "Starting", lost: "No picture", offline: "Out of reach", locked: "Locked", crowded: "Crowded", paused: "Paused" };

function currentState() {
  if (run.ended !== null) return run.ended;
  if (run.second?.ailment) return run.second.frames ? "lost" : "loading";
  if (isPaused()) return "paused";
  return run.frame ? "live" : "loading";
}

function showState() {
  const state = currentState();
  const fps = run.second ? ` \u00b7 ${brief(run.second.fps, 10)} FPS` : "";
  document.body.dataset.state = state;
  setText("status-text", state === "live" ? `Live${fps}` : WORDS[state]);
  const [title, text] = NOTICES[state] ?? ["", ""];
  $("notice").hidden = !title;
  setText("notice-title", title);
  setText("notice-text", state === "lost" ? run.second.ailment : text);
  $("viewfinder").toggleAttribute("data-dim", Boolean(title));
}

function hear(news) {
  if (news.hello) {
    const { history, ...about } = news.hello;
    [run.about, run.seconds] = [about, history];
    introduceKnobs();
    setText("board", `${about.board}, ${about.cores} cores`);
  } else if (news.settings) {
    run.settings = news.settings;
    showSettings();
  } else if (news.second) {
    keep(news.second);
    showSecond();
  }
  showState();
}

function lose() {
  forgetDebts();
  showState();
}

let lookedAt = -LOOK_MS; // when a frame was last put into words, and which
let lookedOn = null;
function lookAround() {
  if (currentState() !== "live" || !run.settings) return;
  if (run.frame !== lookedOn) [lookedAt, lookedOn] = [performance.now(), run.frame];
  showMoment();
  offer(itemsOf(run.frame));
}

let shown = 0;
watchPictures(() => {
  if (shown++ === 0) showState();
  // The interval alone would leave the words behind the pictures of a slow network.
  if (performance.now() - lookedAt >= LOOK_MS) lookAround();
}, showState);
window.history.replaceState(null, "", "/"); // without the token, which the cookie has by now
connect({ hear, see, lose });
setInterval(hangUpIfSilent, 1000);
setInterval(lookAround, LOOK_MS);
addEventListener("resize", drawTraces);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTraces);
