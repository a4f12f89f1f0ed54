// How the run and its machine are doing: three traces, gauges and counts.

import { $, brief, make, run, setText } from "./run.js";

const KEPT_SECONDS = 180;

export function keep(second) {
  run.second = second;
  run.seconds.push(second);
  run.seconds.splice(0, run.seconds.length - KEPT_SECONDS);
}

const TRACES = [
  { id: "trace-fps", mean: "fps", name: "Frames per second", unit: "", decimalBelow: 10 },
  { id: "trace-invoke", mean: "invoke_ms", max: "invoke_max_ms", name: "Thinking time", unit: " ms", decimalBelow: 100 },
  { id: "trace-age", mean: "age_ms", max: "age_max_ms", name: "Delay", unit: " ms", decimalBelow: 100 },
];

export function drawTraces() {
  TRACES.forEach(drawTrace);
}

function drawTrace({ id, mean, max, name, unit, decimalBelow }) {
  const panel = $(id);
  const surface = panel.querySelector("canvas");
  const shown = (value) => brief(value, decimalBelow);
  const latest = run.seconds.at(-1)?.[mean];
  panel.querySelector("b").textContent = latest == null ? "\u2013" : shown(latest);
  const means = run.seconds.map((at) => at[mean]).filter((value) => value != null);
  const worst = Math.max(...run.seconds.map((at) => at[max] ?? 0));
  if (max) panel.querySelector("small").textContent = worst ? `worst ${shown(worst)}, now` : "";
  // One hiccup shall not press all the rest flat.
  const most = Math.max(1e-3, Math.min(2.5 * Math.max(...means), Math.max(worst, ...means)));
  surface.ariaLabel = means.length
    ? `${name}: from ${shown(Math.min(...means))} to ${shown(Math.max(...means))}${unit} over the last three minutes`
    : `${name}: nothing yet`;

  const scale = devicePixelRatio;
  const [width, height] = [surface.clientWidth, surface.clientHeight];
  surface.width = width * scale;
  surface.height = height * scale;
  const draw = surface.getContext("2d");
  draw.scale(scale, scale);
  const style = getComputedStyle(document.documentElement);
  const colour = (variable) => style.getPropertyValue(variable);
  const x = (index) => width - 1.5 - ((run.seconds.length - 1 - index) / (KEPT_SECONDS - 1)) * (width - 3);
  const y = (value) => Math.max(1, height - 1 - (value / most) * (height - 6));

  draw.fillStyle = colour("--rule");
  for (let minute = 0; minute <= 3; minute += 1) draw.fillRect((minute / 3) * (width - 1), 0, 1, height);
  draw.fillRect(0, height - 1, width, 1);
  draw.fillStyle = draw.strokeStyle = colour("--berry");
  for (const stretch of stretches(mean)) {
    draw.globalAlpha = 0.16;
    draw.beginPath();
    draw.moveTo(x(stretch[0]), max ? y(run.seconds[stretch[0]][mean]) : height - 1);
    for (const at of stretch) draw.lineTo(x(at), y(run.seconds[at][max ?? mean]));
    if (max) for (const at of [...stretch].reverse()) draw.lineTo(x(at), y(run.seconds[at][mean]));
    else draw.lineTo(x(stretch.at(-1)), height - 1);
    draw.fill();
    draw.globalAlpha = 1;
    draw.lineWidth = 1.75;
    draw.lineJoin = "round";
    draw.beginPath();
    for (const at of stretch) draw.lineTo(x(at), y(run.seconds[at][mean]));
    draw.stroke();
  }
}

// The runs of seconds that have a value: where there is none, the line breaks.
function stretches(key) {
  const found = [];
  run.seconds.forEach((at, index) => {
    if (at[key] == null) return;
    if (found.at(-1)?.at(-1) === index - 1) found.at(-1).push(index);
    else found.push([index]);
  });
  return found;
}

const number = (value) => value.toLocaleString("en");

function gauge(id, text, rest = "", value = null, most = 1) {
  $(id).replaceChildren(text, " ", make("small", { textContent: rest }));
  const meter = $(`${id}-meter`);
  if (!meter) return;
  meter.hidden = value === null;
  meter.max = most;
  meter.value = value ?? 0;
}

export function showSecond() {
  drawTraces();
  const { second, about } = run;
  const total = second.memory_total_mib * 1.048576; // as the process's own, in 10^6 bytes
  gauge("memory", `${Math.round(second.rss_mb)} MB`, `of ${(total / 1e3).toFixed(1)} GB`, second.rss_mb, total);
  const share = second.cpu_percent / about.cores;
  gauge("cpu", `${Math.round(share)} %`, about.cores > 1 ? `of ${about.cores} cores` : "", share, 100);
  const degrees = second.temperature_c;
  if (degrees === null) gauge("temperature", "", "no sensor here");
  else gauge("temperature", `${degrees.toFixed(1)} \u00b0C`, "", degrees, 85);
  showThrottling(second.throttled, second.throttled_before);
  const watching = second.viewers === 1 ? "you alone are watching" : `${second.viewers} are watching`;
  setText("counts", `${number(second.frames)} frames, ${number(second.dropped)} dropped; ${watching}`);
}

function showThrottling(now, before) {
  $("throttling").classList.toggle("warn", now?.length > 0);
  if (now === null) gauge("throttling", "", "only a Pi can tell");
  else if (now.length) gauge("throttling", now.join(", "));
  else gauge("throttling", "none", before.length ? `since boot: ${before.join(", ")}` : "");
}
