// What can be changed: threshold, classes and variant.

import { $, colourOf, make, run, setText } from "./run.js";

const MOST_CHIPS = 10;

const seenLabels = new Map(); // label -> how often, over the visit
const slider = $("threshold");
let turning = null; // the timer that sends the slider's value

async function change(what) {
  let complaint = "";
  try {
    const answer = await fetch("settings", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(what),
    });
    if (!answer.ok) complaint = (await answer.json()).error;
  } catch {
    complaint = "liteberry did not get that: it is out of reach";
  }
  complain(complaint);
}

let complaining = null;
function complain(text) {
  clearTimeout(complaining);
  setText("complaint", text);
  $("complaint").hidden = !text;
  if (text) complaining = setTimeout(() => complain(""), 8000);
}

function showThreshold() {
  setText("threshold-text", `${slider.value} %`);
  slider.setAttribute("aria-valuetext", `${slider.value} percent`);
  slider.style.setProperty("--to", `${(slider.value - 1) / 0.99}%`);
}

slider.oninput = () => {
  showThreshold();
  turning ??= setTimeout(() => {
    turning = null;
    change({ threshold: slider.value / 100 });
  }, 150);
};

export function showSettings() {
  if (turning === null) {
    slider.value = Math.round(run.settings.threshold * 100);
    showThreshold();
  }
  for (const button of $("variants").children) {
    const name = button.dataset.variant;
    button.setAttribute("aria-pressed", name === run.settings.variant);
    button.setAttribute("aria-busy", name === run.settings.switching_to);
  }
  const { source, model } = run.about;
  setText("what", [source, model.replaceAll("_", " "), run.settings.variant].join(" \u00b7 "));
  showChips();
}

// Notes what is seen, so that it can be chosen.
export function offer(items) {
  for (const { label } of items) seenLabels.set(label, (seenLabels.get(label) ?? 0) + 1);
  showChips();
}

function showChips() {
  const often = [...seenLabels].sort((a, b) => b[1] - a[1]).map(([label]) => label);
  const labels = [...new Set([...run.settings.classes, ...often])];
  const shown = labels.slice(0, Math.max(MOST_CHIPS, run.settings.classes.length)).sort();
  const chips = $("classes");
  const key = shown.join("\n");
  if (chips.dataset.key !== key) {
    chips.dataset.key = key;
    const focused = document.activeElement?.dataset.label;
    chips.replaceChildren(makeChip("", "Everything"), ...shown.map((label) => makeChip(label, label)));
    [...chips.children].find((chip) => chip.dataset.label === focused)?.focus();
  }
  for (const chip of chips.children) {
    const { label } = chip.dataset;
    chip.setAttribute("aria-pressed", label ? run.settings.classes.includes(label) : !run.settings.classes.length);
  }
}

function makeChip(label, text) {
  const chip = make("button", { type: "button", textContent: text, className: label ? "" : "all" });
  chip.dataset.label = label;
  if (label) chip.style.setProperty("--colour", colourOf(label));
  chip.onclick = () => {
    const { classes } = run.settings;
    if (!label) change({ classes: [] });
    else change({ classes: classes.includes(label) ? classes.filter((name) => name !== label) : [...classes, label] });
  };
  return chip;
}

$("more").onchange = () => {
  const label = $("more").value.trim();
  $("more").value = "";
  if (label && !run.settings.classes.includes(label)) change({ classes: [...run.settings.classes, label] });
};

export function introduceKnobs() {
  $("labels").replaceChildren(...Object.keys(run.about.labels).map((label) => make("option", { value: label })));
  $("variants").replaceChildren(
    ...Object.entries(run.about.variants).map(([name, bytes]) => {
      const size = make("small", { textContent: `${(bytes / 1e6).toFixed(1)} MB` });
      const button = make("button", { type: "button" }, name, size);
      button.dataset.variant = name;
      button.onclick = () => run.settings.switching_to === null && name !== run.settings.variant && change({ variant: name });
      return button;
    }),
  );
  $("variant-setting").hidden = Object.keys(run.about.variants).length < 2;
  setText("variant-label", `Variant of ${run.about.model.replaceAll("_", " ")}`);
}
