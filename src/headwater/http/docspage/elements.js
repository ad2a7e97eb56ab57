// Elements and words. Text is only ever set as text, never as markup.

export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listen] of Object.entries(value)) element.addEventListener(event, listen);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return element;
};

// What docstrings are written with: paragraphs, lists, `code`, **strong**, and links.
export const prose = (text, attributes = {}) => make("div", { class: "prose", ...attributes },
  ...(text ?? "").split(/\n{2,}/).filter((part) => part.trim()).map((part) => {
    const lines = part.trim().split("\n");
    return lines.every((line) => /^\s*[-*] |^\s{2,}/.test(line))
      ? make("ul", {}, ...items(lines).map((item) => make("li", {}, ...inline(item))))
      : make("p", {}, ...inline(lines.map((line) => line.trim()).join(" ")));
  }));

const items = (lines) => lines.reduce((found, line) => {
  if (/^\s*[-*] /.test(line)) found.push(line.replace(/^\s*[-*] /, ""));
  else if (found.length) found[found.length - 1] += ` ${line.trim()}`;
  return found;
}, []);

export const inline = (text) => (text ?? "").split(/(``?[^`]+``?|\*\*[^*]+\*\*|https?:\/\/[^\s<>)`]+[^\s<>)`.,;:])/).map((part) => {
  if (/^`/.test(part)) return make("code", {}, part.replaceAll("`", ""));
  if (/^\*\*/.test(part)) return make("strong", {}, part.slice(2, -2));
  if (/^https?:/.test(part)) return make("a", { href: part, rel: "noreferrer" }, part);
  return part;
});

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

// JSON with its parts told apart by colour; anything else as it is.
export const code = (text) => {
  const shown = make("pre", { tabindex: "0" });
  let at = 0;
  for (const found of text.length < 200_000 ? text.matchAll(TOKEN) : []) {
    const kind = found[2] ? "name" : found[1] ? "string" : found[3] ? "word" : "number";
    shown.append(text.slice(at, found.index), make("span", { class: `json-${kind}` }, found[1] ?? found[0]), found[2] ?? "");
    at = found.index + found[0].length;
  }
  shown.append(text.slice(at));
  return shown;
};

export const pretty = (value) => JSON.stringify(value, null, 2);

// A button that says for a moment that it was pressed.
export const action = (label, act, done = label) => {
  const button = make("button", { type: "button", class: "small" }, label);
  button.addEventListener("click", async () => {
    button.textContent = (await act()) === false ? "Could not" : done;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
};

export const copyButton = (label, text) => action(label, async () => {
  try { await navigator.clipboard.writeText(text()); } catch { return false; }
}, "Copied");
