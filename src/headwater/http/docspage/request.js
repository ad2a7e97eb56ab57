// A request: from what the form holds to what fetch sends and curl would.

const secrets = new Map();

export const remember = (scheme, secret) => { secrets.set(scheme, secret.trim()); };

// The header fields of the first credentials that are known and that the operation takes.
const credentials = (operation, schemes) => {
  for (const choice of operation.security ?? []) {
    const fields = Object.keys(choice).map((name) => fieldOf(schemes[name] ?? {}, secrets.get(name)));
    if (fields.length && fields.every(Boolean)) return Object.fromEntries(fields);
  }
  return {};
};

const fieldOf = (scheme, secret) => {
  if (!secret) return undefined;
  if (scheme.type === "http") {
    return ["Authorization", /^basic$/i.test(scheme.scheme) ? `Basic ${btoa(secret)}` : `Bearer ${secret}`];
  }
  return scheme.type === "apiKey" && scheme.in === "header" ? [scheme.name, secret] : undefined;
};

export const newKey = () => globalThis.crypto?.randomUUID?.() ??
  Array.from({ length: 4 }, () => Math.random().toString(16).slice(2, 10)).join("-");

export const readForm = (form, { path, method, operation }, schemes, base) => {
  const query = new URLSearchParams();
  const headers = credentials(operation, schemes);
  let filled = path;
  for (const input of form.querySelectorAll("[data-name]")) {
    const { name, in: where, many, joined } = input.dataset;
    const values = many === undefined ? [input.value] : input.value.split(",").map((each) => each.trim());
    if (where === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (where === "header") headers[name] = input.value;
    else if (joined !== undefined) query.append(name, values.join(","));
    else for (const value of values) query.append(name, value);
  }
  const url = new URL(filled.slice(1) + (query.size ? `?${query}` : ""), base);
  const text = form.querySelector("textarea")?.value;
  const file = form.querySelector('input[type="file"]')?.files[0];
  const type = form.querySelector("[data-media-type]")?.dataset.mediaType;
  if (text) headers["Content-Type"] = type;
  if (file) headers["Content-Type"] = type.includes("*") ? file.type || "application/octet-stream" : type;
  return { url, method: method.toUpperCase(), headers, body: file ?? (text || undefined) };
};

const inOneQuote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export const asCurl = ({ url, method, headers, body }) => [
  ["curl", method === "GET" ? "" : `-X ${method}`, inOneQuote(url.href)].filter(Boolean).join(" "),
  ...Object.entries(headers).map(([name, value]) => `-H ${inOneQuote(`${name}: ${value}`)}`),
  ...(body instanceof File ? [`--data-binary ${inOneQuote(`@${body.name}`)}`] : body ? [`-d ${inOneQuote(body)}`] : []),
].join(" \\\n  ");

// What came back, read at most as far as one wants to look.
export const send = async ({ url, method, headers, body }) => {
  const started = performance.now();
  const answer = await fetch(url, { method, headers, body, cache: "no-store", redirect: "follow" });
  const blob = await answer.blob();
  const took = Math.round(performance.now() - started);
  const isText = /json|text|xml|csv/.test(answer.headers.get("content-type") ?? "");
  return { answer, blob, took, text: isText ? await blob.text() : undefined };
};
