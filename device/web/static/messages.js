// Messages to a phone: where they go, and a test of them.

import { $, run, setText } from "./run.js";

const button = $("messages-test");
const services = (count) => `${count} ${count === 1 ? "service" : "services"}`;

export function introduceMessages() {
  const { messages } = run.about;
  $("messages-section").hidden = !messages;
  if (!messages) return;
  setText("messages-to", `to ${services(messages.services)}`);
  setText("messages-on", `When it sees: ${messages.on.join(", ")}`);
}

function inWords({ services: count, failures }) {
  const at = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const failed = Object.entries(failures);
  if (!failed.length) return `Sent to ${services(count)} at ${at}: look at your phone`;
  const reasons = failed.map(([number, reason]) => (count === 1 ? reason : `number ${number}: ${reason}`));
  const sent = count - failed.length;
  return `${sent ? `Sent to ${services(sent)}; not taken` : "Not sent"}: ${reasons.join("; ")}`;
}

function answer(text, isError) {
  setText("messages-answer", text);
  $("messages-answer").toggleAttribute("data-failed", isError);
}

button.onclick = async () => {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true"); // not disabled, which would lose the focus
  answer("Sending\u2026", false);
  try {
    const response = await fetch("messages/test", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    const content = await response.json();
    if (response.ok) answer(inWords(content), Object.keys(content.failures).length > 0);
    else answer(content.error, true);
  } catch {
    answer("liteberry did not get that: it is out of reach", true);
  }
  button.setAttribute("aria-disabled", "false");
};
