// The live page: what the server tells goes to the part that shows it.

import { pictureShown, showArrival } from "./arrival.js";
import { drawTraces, keep, showSecond } from "./dials.js";
import { introduceKnobs, offer, showSettings } from "./knobs.js";
import { askClock, connect, hangUpIfSilent } from "./line.js";
import "./editor.js";
import { introduceMessages } from "./messages.js";
import { askForScene, drawScene, takeScene } from "./scene.js";
import { showMoment } from "./moment.js";
import { forgetDebts, isPaused, see, watchPictures } from "./picture.js";
import { $, brief, itemsOf, make, run, setText } from "./run.js";

const CLOCK_MS = 2000; // between questions for the server's time
const LOOK_MS = 300; // between changes of words and cards: to be read, they must stay a while

// For each state: what stands at the top, and what on the picture.
const STATES = {
  connecting: ["Connecting", "Waiting for the first picture", ""],
  loading: ["Starting", "Waiting for the first picture", "liteberry is getting ready"],
  lost: ["No picture", "No picture", ""],
  ended: ["Ended", "The run has ended", ""],
  offline: ["Out of reach", "Out of reach", "The line is down, or liteberry was ended. Trying again"],
  locked: ["Locked", "A new token is needed", "Open the link that liteberry printed"],
  crowded: ["Crowded", "Too many are watching", "Trying again"],
  paused: ["Paused", "", ""],
};

function currentState() {
  if (run.ended !== null) return run.ended;
  if (run.second?.loss) return "lost";
  if (run.second?.ailment) return run.second.frames ? "lost" : "loading";
  if (isPaused()) return "paused";
  return run.frame ? "live" : "loading";
}

function showState() {
  const state = currentState();
  const fps = run.second ? ` \u00b7 ${brief(run.second.fps, 10)} FPS` : "";
  document.body.dataset.state = state;
  const [word, title, text] = STATES[state] ?? [`Live${fps}`, "", ""];
  setText("status-text", word);
  const [what, since, advice] = state === "lost" ? lossInWords() : state === "ended" ? endInWords() : [text, "", ""];
  setText("notice-title", title);
  setText("notice-text", what);
  setText("notice-since", since);
  setText("notice-advice", advice);
  $("notice").hidden = !title;
  $("viewfinder").toggleAttribute("data-dim", Boolean(title));
  showTitle(state, word);
}

// What the tab is called: what is seen, or why nothing is.
function showTitle(state, word) {
  const what = STATES[state] && state !== "paused" ? word : run.line;
  const name = run.about?.name || "liteberry";
  const title = what ? `${what} \u2013 ${name}` : name;
  if (document.title !== title) document.title = title;
}

const clockTime = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

let lostAt = null; // by the wall clock
function lossInWords() {
  const { loss, ailment } = run.second;
  if (!loss) return [ailment ? ailment[0].toUpperCase() + ailment.slice(1) : "", "", ""];
  lostAt ??= Date.now() - loss.for_s * 1000;
  const since = `Since ${clockTime(lostAt)}. liteberry tries again until it is back`;
  return [loss.cause, since, loss.advice];
}

function endInWords() {
  const { frames, seen, failure, at } = run.goodbye;
  const counts = seen.map(([label, count]) => `${label} on ${count.toLocaleString("en")}`).join(", ");
  const what = failure ?? `At ${clockTime(at)}, after ${frames.toLocaleString("en")} frames`;
  return [what, counts ? `Seen: ${counts}` : "Nothing was seen", "When it runs again, this page goes on by itself"];
}

function hear(news) {
  if (news.hello) {
    const { history, ...about } = news.hello;
    [run.about, run.seconds] = [about, history];
    introduceKnobs();
    introduceMessages();
    setText("name", about.name || "liteberry");
    if (about.several && !$("to-all")) $("to-past").before(make("a", { id: "to-all", href: "/", textContent: "All" }));
    $("draw").hidden = about.task !== "detection";
    askForScene();
    setText("board", `${about.board}, ${about.cores} cores`);
  } else if (news.settings) {
    run.settings = news.settings;
    showSettings();
  } else if (news.scene) {
    takeScene(news.scene);
  } else if (news.goodbye) {
    run.goodbye = { ...news.goodbye, at: Date.now() };
  } else if (news.second) {
    if (!news.second.loss) lostAt = null;
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
  showTitle("live", "");
  offer(itemsOf(run.frame));
}

let shown = 0;
watchPictures(() => {
  pictureShown();
  drawScene();
  if (shown++ === 0) showState();
  // The interval alone would leave the words behind the pictures of a slow network.
  if (performance.now() - lookedAt >= LOOK_MS) lookAround();
}, showState);
window.history.replaceState(null, "", location.pathname); // without the token, which the cookie has by now
connect({ hear, see, lose });
setInterval(hangUpIfSilent, 1000);
setInterval(askClock, CLOCK_MS);
setInterval(showArrival, 1000);
setInterval(lookAround, LOOK_MS);
addEventListener("resize", drawTraces);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTraces);
