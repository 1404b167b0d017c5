import { z } from 'zod';
import { apiReference } from '../../tools/docs/api-reference';
import { configurationReference } from '../../tools/docs/configuration-reference';
import { fieldLines, typeInWords, type JsonSchema } from '../../tools/docs/json-schema';
import { tableOf } from '../../tools/docs/page';
import { generatedPages } from '../../tools/docs/pages';
import { textOf } from './support/pages';

const generated = Object.entries(generatedPages()).map(([path, text]) => ({ path, text }));

test.each(generated)('$path is up to date; else run `npm run docs`', ({ path, text }) => {
  expect(textOf(path)).toBe(text);
});

test('generated pages do not depend on the environment', () => {
  const before = { ...process.env };
  try {
    Object.assign(process.env, {
      SWARM_STATE_DIR: '/elsewhere',
      SWARM_API_URL: 'http://other:1',
      FORCE_COLOR: '1',
    });
    expect(generatedPages()).toEqual(Object.fromEntries(generated.map(({ path, text }) => [path, text])));
  } finally {
    process.env = before;
  }
});

const textAt = (path: string): string => generated.find((page) => page.path === path)?.text ?? '';

test('the command line has every command, with its options', () => {
  const text = textAt('docs/reference/cli.md');
  for (const heading of ['## npm start', '### encoder-swarm verify', '#### encoder-swarm rollout decide'])
    expect(text).toContain(`\n${heading}\n`);
  expect(text).toContain('--port-base <N>');
  expect(text).toContain('--window <duration>');
});

test('the configuration has every variable with its default and limits', () => {
  const text = textAt('docs/reference/configuration.md');
  expect(text).toContain('### SWARM_RING_SECONDS\n\nRing of the relay');
  expect(text).toContain('Type: number, 10 to 3600. Default: `60`.');
  expect(text).toContain('Type: URL. Default: `http://127.0.0.1:7702`.');
  expect(text).toContain('Type: `"keep"` or `"restart"` or `"off"`. Default: `keep`.');
  expect(text).toContain('Not set by default.');
});

test('a variable without a description is refused', () => {
  const described = z.object({ A: z.string().default('a').describe('An A.') });
  const silent = z.object({ B: z.string().default('b') });
  expect(() => configurationReference({ all: described, encoderHost: described })).not.toThrow();
  expect(() => configurationReference({ all: silent, encoderHost: described })).toThrow(
    'B has no description',
  );
});

const plain = (name: string): string => name;

test.each<[JsonSchema, string]>([
  [{ type: 'integer', minimum: 1, maximum: 5 }, 'integer, 1 to 5'],
  [{ type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 }, 'integer'],
  [{ type: 'number', exclusiveMinimum: 0, maximum: 1 }, 'number, above 0, at most 1'],
  [{ type: 'string', minLength: 1 }, 'string, not empty'],
  [{ type: 'string', pattern: '^a$' }, 'string, matches `^a$`'],
  [{ type: 'string', format: 'date-time', pattern: '^a$' }, 'string, date-time'],
  [{ const: 'x' }, '`"x"`'],
  [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string or null'],
  [{ type: ['number', 'null'] }, 'number or null'],
  [
    { type: 'array', items: { $ref: '#/components/schemas/Move' }, maxItems: 3 },
    'list of Move, at most 3 items',
  ],
  [{ type: 'object', additionalProperties: { type: 'number' } }, 'object whose values are number'],
  [{ allOf: [{ $ref: '#/x/A' }, { $ref: '#/x/B' }] }, 'A and B'],
  [{}, 'anything'],
])('a schema in words: %j', (schema, words) => {
  expect(typeInWords(schema, plain)).toBe(words);
});

test('fields are listed with those inside them', () => {
  const schema: JsonSchema = {
    type: 'object',
    required: ['a'],
    properties: {
      a: { type: 'string', description: 'first\n  line' },
      b: { type: 'array', items: { type: 'object', properties: { c: { type: 'number', default: 1 } } } },
    },
  };
  expect(fieldLines(schema, plain)).toEqual([
    '- `a` (string): first line',
    '- `b` (list of object; optional)',
    '  - `c` (number; optional; default `1`)',
  ]);
});

test('the API page resolves shared parts, and refuses a reference that leads nowhere', () => {
  const document = {
    servers: [{ url: 'http://127.0.0.1:7700/api' }],
    paths: {
      '/things/{id}': {
        parameters: [{ $ref: '#/components/parameters/Id' }],
        get: {
          summary: 'One thing',
          responses: {
            '200': {
              description: 'done',
              content: { 'application/json': { schema: { $ref: '#/x/Thing' } } },
            },
            default: { $ref: '#/components/responses/Refused' },
          },
        },
      },
    },
    components: {
      schemas: { Thing: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
      parameters: { Id: { name: 'id', in: 'path', required: true, schema: { type: 'string' } } },
      responses: { Refused: { description: 'Refused: not-found' } },
    },
  };
  const text = apiReference(document);
  expect(text).toContain('## things\n\n### GET /api/things/{id}\n\nOne thing.');
  expect(text).toContain(
    '- `id` in the path (string)\n- 200: [Thing](#thing); done\n- otherwise: Refused: not-found',
  );
  expect(text).toContain('### Thing\n\n- `id` (string)');
  expect(() => apiReference({ ...document, components: {} })).toThrow('has no #/components/parameters/Id');
});

test('a table is padded', () => {
  expect(
    tableOf([
      ['code', 'n'],
      ['a', '200'],
    ]),
  ).toBe('| code | n   |\n| ---- | --- |\n| a    | 200 |');
});
