// What is known of the run, and what all parts of the page use.

import { $, make, setText as setElementText } from "./elements.js";

export const run = {
  about: null, // what stays the same
  settings: null, // what is in force
  second: null, // the last one
  seconds: [], // the last three minutes
  frame: null, // the one on show: {record, size_wh, unsure, bitmap, jpeg}
  line: "", // what is on it, in words
  goodbye: null, // what the server said at the end
  editing: false, // whether zones, lines and masks are being drawn
  ended: "connecting", // why there is no connection; null while there is one
};

export { $, make };
export const setText = (id, text) => setElementText($(id), text);

// A number that is read in passing: with a decimal only where that says something.
export const brief = (value, decimalBelow) => value.toFixed(value < decimalBelow ? 1 : 0);

export const itemsOf = ({ record }) => record.detections ?? record.classes ?? [];
export const percent = (score) => `${Math.round(score * 100)} %`;
export const colourOf = (label) => run.about?.labels[label] ?? "currentcolor";
