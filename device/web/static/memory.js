// Questions to what the run keeps, and changes to it.

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw Object.assign(new Error("liteberry is out of reach: is it running?"), { status: 0 });
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(content.error ?? answer.statusText), { status: answer.status });
  return content;
}

function query({ since, until, classes = [], zones = [], kept = false, after = null }) {
  const words = new URLSearchParams({ since, until });
  for (const name of classes) words.append("class", name);
  for (const name of zones) words.append("zone", name);
  if (kept) words.set("kept", "1");
  if (after !== null) words.set("after", after);
  return words;
}

export const askDay = (wanted) => ask(`api/day?${query(wanted)}`);
export const askVisits = (wanted) => ask(`api/visits?${query(wanted)}`);

export const change = (number, what) =>
  ask(`api/visits/${number}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(what),
  });
