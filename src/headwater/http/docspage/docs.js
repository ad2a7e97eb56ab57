// Reads openapi.json and shows each operation with a form to try it.

import { action, code, copyButton, inline, make, pretty, prose } from "./elements.js";
import { asCurl, newKey, readForm, remember, send } from "./request.js";
import { exampleOf, kindOf, limitsOf, propertiesOf, resolve, use } from "./schema.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEPTH = 5;

const root = new URL(".", location.href);
const asked = new URLSearchParams(location.search).get("version");

let api = {};
let versions = [];
let base = root;

const schemes = () => api.components?.securitySchemes ?? {};

const showSchema = (node, above = []) => {
  const { inner, properties, required } = propertiesOf(node);
  const names = Object.keys(properties);
  if (!names.length || above.includes(inner) || above.length > DEPTH) return undefined;
  return make("ul", { class: "schema" }, ...names.map((name) => make("li", {},
    make("code", {}, name), " ",
    make("span", { class: "quiet" }, [kindOf(properties[name]), limitsOf(properties[name])].filter(Boolean).join(", ")),
    required.has(name) ? make("span", { class: "required" }, " required") : "",
    resolve(properties[name]).description ? make("div", { class: "quiet" }, ...inline(resolve(properties[name]).description)) : "",
    showSchema(properties[name], [...above, inner]),
  )));
};

const showInput = (parameter) => {
  const schema = resolve(parameter.schema);
  const shared = {
    "data-name": parameter.name, "data-in": parameter.in, "aria-label": parameter.name, "aria-required": parameter.required,
  };
  const choices = schema.enum ?? (schema.type === "boolean" ? [true, false] : undefined);
  const isVersion = parameter["x-headwater-version"] && parameter.required;
  if (choices) {
    return make("select", shared,
      ...(parameter.required ? [] : [make("option", { value: "" }, "")]),
      ...choices.map((value) => make("option", { value, selected: isVersion && value === choices[0] }, String(value))));
  }
  const isKey = parameter.name === "Idempotency-Key";
  const example = parameter.example ?? schema.examples?.[0];
  return make("input", {
    ...shared, class: "value", autocomplete: "off", spellcheck: "false",
    "data-many": schema.type === "array", "data-joined": schema.type === "array" && parameter.explode === false,
    placeholder: example !== undefined ? `such as ${String(example)}` : undefined,
    value: isKey ? `"${newKey()}"` : undefined,
  });
};

const showParameter = (parameter) => {
  const input = showInput(parameter);
  const renew = action("New key", () => { input.value = `"${newKey()}"`; });
  return make("tr", {},
    make("th", { scope: "row" }, make("code", {}, parameter.name), " ",
      make("span", { class: "quiet" }, parameter.in),
      parameter.required ? make("span", { class: "required" }, " required") : ""),
    make("td", {}, make("p", { class: "quiet" }, [kindOf(parameter.schema), limitsOf(parameter.schema)].filter(Boolean).join(", ")),
      parameter.description ? make("p", {}, ...inline(parameter.description)) : undefined,
      make("div", { class: "row" }, input, parameter.name === "Idempotency-Key" ? renew : "")));
};

const showBody = (body) => {
  if (!body) return [];
  const [type, media] = Object.entries(resolve(body).content)[0];
  const heading = make("h4", { "data-media-type": type }, "Body ", make("span", { class: "quiet" }, type));
  if (!type.includes("json")) {
    return [heading, make("input", { type: "file", "aria-label": "Body" })];
  }
  const example = pretty(media.example ?? exampleOf(media.schema));
  const area = make("textarea", { "aria-label": "Body", spellcheck: "false", rows: Math.min(24, example.split("\n").length + 1) });
  area.value = example;
  const format = action("Format", () => {
    try { area.value = pretty(JSON.parse(area.value)); } catch { return false; }
  });
  const reset = action("Reset", () => { area.value = example; });
  return [heading, showSchema(media.schema), area, make("p", { class: "row" }, format, reset)];
};

// The page of a list that follows this one, fetched with the cursor that it gave.
const nextPage = (text, form) => {
  const field = form.querySelector('[data-name="cursor"]');
  let next;
  try { next = JSON.parse(text)?.next; } catch { return ""; }
  if (!field || typeof next !== "string") return "";
  return make("button", { type: "button", class: "small", on: { click: () => { field.value = next; form.requestSubmit(); } } }, "Next page");
};

const showAnswered = ({ answer, blob, took, text }, request, form) => {
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const url = URL.createObjectURL(blob);
  let shown = text;
  try { shown = pretty(JSON.parse(text)); } catch { /* lines of JSON, or no JSON at all: as it came */ }
  return [
    make("p", { class: `row ${answer.ok ? "good" : "bad"}` },
      make("strong", {}, `${answer.status} ${answer.statusText}`),
      make("span", { class: "quiet" }, `${took} ms, ${blob.size.toLocaleString()} bytes`)),
    make("p", { class: "row" }, nextPage(text, form), blob.size ? make("a", { href: url, download: "answer" }, "Save") : "",
      text ? copyButton("Copy", () => shown) : ""),
    text ? code(shown) : "",
    make("details", {}, make("summary", {}, "Headers"), make("pre", { tabindex: "0" }, headers)),
    make("details", {}, make("summary", {}, "curl"), make("pre", { tabindex: "0" }, asCurl(request))),
  ];
};

const submit = async (entry, form, output) => {
  const button = form.querySelector('button[type="submit"]');
  const request = readForm(form, entry, schemes(), base);
  button.disabled = true;
  try {
    output.replaceChildren(...showAnswered(await send(request), request, form).filter(Boolean));
  } catch (error) {
    output.replaceChildren(make("p", { class: "bad" }, `No answer: ${error.message}`));
  } finally {
    button.disabled = false;
  }
};

const showExample = ([name, example]) => make("details", { class: "example" },
  make("summary", {}, make("code", {}, name), " ", make("span", { class: "quiet" }, example.summary ?? "")),
  example.description ? make("p", {}, ...inline(example.description)) : "",
  code(pretty(example.value)));

const showAnswer = ([status, reference]) => {
  const answer = resolve(reference);
  const [type, media] = Object.entries(answer.content ?? {})[0] ?? [];
  const headers = Object.entries(answer.headers ?? {}).map(([name, header]) =>
    make("li", {}, make("code", {}, name), " ", make("span", { class: "quiet" }, ...inline(resolve(header).description))));
  return make("details", {},
    make("summary", {}, make("code", { class: /^[23]/.test(status) ? "good" : "bad" }, status), " ", answer.description,
      type ? make("span", { class: "quiet" }, ` ${type}`) : ""),
    media?.schema ? showSchema(media.schema) ?? make("p", { class: "quiet" }, kindOf(media.schema)) : undefined,
    media?.example !== undefined ? code(pretty(media.example)) : "",
    ...Object.entries(media?.examples ?? {}).map(showExample),
    headers.length ? make("details", {}, make("summary", {}, "Headers"), make("ul", { class: "schema" }, ...headers)) : "",
  );
};

const showSecurity = (operation) => {
  const choices = (operation.security ?? []).map((choice) => Object.entries(choice).map(([name, scopes]) =>
    scopes.length ? `${name} (${scopes.join(", ")})` : name).join(" and "));
  const named = choices.filter(Boolean);
  if (!named.length) return "";
  return make("p", { class: "quiet" }, choices.includes("") ? "Authentication optional: " : "Authentication required: ",
    ...named.flatMap((name, at) => [at ? " or " : "", make("a", { href: "#authentication" }, name)]));
};

const showOperation = (entry) => {
  const { path, method, operation, shared } = entry;
  const parameters = [...shared, ...(operation.parameters ?? [])].map(resolve);
  const output = make("div", { class: "output", "aria-live": "polite" });
  const form = make("form", {},
    parameters.length ? make("h4", {}, "Parameters") : "",
    parameters.length ? make("table", {}, ...parameters.map(showParameter)) : "",
    ...showBody(operation.requestBody));
  form.append(make("p", { class: "row" }, make("button", { type: "submit" }, "Send"),
    copyButton("Copy as curl", () => asCurl(readForm(form, entry, schemes(), base)))));
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(entry, form, output); });
  const described = operation.description !== operation.summary && operation.description;
  return make("article", { id: operation.operationId },
    make("header", {},
      make("h3", {}, make("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()),
        make("a", { class: "path", href: `#${operation.operationId}` }, path),
        operation.deprecated ? make("span", { class: "mark" }, "deprecated") : ""),
      make("p", {}, ...inline(operation.summary))),
    make("div", { class: "inside" }, described ? prose(described) : undefined, showSecurity(operation), form, output,
      make("h4", {}, "Answers"), ...Object.entries(operation.responses).map(showAnswer)));
};

const showScheme = ([name, scheme]) => {
  const isCookie = scheme.in === "cookie";
  const where = scheme.type === "http" ? `Authorization: ${scheme.scheme}` : `${scheme.in}: ${scheme.name}`;
  return make("tr", {},
    make("th", { scope: "row" }, make("code", {}, name), " ", make("div", { class: "quiet" }, where)),
    make("td", {}, scheme.description ? make("p", {}, ...inline(scheme.description)) : "",
      isCookie
        ? make("p", { class: "quiet" }, "Your browser sends it by itself, once you have one.")
        : make("input", { type: "password", class: "value", "aria-label": name, autocomplete: "off",
          on: { input: (event) => remember(name, event.target.value) } })));
};

const showAuthentication = () => Object.keys(schemes()).length ? make("section", { id: "authentication", class: "card" },
  make("h2", {}, "Authentication"),
  make("p", { class: "quiet" }, "Kept until this page is left, and sent with the operations that want it."),
  make("table", {}, ...Object.entries(schemes()).map(showScheme))) : undefined;

const showAbout = () => {
  const { info, servers = [] } = api;
  const link = (href, text) => make("a", { href, rel: "noreferrer" }, text ?? href);
  const facts = [
    info.contact?.email && link(`mailto:${info.contact.email}`, info.contact.email),
    info.contact?.url && link(info.contact.url),
    info.license && (info.license.url ? link(info.license.url, info.license.name) : info.license.name),
    ...servers.filter((server) => server.url.includes("://")).map((server) => make("code", {}, server.url)),
  ].filter(Boolean);
  return make("section", { class: "about" }, make("h2", {}, info.title), prose(info.description),
    make("p", { class: "quiet row" }, ...facts));
};

const showTag = (tag, operations) => make("section", { "data-tag": tag.name },
  make("h2", {}, tag.name), prose(tag.description, { class: "prose quiet" }),
  ...operations.map(showOperation));

const showEntry = ({ path, method, operation }) => make("li", { "data-for": operation.operationId },
  make("a", { href: `#${operation.operationId}`, title: operation.summary ?? "", class: operation.deprecated ? "old" : undefined },
    make("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()),
    make("span", { class: "path" }, path)));

const textOf = ({ path, method, operation }) => [method, path, operation.summary, operation.description, operation.operationId,
  ...(operation.parameters ?? []).map((each) => resolve(each).name),
  ...Object.values(resolve(operation.requestBody).content ?? {}).flatMap(({ schema }) => Object.keys(propertiesOf(schema).properties)),
].join(" ").toLowerCase();

// Every word has to be found; what does not fit is hidden in the index and on the page.
const search = (operations, text) => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = new Set(operations.filter((each) => words.every((word) => textOf(each).includes(word)))
    .map(({ operation }) => operation.operationId));
  for (const element of document.querySelectorAll("article")) element.hidden = !kept.has(element.id);
  for (const element of document.querySelectorAll("[data-for]")) element.hidden = !kept.has(element.dataset.for);
  for (const section of document.querySelectorAll("[data-tag]")) {
    section.hidden = !section.querySelector("article:not([hidden]), li:not([hidden])");
  }
  document.getElementById("nothing").hidden = kept.size > 0;
};

const showVersions = () => {
  const label = document.getElementById("version");
  if (!versions.length) {
    label.textContent = `Version ${api.info.version}`;
    return;
  }
  const select = make("select", { "aria-label": "Version" }, ...versions.map((each) => make("option",
    { value: each.name, selected: each.name === api.info.version },
    `Version ${each.name}${each.deprecated ? ", deprecated" : ""}`)));
  select.addEventListener("change", () => { location.search = `?${new URLSearchParams({ version: select.value })}`; });
  label.replaceChildren(select);
};

// Marks in the index what is being read.
const follow = () => {
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      document.querySelector(`[data-for="${CSS.escape(target.id)}"] a`)?.classList.toggle("here", isIntersecting);
    }
  }, { rootMargin: "-10% 0px -70% 0px" });
  for (const article of document.querySelectorAll("article")) watcher.observe(article);
};

const listen = (operations) => {
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => search(operations, filter.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea, select")) {
      event.preventDefault();
      filter.focus();
    } else if (event.key === "Escape" && event.target === filter) {
      filter.value = "";
      search(operations, "");
    }
  });
};

const show = () => {
  const operations = Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method])
    .map((method) => ({ path, method, operation: item[method], shared: item.parameters ?? [] })));
  const names = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? ""))];
  const tags = names.map((name) => ({ name, ...(api.tags ?? []).find((tag) => tag.name === name) }));
  const of = (tag) => operations.filter(({ operation }) => (operation.tags?.[0] ?? "") === tag.name);
  showVersions();
  document.getElementById("index").replaceChildren(
    ...tags.map((tag) => make("div", { "data-tag": tag.name }, make("h2", {}, tag.name), make("ul", {}, ...of(tag).map(showEntry)))),
    make("p", { id: "nothing", class: "quiet", hidden: true }, "Nothing has all of these words."));
  document.getElementById("main").replaceChildren(
    ...[showAbout(), showAuthentication(), ...tags.map((tag) => showTag(tag, of(tag)))].filter(Boolean));
  listen(operations);
  follow();
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
};

const read = async (path) => {
  const answer = await fetch(new URL(path, root));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

try {
  api = await read("openapi.json");
  versions = api["x-headwater-versions"] ?? [];
  const chosen = versions.find((each) => each.name === (asked ?? api.info.version));
  if (chosen && chosen.name !== api.info.version) api = await read(chosen.url.slice(1));
  if (chosen?.prefix) base = new URL(chosen.prefix, root);
  for (const link of document.querySelectorAll('a[href="openapi.json"]')) link.href = chosen?.url.slice(1) ?? link.href;
  use(api);
  show();
} catch (error) {
  document.getElementById("status").textContent = `The document cannot be shown: ${error.message}`;
}
