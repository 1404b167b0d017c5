import { z } from 'zod';
import { fieldLines, type JsonSchema } from './json-schema';
import { generatedNote, pageOf } from './page';

const fieldsOf = (schema: z.ZodType): string =>
  fieldLines(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema, (name) => name)
    .map((line) => line.replace('; optional; default', '; default').replace('; optional)', ')'))
    .join('\n');

/** The reference of what the planner and a rollout may do. */
export const policyReference = (schemas: { planner: z.ZodType; rollout: z.ZodType }): string =>
  pageOf([
    generatedNote('`src/domain/plan.ts` and `src/domain/rollout.ts`'),
    '# Policy',
    "What the swarm may do, and when. Fractions are of 1; those of capacity are of an encoder's. Every field has a default.",
    '## Planner',
    'The policy of a cell. How it is used: [planner](../explanation/planner.md).',
    fieldsOf(schemas.planner),
    '## Rollout',
    'The policy of one rollout. How it is used: [versions](../explanation/versions.md#rollouts) and [how a build is judged](../explanation/how-a-build-is-judged.md).',
    fieldsOf(schemas.rollout),
  ]);
