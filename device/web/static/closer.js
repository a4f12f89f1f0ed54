// One visit, looked at closer: its clip or its picture, and what can be done with it.

import { change } from "./memory.js";
import { $, percent, setText } from "./run.js";

let visits = []; // that one can step through
let visit = null; // the one on show
let showsClip = false;
let told = null; // {inWords, changed}
let isChanged = false;

export function watchCloser(callbacks) {
  told = callbacks;
  $("close").onclick = () => $("closer").close();
  $("before").onclick = () => step(-1);
  $("after").onclick = () => step(1);
  $("swap").onclick = () => { showsClip = !showsClip; showMedia(); };
  $("keep").onclick = keep;
  $("delete").onclick = remove;
  $("clip").onerror = cannotPlay;
  $("closer").onclose = leave;
  $("closer").onclick = (event) => { if (event.target === $("closer")) $("closer").close(); };
  $("closer").onkeydown = (event) => {
    if (event.target === $("clip") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else if (event.key === "k") keep();
    else if (event.key === "Delete") remove();
  };
}

export function openCloser(wanted, among) {
  visits = among;
  isChanged = false;
  show(wanted);
  if (!$("closer").open) $("closer").showModal();
}

function step(by) {
  const next = visits[visits.indexOf(visit) + by];
  if (next) show(next);
}

function show(wanted) {
  visit = wanted;
  showsClip = visit.clip;
  const place = visits.indexOf(visit);
  $("before").disabled = place <= 0;
  $("after").disabled = place >= visits.length - 1;
  setText("closer-title", `${visit.label} ${percent(visit.score)}`);
  setText("closer-text", `${new Date(visit.began_s * 1000).toLocaleDateString()}, ${told.inWords(visit)}`);
  $("get-picture").hidden = !visit.picture;
  $("get-picture").href = `api/visits/${visit.number}/picture.jpg`;
  $("get-picture").download = `visit-${visit.number}.jpg`;
  $("get-clip").hidden = !visit.clip;
  $("get-clip").href = `api/visits/${visit.number}/clip.mp4`;
  $("get-clip").download = `visit-${visit.number}.mp4`;
  $("keep").setAttribute("aria-pressed", String(visit.kept));
  setText("keep", visit.kept ? "Kept" : "Keep");
  askAgain();
  showMedia();
}

function showMedia() {
  const video = $("clip");
  $("clip-text").hidden = true;
  video.hidden = !showsClip;
  $("large").hidden = showsClip || !visit.picture;
  $("swap").hidden = !(visit.clip && visit.picture);
  setText("swap", showsClip ? "Show the picture" : "Show the clip");
  if (showsClip) {
    video.src = `api/visits/${visit.number}/clip.mp4`;
    video.poster = visit.picture ? `api/visits/${visit.number}/picture.jpg?drawn=1` : "";
  } else {
    video.removeAttribute("src");
    video.load();
    if (visit.picture) $("large").src = `api/visits/${visit.number}/picture.jpg?drawn=1`;
    $("large").alt = `Best picture of ${visit.label}`;
  }
}

async function cannotPlay() {
  if (!$("clip").getAttribute("src")) return;
  const asked = visit;
  const answer = await fetch($("clip").src, { headers: { Range: "bytes=0-0" } }).catch(() => null);
  if (visit !== asked || !$("closer").open) return;
  if (answer?.status === 404) {
    isChanged = true; // the list shows a clip too
    visit.clip = false;
    show(visit);
    complain(new Error("The clip is gone: where there is a quota, the oldest make room for new ones."));
    return;
  }
  $("clip-text").hidden = false;
  setText("clip-text", "This browser cannot play the clip. With PyAV installed (pip install av; on a Pi python3-av) clips are H.264, which all of them play; this one can be downloaded.");
}

async function keep() {
  try {
    const { kept } = await change(visit.number, { kept: !visit.kept });
    visit.kept = kept;
    isChanged = true;
    $("keep").setAttribute("aria-pressed", String(kept));
    setText("keep", kept ? "Kept" : "Keep");
  } catch (error) {
    complain(error);
  }
}

// Asked twice: what is deleted does not come back.
async function remove() {
  if (!$("delete").hasAttribute("data-sure")) {
    $("delete").setAttribute("data-sure", "");
    setText("delete", "Really delete?");
    return;
  }
  $("clip").removeAttribute("src"); // nothing of it is asked for when it is gone
  $("clip").load();
  try {
    await change(visit.number, { delete: true });
  } catch (error) {
    showMedia();
    complain(error);
    return;
  }
  isChanged = true;
  const place = visits.indexOf(visit);
  visits.splice(place, 1);
  const next = visits[place] ?? visits[place - 1];
  if (next) show(next);
  else $("closer").close();
}

function askAgain() {
  $("delete").removeAttribute("data-sure");
  setText("delete", "Delete");
}

function complain(error) {
  $("clip-text").hidden = false;
  setText("clip-text", error.message);
}

function leave() {
  $("clip").removeAttribute("src");
  $("clip").load();
  const number = visit?.number;
  const focus = () => document.querySelector(`[data-number="${number}"] button`)?.focus();
  if (isChanged) told.changed().then(focus);
  else focus();
}
