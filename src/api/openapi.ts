import type { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import * as api from '../contracts/api';
import { manifestSchema } from '../contracts/model-manifest';
import {
  channelSpecSchema,
  encoderBuildSchema,
  httpStatusOf,
  moveResultSchema,
  type ErrorCode,
} from '../domain';

/** Schemas that have a name of their own in the document. */
const named: Record<string, z.ZodType> = {
  AddBuild: api.addBuildSchema,
  AddChannel: api.addChannelSchema,
  AddEvent: api.addEventSchema,
  HandoffRequest: api.handoffSchema,
  HistoryImport: api.historyImportSchema,
  PinRequest: api.pinSchema,
  RolloutDecision: api.decisionSchema,
  StartRollout: api.startRolloutSchema,
  TargetRequest: api.targetSchema,
  WhatIfRequest: api.whatIfSchema,
  Accuracy: api.accuracySchema,
  ChannelSpec: channelSpecSchema,
  ChannelStatus: api.channelStatusSchema,
  EncoderBuild: encoderBuildSchema,
  EncoderStatus: api.encoderStatusSchema,
  Error: api.errorSchema,
  Explanation: api.explanationSchema,
  Forecasts: api.forecastsSchema,
  KnownEvent: api.eventSchema,
  Model: manifestSchema,
  Models: api.modelsSchema,
  MoveRecord: api.moveRecordSchema,
  MoveResult: moveResultSchema,
  Rollout: api.rolloutSchema,
  Status: api.statusSchema,
  Versions: api.versionsSchema,
  WhatIf: api.whatIfAnswerSchema,
};

const json = (schema: z.ZodType) => ({ content: { 'application/json': { schema } } });

/** What every operation may refuse: a request that is none, or one that comes from another site. */
const ALWAYS: readonly ErrorCode[] = ['bad-request', 'cross-origin'];
/** And if not everyone may ask. */
const TO_STRANGERS: readonly ErrorCode[] = ['unauthenticated', 'forbidden'];

const SECURITY: Record<string, string[]>[] = [{ token: [] }, { session: [] }];

const answersOf = (operation: api.Operation): ZodOpenApiResponsesObject => {
  const type = operation.stream ? 'text/event-stream' : 'application/json';
  const done = Object.entries(operation.answers).map(([status, schema]) => [
    status,
    {
      description: schema ? 'Done' : 'Done, without a body',
      ...(schema && { content: { [type]: { schema } } }),
    },
  ]);
  const strangers = operation.access === 'public' ? [] : TO_STRANGERS;
  const codes = [...new Set([...ALWAYS, ...strangers, ...operation.refusals])];
  const statuses = [...new Set(codes.map((code) => httpStatusOf[code]))];
  const refused = statuses.map((status) => [
    String(status),
    {
      description: `Refused: ${codes.filter((code) => httpStatusOf[code] === status).join(', ')}`,
      ...json(api.errorSchema),
    },
  ]);
  return Object.fromEntries([...done, ...refused]) as ZodOpenApiResponsesObject;
};

const describe = (operationId: string, operation: api.Operation): ZodOpenApiOperationObject => ({
  operationId,
  summary: operation.summary,
  ...(operation.access === 'public'
    ? { security: [] }
    : { description: `For the role ${operation.access}.`, security: SECURITY }),
  ...((operation.params ?? operation.query) && {
    requestParams: {
      ...(operation.params && { path: operation.params }),
      ...(operation.query && { query: operation.query }),
    },
  }),
  ...(operation.body && { requestBody: { required: !operation.bodyOptional, ...json(operation.body) } }),
  responses: answersOf(operation),
});

/** OpenAPI 3.1 document of the API, made from the schemas by which server and clients parse. Pure. */
export const openApiDocument = (apiUrl = 'http://127.0.0.1:7700'): ReturnType<typeof createDocument> => {
  const paths: Record<string, Partial<Record<api.Method, ZodOpenApiOperationObject>>> = {};
  for (const [id, operation] of Object.entries<api.Operation>(api.operations)) {
    (paths[operation.path] ??= {})[operation.method] = describe(id, operation);
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Encoder Swarm',
        version: '1',
        description:
          'Looks at and commands one cell of a swarm of live encoders. Each operation says for which role it is: viewer, ' +
          'operator or admin; each may do what those before it may. Whoever has none is refused with 401 or 403. ' +
          'HEAD is taken wherever GET is, OPTIONS everywhere; any other method is refused with 405 and the header Allow. ' +
          'Answers may get more fields: pass over those that you do not know.',
      },
      servers: [{ url: `${apiUrl}/api` }],
      paths,
      components: {
        schemas: named,
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'a static token, or a JWT' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'swarm-session',
            description: 'of a browser that has logged in; its name differs by swarm',
          },
        },
      },
    },
    {
      outputIdSuffix: 'Answer',
      override: ({ jsonSchema, io }) => {
        // A client must bear fields that it does not know: answers are open, requests are as their schemas are.
        if (io === 'output' && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
      },
    },
  );
};
