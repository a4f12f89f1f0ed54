// The page of several cameras: a tile for each, which leads to the page of that one.

import { $, make, setText } from "./elements.js";

const ASK_MS = 2000;
const PICTURE_MS = 1000; // between a tile's picture and the question for the next
const AGAIN_MS = 5000; // where none came

const WORDS = { off: "Ended", lost: "No picture", stalled: "No frames" };

const known = new Map(); // link -> its list item

// A picture costs the run the drawing of a frame: none is asked for while nobody looks.
async function lookAt(link, view) {
  let wait = PICTURE_MS;
  if (!document.hidden && known.get(link).dataset.health === "ok") {
    const answer = await fetch(`${link}snapshot.jpg`).catch(() => null);
    if (answer?.ok) {
      const image = view.querySelector("img") ?? make("img", { alt: "" });
      const last = image.src;
      image.src = URL.createObjectURL(await answer.blob());
      if (last) URL.revokeObjectURL(last);
      view.replaceChildren(image);
    } else wait = AGAIN_MS;
  }
  setTimeout(lookAt, wait, link, view);
}

function makeTile({ name, link }) {
  const view = make("div", { className: "view" }, make("span", { textContent: "No picture yet" }));
  const words = make("div", {}, make("h2", {}, make("i"), make("span", { textContent: name })));
  words.append(make("p", { className: "why" }), make("p", { className: "pace" }));
  const item = make("li", {}, make("a", { className: "tile", href: link }, view, words));
  known.set(link, item);
  $("tiles").append(item);
  setTimeout(lookAt, 0, link, view);
  return item;
}

function showTile(tile) {
  const item = known.get(tile.link) ?? makeTile(tile);
  item.dataset.health = tile.health;
  const link = item.firstChild;
  link.dataset.health = tile.health;
  link.toggleAttribute("data-old", tile.health in WORDS);
  setText(item.querySelector(".why"), tile.health in WORDS ? `${WORDS[tile.health]}: ${tile.why}` : "");
  const pace = tile.fps === null ? tile.health === "asking" ? "Waiting for its first picture" : "" : `${tile.fps.toFixed(tile.fps < 10 ? 1 : 0)} FPS`;
  setText(item.querySelector(".pace"), pace);
}

function sentence(tiles) {
  const amiss = tiles.filter(({ health }) => health in WORDS).map(({ name }) => name);
  if (amiss.length) return `${amiss.join(", ")} ${amiss.length === 1 ? "needs" : "need"} somebody`;
  const coming = tiles.filter(({ health }) => health === "asking").length;
  return coming ? `${tiles.length - coming} of ${tiles.length} cameras are there` : `All ${tiles.length} cameras are well`;
}

function showState(state) {
  document.body.dataset.state = state;
  setText($("status-text"), { live: "Live", lost: "Live", offline: "Out of reach", locked: "Locked" }[state]);
}

async function ask() {
  try {
    const answer = await fetch("/api/cameras");
    if (answer.ok) {
      const tiles = await answer.json();
      tiles.forEach(showTile);
      setText($("sentence"), sentence(tiles));
      showState(tiles.some(({ health }) => health in WORDS) ? "lost" : "live");
    } else showState(answer.status === 401 ? "locked" : "offline");
  } catch {
    showState("offline");
  }
  setTimeout(ask, ASK_MS);
}

window.history.replaceState(null, "", location.pathname); // without the token, which the cookie has by now
ask();
