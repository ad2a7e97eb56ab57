// Schemas: what a reference stands for, what a value must be like, and one that is.

const DEPTH = 5;

let whole = {};

export const use = (given) => { whole = given; };

export const resolve = (node) => {
  let found = node ?? {};
  while (found.$ref) {
    const path = found.$ref.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    found = path.reduce((at, step) => at?.[step], whole) ?? {};
  }
  return found;
};

const nameOf = (node) => {
  const name = node.$ref?.split("/").pop();
  return name && (resolve(node).title ?? name);
};

const isNull = (node) => resolve(node).type === "null";

export const kindOf = (node) => {
  const schema = resolve(node);
  const name = nameOf(node);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(kindOf).join(" | ");
  if (schema.type === "array") return schema.prefixItems && !schema.items
    ? `[${schema.prefixItems.map(kindOf).join(", ")}]` : `list of ${schema.items ? kindOf(schema.items) : "any"}`;
  if (name) return name;
  if (schema.type === "object" && schema.additionalProperties) return `map of ${kindOf(schema.additionalProperties)}`;
  return [schema.type ?? "any", schema.format && `(${schema.format})`].filter(Boolean).join(" ");
};

const isWide = (bound) => bound !== undefined && Math.abs(bound) > Number.MAX_SAFE_INTEGER;

export const limitsOf = (node) => {
  const schema = resolve(node);
  return [
    schema.minimum !== undefined && !isWide(schema.minimum) && `≥ ${schema.minimum}`,
    schema.exclusiveMinimum !== undefined && `> ${schema.exclusiveMinimum}`,
    schema.maximum !== undefined && !isWide(schema.maximum) && `≤ ${schema.maximum}`,
    schema.exclusiveMaximum !== undefined && `< ${schema.exclusiveMaximum}`,
    schema.multipleOf !== undefined && `a multiple of ${schema.multipleOf}`,
    schema.minLength && `${schema.minLength} characters or more`,
    schema.maxLength !== undefined && `at most ${schema.maxLength} characters`,
    schema.minItems && `${schema.minItems} or more`,
    schema.maxItems !== undefined && `at most ${schema.maxItems}`,
    schema.pattern !== undefined && `matches ${schema.pattern}`,
    schema.default !== undefined && schema.default !== null && `by default ${JSON.stringify(schema.default)}`,
  ].filter(Boolean).join(", ");
};

// For a schema that came without an example.
export const exampleOf = (node, depth = 0) => {
  const schema = resolve(node);
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  const choice = (schema.anyOf ?? schema.oneOf)?.find((each) => !isNull(each));
  if (choice) return exampleOf(choice, depth);
  if (depth > DEPTH) return null;
  const inside = (each) => exampleOf(each, depth + 1);
  if (schema.type === "object") {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, inside(each)]));
  }
  if (schema.type === "array") return schema.items ? [inside(schema.items)] : (schema.prefixItems ?? []).map(inside);
  return { integer: schema.minimum ?? 1, number: schema.minimum ?? 1, boolean: true, string: "text" }[schema.type] ?? null;
};

// Its properties, those of what it combines as well, and which of them are required.
export const propertiesOf = (node) => {
  const schema = resolve(node);
  const inner = schema.type === "array" && schema.items ? resolve(schema.items) : schema;
  const parts = (inner.anyOf ?? inner.oneOf ?? inner.allOf ?? []).map(resolve);
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}), inner.properties);
  const required = new Set([...(inner.required ?? []), ...parts.flatMap((part) => part.required ?? [])]);
  return { inner, properties, required };
};
