import { z } from 'zod';
import type { JsonSchema } from './json-schema';
import { typeInWords } from './json-schema';
import { generatedNote, pageOf } from './page';

type Variables = z.ZodObject<Record<string, z.ZodType>>;

const sectionsOf = (schema: Variables, level: number): string[] => {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as JsonSchema;
  const defaults = schema.parse({}) as Record<string, string | number | undefined>;
  return Object.keys(schema.shape).flatMap((name) => {
    const described = schema.shape[name] as z.ZodType;
    const property = properties[name] ?? {};
    const value = defaults[name];
    // A URL is checked and then trimmed: what it was checked by can't be seen from the outcome.
    const type =
      property.type === undefined && property.enum === undefined ? 'URL' : typeInWords(property, (n) => n);
    return [
      `${'#'.repeat(level)} ${name}`,
      described.description ?? '',
      `Type: ${type}. ${value === undefined ? 'Not set by default.' : `Default: \`${value}\`.`}`,
    ];
  });
};

/** The reference of all variables. @throws Error for a variable without a description */
export const configurationReference = (schemas: { all: Variables; encoderHost: Variables }): string => {
  for (const schema of Object.values(schemas))
    for (const [name, field] of Object.entries(schema.shape))
      if (!field.description) throw new Error(`${name} has no description in src/config.`);
  return pageOf([
    generatedNote('the schemas in `src/config/`'),
    '# Configuration',
    'Every variable that a part of the swarm reads. Each has a default that works on one machine. An empty variable counts as not set. A value that does not fit is refused at the start, with its name.',
    'Options of a start are in the [command line](cli.md). What the planner may do is the [policy](policy.md).',
    '## All parts',
    ...sectionsOf(schemas.all, 3),
    '## Encoder hosts',
    'These distinguish one encoder host from another. The local provider sets them; for hosts of your own, you do.',
    ...sectionsOf(schemas.encoderHost, 3),
  ]);
};
