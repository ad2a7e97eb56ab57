// Reads openapi.json and shows each operation with a form to try it. Text is only ever set as text, never as markup.

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEPTH = 5;

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
};

const root = new URL(".", location.href);
const asked = new URLSearchParams(location.search).get("version");
let document_ = {};
let versions = [];
let base = root;

const resolve = (node) => {
  let found = node ?? {};
  while (found.$ref) {
    const path = found.$ref.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    found = path.reduce((at, step) => at?.[step], document_) ?? {};
  }
  return found;
};

const nameOf = (node) => node.$ref?.split("/").pop();

const kindOf = (node) => {
  const schema = resolve(node);
  const name = nameOf(node);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(kindOf).join(" | ");
  if (schema.type === "array") return `${schema.items ? kindOf(schema.items) : "any"}[]`;
  if (name) return name;
  return [schema.type ?? "any", schema.format && `(${schema.format})`].filter(Boolean).join(" ");
};

const limitsOf = (node) => {
  const schema = resolve(node);
  const wide = schema.format === "int64" && schema.minimum < -Number.MAX_SAFE_INTEGER;
  return [
    !wide && schema.minimum !== undefined && `≥ ${schema.minimum}`,
    schema.exclusiveMinimum !== undefined && `> ${schema.exclusiveMinimum}`,
    !(schema.format === "int64" && schema.maximum > Number.MAX_SAFE_INTEGER) &&
      schema.maximum !== undefined && `≤ ${schema.maximum}`,
    schema.exclusiveMaximum !== undefined && `< ${schema.exclusiveMaximum}`,
    schema.minLength !== undefined && `at least ${schema.minLength} characters`,
    schema.maxLength !== undefined && `at most ${schema.maxLength} characters`,
    schema.minItems !== undefined && `at least ${schema.minItems} items`,
    schema.maxItems !== undefined && `at most ${schema.maxItems} items`,
    schema.pattern !== undefined && `matches ${schema.pattern}`,
    schema.default !== undefined && `by default ${JSON.stringify(schema.default)}`,
  ].filter(Boolean).join(", ");
};

const exampleOf = (node, depth = 0) => {
  const schema = resolve(node);
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  const choice = (schema.anyOf ?? schema.oneOf)?.find((each) => resolve(each).type !== "null");
  if (choice) return exampleOf(choice, depth);
  if (depth > DEPTH) return null;
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, each]) => [name, exampleOf(each, depth + 1)]),
      );
    case "array":
      return schema.items ? [exampleOf(schema.items, depth + 1)] : [];
    case "integer":
    case "number":
      return schema.minimum ?? (schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : 1);
    case "boolean":
      return true;
    case "string":
      return { uuid: "00000000-0000-7000-8000-000000000000", "date-time": new Date(0).toISOString(),
               date: "2026-01-31", time: "12:00:00", duration: "PT1H" }[schema.format] ?? "text";
    default:
      return null;
  }
};

const showSchema = (node, above = []) => {
  const schema = resolve(node);
  const inner = schema.type === "array" && schema.items ? resolve(schema.items) : schema;
  if (above.includes(inner)) return undefined;
  const parts = (inner.anyOf ?? inner.oneOf ?? inner.allOf ?? []).map(resolve);
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}), inner.properties);
  const required = new Set([...(inner.required ?? []), ...parts.flatMap((part) => part.required ?? [])]);
  const names = Object.keys(properties);
  if (!names.length || above.length > DEPTH) return undefined;
  return make("ul", { class: "schema" }, ...names.map((name) => make("li", {},
    make("code", {}, name), " ",
    make("span", { class: "kind" }, [kindOf(properties[name]), limitsOf(properties[name])].filter(Boolean).join(", ")),
    required.has(name) ? "" : make("span", { class: "kind" }, ", optional"),
    resolve(properties[name]).description ? make("div", { class: "kind" }, resolve(properties[name]).description) : "",
    showSchema(properties[name], [...above, inner]),
  )));
};

const newKey = () => globalThis.crypto?.randomUUID?.() ??
  Array.from({ length: 4 }, () => Math.random().toString(16).slice(2, 10)).join("-");

const showParameter = (parameter) => {
  const isKey = parameter.name === "Idempotency-Key";
  const isVersion = parameter["x-headwater-version"] && parameter.required;
  const input = make("input", {
    class: "value", "data-name": parameter.name, "data-in": parameter.in, "aria-label": parameter.name,
    "data-many": resolve(parameter.schema).type === "array", placeholder: limitsOf(parameter.schema) || undefined,
    value: isKey ? `"${newKey()}"` : isVersion ? parameter.schema.enum[0] : undefined, autocomplete: "off", spellcheck: "false",
  });
  return make("tr", {},
    make("th", { scope: "row" }, make("code", {}, parameter.name), " ",
      make("span", { class: "kind" }, parameter.in),
      parameter.required ? make("span", { class: "required" }, " required") : ""),
    make("td", {}, make("p", { class: "kind" }, kindOf(parameter.schema)),
      parameter.description ? make("p", {}, parameter.description) : undefined, input),
  );
};

const requestOf = (path, method, form) => {
  const query = new URLSearchParams();
  const headers = {};
  let filled = path;
  for (const input of form.querySelectorAll("input.value")) {
    const { name, in: where, many } = input.dataset;
    if (where === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (where === "header") headers[name] = input.value;
    else for (const value of many === undefined ? [input.value] : input.value.split(",")) query.append(name, value.trim());
  }
  const url = new URL(filled.slice(1) + (query.size ? `?${query}` : ""), base);
  const body = form.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = "application/json";
  return { url, init: { method: method.toUpperCase(), headers, body: body || undefined, cache: "no-store" } };
};

const inOneQuote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const asCurl = ({ url, init }) => ["curl", init.method === "GET" ? "" : `-X ${init.method}`, inOneQuote(url.href),
  ...Object.entries(init.headers).map(([name, value]) => `-H ${inOneQuote(`${name}: ${value}`)}`),
  init.body ? `-d ${inOneQuote(init.body)}` : ""].filter(Boolean).join(" ");

const pretty = (text) => {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
};

const send = async (path, method, form, output) => {
  const button = form.querySelector("button");
  const request = requestOf(path, method, form);
  button.disabled = true;
  const started = performance.now();
  try {
    const answer = await fetch(request.url, request.init);
    const text = await answer.text();
    const took = Math.round(performance.now() - started);
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    output.replaceChildren(
      make("p", { class: answer.ok ? "good" : "bad" }, `${answer.status} ${answer.statusText} · ${took} ms`),
      text ? make("pre", {}, pretty(text)) : "",
      make("details", {}, make("summary", {}, "Headers"), make("pre", {}, headers)),
      make("details", {}, make("summary", {}, "curl"), make("pre", {}, asCurl(request))),
    );
  } catch (error) {
    output.replaceChildren(make("p", { class: "bad" }, `No answer: ${error.message}`));
  } finally {
    button.disabled = false;
  }
  const key = form.querySelector('[data-name="Idempotency-Key"]');
  if (key) key.title = "Send again to see the same answer; change it to make a new request.";
};

const showBody = (body) => {
  if (!body) return [];
  const [type, media] = Object.entries(resolve(body).content)[0];
  const example = type === "*/*" ? "" : JSON.stringify(exampleOf(media.schema), null, 2);
  const area = make("textarea", { "aria-label": "Body", spellcheck: "false" });
  area.value = example;
  return [make("h4", {}, `Body · ${type}`), showSchema(media.schema), area];
};

const showAnswer = ([status, reference]) => {
  const answer = resolve(reference);
  const [type, media] = Object.entries(answer.content ?? {})[0] ?? [];
  const examples = Object.values(media?.examples ?? {}).map((each) => each.value).filter(Boolean);
  return make("details", {},
    make("summary", {}, make("code", { class: /^[23]/.test(status) ? "good" : "bad" }, status), " ", answer.description,
      type ? make("span", { class: "kind" }, ` · ${type}`) : ""),
    media ? showSchema(media.schema) ?? make("p", { class: "kind" }, kindOf(media.schema)) : undefined,
    ...examples.map((value) => make("pre", {}, JSON.stringify(value, null, 2))),
  );
};

const showOperation = (path, method, operation) => {
  const parameters = (operation.parameters ?? []).map(resolve);
  const output = make("div", { "aria-live": "polite" });
  const form = make("form", {},
    parameters.length ? make("h4", {}, "Parameters") : undefined,
    parameters.length ? make("table", {}, make("tbody", {}, ...parameters.map(showParameter))) : undefined,
    ...showBody(operation.requestBody),
    make("p", {}, make("button", { type: "submit" }, "Send")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(path, method, form, output);
  });
  return make("article", { id: operation.operationId },
    make("header", {},
      make("h3", {}, make("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()),
        make("a", { class: "path", href: `#${operation.operationId}` }, path)),
      make("p", {}, operation.deprecated ? make("span", { class: "bad" }, "deprecated ") : "", operation.summary ?? "")),
    make("div", {}, operation.description ? make("p", { class: "text" }, operation.description) : undefined,
      form, output, make("h4", {}, "Answers"), ...Object.entries(operation.responses).map(showAnswer)),
  );
};

const showEntry = ({ path, method, operation }) => make("li", {},
  make("a", { href: `#${operation.operationId}`, title: operation.summary ?? "" },
    make("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()),
    make("span", { class: "path" }, path)));

const showIndex = (operations, text) => {
  const wanted = operations.filter(({ path, method, operation }) =>
    `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase().includes(text.toLowerCase()));
  const tags = [...new Set(wanted.map(({ operation }) => operation.tags?.[0] ?? ""))];
  document.getElementById("index").replaceChildren(...tags.flatMap((tag) => [
    make("h2", {}, tag),
    make("ul", {}, ...wanted.filter(({ operation }) => (operation.tags?.[0] ?? "") === tag).map(showEntry)),
  ]));
};

const showVersions = () => {
  const label = document.getElementById("version");
  if (!versions.length) {
    label.textContent = `Version ${document_.info.version}`;
    return;
  }
  const select = make("select", { "aria-label": "Version" }, ...versions.map((each) => make("option",
    { value: each.name, selected: each.name === document_.info.version },
    `Version ${each.name}${each.deprecated ? ", deprecated" : ""}`)));
  select.addEventListener("change", () => { location.search = `?${new URLSearchParams({ version: select.value })}`; });
  label.replaceChildren(select);
};

const show = () => {
  const operations = Object.entries(document_.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })));
  showVersions();
  document.getElementById("filter").addEventListener("input", (event) => showIndex(operations, event.target.value));
  showIndex(operations, "");
  document.getElementById("main").replaceChildren(
    make("p", {}, document_.info.description ?? ""),
    ...operations.map(({ path, method, operation }) => showOperation(path, method, operation)),
  );
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
};

const read = async (path) => {
  const answer = await fetch(new URL(path, root));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

try {
  document_ = await read("openapi.json");
  versions = document_["x-headwater-versions"] ?? [];
  const chosen = versions.find((each) => each.name === (asked ?? document_.info.version));
  if (chosen && chosen.name !== document_.info.version) document_ = await read(chosen.url.slice(1));
  if (chosen?.prefix) base = new URL(chosen.prefix, root);
  for (const link of document.querySelectorAll('a[href="openapi.json"]')) link.href = chosen?.url.slice(1) ?? link.href;
  show();
} catch (error) {
  document.getElementById("status").textContent = `The document cannot be shown: ${error.message}`;
}
