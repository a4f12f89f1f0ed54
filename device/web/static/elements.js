// Elements of a page: found, made, and given their text.

export const $ = (id) => document.getElementById(id);

export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// A screen reader reads a text again when it is set, changed or not.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
