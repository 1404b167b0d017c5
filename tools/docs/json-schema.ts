/** As much of JSON Schema as zod writes and a reference shows. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number | boolean;
  exclusiveMaximum?: number | boolean;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema | boolean;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
}

const SAFE_INTEGER = Number.MAX_SAFE_INTEGER;

/** The name at the end of a reference: "#/components/schemas/Status" is Status. */
export const nameOf = (reference: string): string => reference.slice(reference.lastIndexOf('/') + 1);

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;

const range = (schema: JsonSchema): string => {
  const above = typeof schema.exclusiveMinimum === 'number' ? schema.exclusiveMinimum : null;
  const below = typeof schema.exclusiveMaximum === 'number' ? schema.exclusiveMaximum : null;
  const least = schema.minimum !== undefined && schema.minimum > -SAFE_INTEGER ? schema.minimum : null;
  const most = schema.maximum !== undefined && schema.maximum < SAFE_INTEGER ? schema.maximum : null;
  if (least !== null && most !== null) return `${least} to ${most}`;
  return [
    ...(least === null ? [] : [`at least ${least}`]),
    ...(above === null ? [] : [`above ${above}`]),
    ...(most === null ? [] : [`at most ${most}`]),
    ...(below === null ? [] : [`below ${below}`]),
  ].join(', ');
};

const sized = (word: string, least: number | undefined, most: number | undefined): string => {
  if (least !== undefined && most !== undefined) return `${least} to ${most} ${word}`;
  if (most !== undefined) return `at most ${most} ${word}`;
  if (least === 1) return 'not empty';
  return least === undefined ? '' : `at least ${least} ${word}`;
};

const withNote = (type: string, ...notes: string[]): string => {
  const said = notes.filter((note) => note !== '');
  return said.length === 0 ? type : `${type}, ${said.join(', ')}`;
};

/**
 * A schema in a few words, such as "integer, 1 to 65535" or "list of [Move](#move)".
 * @param link how the name of another schema is shown
 */
export const typeInWords = (schema: JsonSchema, link: (name: string) => string): string => {
  if (schema.$ref !== undefined) return link(nameOf(schema.$ref));
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(' or ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined)
    return [...new Set(choices.map((choice) => typeInWords(choice, link)))].join(' or ');
  if (schema.allOf !== undefined) return schema.allOf.map((part) => typeInWords(part, link)).join(' and ');
  if (Array.isArray(schema.type))
    return schema.type.map((type) => typeInWords({ ...schema, type }, link)).join(' or ');
  switch (schema.type) {
    case 'array': {
      const items = typeof schema.items === 'object' ? typeInWords(schema.items, link) : 'anything';
      return withNote(`list of ${items}`, sized('items', schema.minItems, schema.maxItems));
    }
    case 'object': {
      if (schema.properties !== undefined) return 'object';
      const values = schema.additionalProperties;
      return typeof values === 'object' && Object.keys(values).length > 0
        ? `object whose values are ${typeInWords(values, link)}`
        : 'object';
    }
    case 'integer':
    case 'number':
      return withNote(schema.type, range(schema));
    case 'string':
      return withNote(
        'string',
        schema.format ?? '',
        sized('characters', schema.minLength, schema.maxLength),
        schema.pattern === undefined || schema.format !== undefined ? '' : `matches \`${schema.pattern}\``,
      );
    case undefined:
      return 'anything';
    default:
      return schema.type;
  }
};

/** The schema of which nested fields are to be listed: that of an object, or of a list's items. */
const insideOf = (schema: JsonSchema): JsonSchema | null => {
  if (schema.properties !== undefined) return schema;
  if (typeof schema.items === 'object') return insideOf(schema.items);
  if (typeof schema.additionalProperties === 'object') return insideOf(schema.additionalProperties);
  const choices = (schema.anyOf ?? schema.oneOf ?? []).flatMap((choice) => insideOf(choice) ?? []);
  return choices.length === 1 ? (choices[0] ?? null) : null;
};

/** Choices between objects, which have no fields in common to list; also where null is one more choice. */
const variantsOf = (schema: JsonSchema): JsonSchema[] => {
  const choices = (schema.anyOf ?? schema.oneOf ?? []).flatMap((choice) =>
    choice.properties === undefined ? variantsOf(choice) : [choice],
  );
  return choices.length > 1 ? choices : [];
};

/** One line for each field of an object, nested ones indented. */
export const fieldLines = (
  schema: JsonSchema,
  link: (name: string) => string,
  options: { requests?: boolean } = {},
  indent = '',
): string[] => {
  const variants = variantsOf(schema);
  if (variants.length > 0)
    return variants.flatMap((variant, i) => [
      `${indent}- variant ${i + 1}`,
      ...fieldLines(variant, link, options, `${indent}  `),
    ]);
  const inside = insideOf(schema);
  const required = new Set(inside?.required ?? []);
  return Object.entries(inside?.properties ?? {}).flatMap(([name, field]) => {
    const type = typeInWords(field, link);
    const notes = [
      ...(required.has(name) ? [] : ['optional']),
      ...(field.default !== undefined && typeof field.default !== 'object'
        ? [`default ${code(field.default)}`]
        : []),
    ];
    const said = field.description === undefined ? '' : `: ${field.description.replace(/\s+/g, ' ')}`;
    return [
      `${indent}- \`${name}\` (${[type, ...notes].join('; ')})${said}`,
      ...fieldLines(field, link, options, `${indent}  `),
    ];
  });
};
