import { openApiDocument } from '../../src/api/openapi';
import { createProgram } from '../../src/cli/program';
import { createStartProgram } from '../../src/cli/start-program';
import { environmentSchema } from '../../src/config/config';
import { hostEnvironmentSchema } from '../../src/config/encoder-host';
import { policySchema } from '../../src/domain';
import { rolloutPolicySchema } from '../../src/domain/rollout';
import { apiReference, type OpenApiDocument } from './api-reference';
import { cliReference } from './cli-reference';
import { configurationReference } from './configuration-reference';
import { errorsReference } from './errors-reference';
import { ladderReference } from './ladder-reference';
import { policyReference } from './policy-reference';

/** Every generated page: its path from the root of the project, and its text. */
export const generatedPages = (): Record<string, string> => ({
  'docs/reference/api.md': apiReference(openApiDocument() as OpenApiDocument),
  'docs/reference/cli.md': cliReference({
    start: createStartProgram(),
    swarm: createProgram({ json: false }),
  }),
  'docs/reference/configuration.md': configurationReference({
    all: environmentSchema,
    encoderHost: hostEnvironmentSchema,
  }),
  'docs/reference/errors.md': errorsReference(),
  'docs/reference/ladder.md': ladderReference(),
  'docs/reference/policy.md': policyReference({ planner: policySchema, rollout: rolloutPolicySchema }),
});
