import { z } from 'zod';
import {
  accuracySchema,
  channelStatusSchema,
  encoderStatusSchema,
  errorSchema,
  explanationSchema,
  forecastsSchema,
  historyImportedSchema,
  modelsSchema,
  moveRecordSchema,
  statusSchema,
  whatIfAnswerSchema,
} from './answer-schemas';
import { decisionSchema, rolloutStateSchema, startRolloutSchema } from './rollout-routes';
import { addBuildSchema, pinSchema, targetSchema, versionsSchema } from './version-routes';
import {
  addChannelSchema,
  eventSchema,
  handoffSchema,
  historyImportSchema,
  HISTORY_ROWS_AT_ONCE,
  whatIfSchema,
} from './schemas';
import { channelSpecSchema, encoderBuildSchema, knownEventSchema } from '../domain';
import { manifestSchema } from '../models';

const moveResultSchema = z
  .looseObject({
    channelId: z.string(),
    workflowId: z.string(),
    runId: z.string(),
    outcome: z.enum(['completed', 'compensated', 'recovered', 'refused', 'unresolved']),
    fromEncoderId: z.string().nullable(),
    toEncoderId: z.string().nullable(),
    ownerEncoderId: z.string().nullable(),
    token: z.number(),
    firstGop: z.number().nullable(),
    requestedAtMs: z.number(),
    committedAtMs: z.number().nullable(),
    overlapGops: z.number().nullable(),
    gapsDeclared: z.number(),
  })
  .describe('MoveResult of src/domain/moves.ts');

/** Named schemas of the document. Requests are described as they come in, answers as they go out. */
const requests = {
  AddChannel: addChannelSchema,
  HandoffRequest: handoffSchema,
  AddBuild: addBuildSchema,
  TargetRequest: targetSchema,
  PinRequest: pinSchema,
  StartRollout: startRolloutSchema,
  RolloutDecision: decisionSchema,
  AddEvent: eventSchema,
  HistoryImport: historyImportSchema,
  WhatIfRequest: whatIfSchema,
};
const answers = {
  Status: statusSchema,
  EncoderStatus: encoderStatusSchema,
  ChannelStatus: channelStatusSchema,
  ChannelSpec: channelSpecSchema,
  MoveRecord: moveRecordSchema,
  MoveResult: moveResultSchema,
  Forecasts: forecastsSchema,
  Accuracy: accuracySchema,
  WhatIf: whatIfAnswerSchema,
  KnownEvent: knownEventSchema,
  HistoryImported: historyImportedSchema,
  Models: modelsSchema,
  Model: manifestSchema,
  Explanation: explanationSchema,
  Versions: versionsSchema,
  EncoderBuild: encoderBuildSchema,
  Rollout: rolloutStateSchema,
  Error: errorSchema,
};

interface Operation {
  method: 'get' | 'post' | 'put' | 'delete';
  path: string;
  summary: string;
  body?: keyof typeof requests;
  answer?: keyof typeof answers;
  list?: boolean;
  status?: number;
  refusals?: string[];
  query?: { name: string; schema: object; description: string; required?: boolean }[];
}

const cordonRefusals = ['unknown-encoder', 'unavailable', 'timeout'];

/** Every route of the API; the document and docs/reference/api.md follow it, and a test holds it against the router. */
export const operations: Operation[] = [
  { method: 'get', path: '/status', summary: 'The whole swarm at a glance', answer: 'Status' },
  {
    method: 'get',
    path: '/status/stream',
    summary: 'Server-sent events: event `status` with a Status each second',
  },
  { method: 'get', path: '/channels', summary: 'Channels', answer: 'ChannelStatus', list: true },
  { method: 'get', path: '/encoders', summary: 'Encoders', answer: 'EncoderStatus', list: true },
  {
    method: 'get',
    path: '/handoffs',
    summary: 'Latest handoffs and recoveries, those under way first',
    answer: 'MoveRecord',
    list: true,
    query: [
      { name: 'limit', schema: { type: 'integer', minimum: 1, maximum: 200 }, description: 'default 20' },
    ],
    refusals: ['bad-request', 'unavailable'],
  },
  {
    method: 'get',
    path: '/forecasts',
    summary: 'Forecasts with the history before them',
    answer: 'Forecasts',
  },
  { method: 'get', path: '/models', summary: 'Trained nets, and the one in use', answer: 'Models' },
  {
    method: 'get',
    path: '/models/{id}',
    summary: 'One trained net: data range, seed, back end, scores, verdict',
    answer: 'Model',
    refusals: ['not-found', 'bad-request', 'conflict'],
  },
  {
    method: 'post',
    path: '/models/retrain',
    summary: 'Begins a retraining, unless one is under way',
    status: 202,
    refusals: ['bad-request', 'unavailable', 'timeout'],
  },
  {
    method: 'get',
    path: '/forecasts/accuracy',
    summary: 'How earlier forecasts fared, per series and steps ahead, and which of them drift',
    answer: 'Accuracy',
    query: [
      {
        name: 'steps',
        schema: { type: 'integer', minimum: 1, maximum: 10_000 },
        description: 'over so many forecast steps until now; default 168',
      },
    ],
    refusals: ['bad-request', 'unavailable', 'timeout'],
  },
  {
    method: 'get',
    path: '/forecasts/what-if',
    summary: 'Demand of the encoders concerned if one channel were on another encoder',
    answer: 'WhatIf',
    query: [
      { name: 'channel', schema: { type: 'string' }, description: 'channel to place', required: true },
      { name: 'encoder', schema: { type: 'string' }, description: 'where to', required: true },
    ],
    refusals: ['bad-request', 'unknown-channel', 'unknown-encoder', 'unavailable'],
  },
  {
    method: 'post',
    path: '/forecasts/what-if',
    summary: 'The same for several channels at once; changes nothing',
    body: 'WhatIfRequest',
    answer: 'WhatIf',
    refusals: ['bad-request', 'unknown-channel', 'unknown-encoder', 'unavailable'],
  },
  { method: 'get', path: '/events', summary: 'Known events', answer: 'KnownEvent', list: true },
  {
    method: 'post',
    path: '/events',
    summary: 'Adds a known event, or replaces the one with its id',
    body: 'AddEvent',
    answer: 'KnownEvent',
    status: 201,
    refusals: ['bad-request', 'at-capacity-limit', 'unavailable', 'timeout'],
  },
  {
    method: 'delete',
    path: '/events/{id}',
    summary: 'Removes a known event',
    status: 204,
    refusals: ['bad-request', 'not-found', 'unavailable', 'timeout'],
  },
  {
    method: 'post',
    path: '/history',
    summary: `Imports audience, at most ${HISTORY_ROWS_AT_ONCE} rows at once; the same row again replaces itself`,
    body: 'HistoryImport',
    answer: 'HistoryImported',
    refusals: ['bad-request', 'unavailable', 'timeout'],
  },
  {
    method: 'get',
    path: '/explain/{subject}',
    summary: 'Why a channel was moved and how it went; subject: channel id or workflow id',
    answer: 'Explanation',
    refusals: ['unknown-channel', 'bad-request', 'unavailable'],
  },
  { method: 'get', path: '/openapi.json', summary: 'This document' },
  {
    method: 'post',
    path: '/channels',
    summary: 'Adds a channel; what is not given comes from the default channel',
    body: 'AddChannel',
    answer: 'ChannelSpec',
    status: 201,
    refusals: ['bad-request', 'channel-exists', 'input-not-video', 'unavailable', 'timeout'],
  },
  {
    method: 'delete',
    path: '/channels/{id}',
    summary: 'Removes a channel',
    status: 204,
    refusals: ['unknown-channel', 'unavailable', 'timeout'],
  },
  {
    method: 'post',
    path: '/channels/{id}/handoff',
    summary: 'Moves a channel to another encoder, without a lost frame; answers when the move has ended',
    body: 'HandoffRequest',
    answer: 'MoveResult',
    refusals: [
      'bad-request',
      'unknown-channel',
      'unknown-encoder',
      'same-encoder',
      'encoder-cordoned',
      'encoder-full',
      'encoder-incompatible',
      'encoder-unreachable',
      'move-in-progress',
      'no-target',
      'unavailable',
      'timeout',
    ],
  },
  {
    method: 'post',
    path: '/encoders/{id}/cordon',
    summary: 'The encoder takes no new work',
    refusals: cordonRefusals,
  },
  {
    method: 'post',
    path: '/encoders/{id}/uncordon',
    summary: 'The encoder takes work again',
    refusals: cordonRefusals,
  },
  {
    method: 'post',
    path: '/encoders/{id}/drain',
    summary: 'Cordons the encoder and moves its channels away',
    refusals: cordonRefusals,
  },
  {
    method: 'get',
    path: '/rollout',
    summary: 'The rollout under way, else the last one; 204 where there was none',
    answer: 'Rollout',
    refusals: ['unavailable', 'timeout'],
  },
  {
    method: 'post',
    path: '/rollout',
    summary: 'Begins to bring a build to all encoders; answers when its waves are planned',
    body: 'StartRollout',
    answer: 'Rollout',
    status: 201,
    refusals: ['bad-request', 'not-found', 'conflict', 'encoder-incompatible', 'unavailable', 'timeout'],
  },
  ...(['pause', 'resume', 'abort'] as const).map((name): Operation => ({
    method: 'post',
    path: `/rollout/${name}`,
    summary: `Has the rollout ${name}`,
    answer: 'Rollout',
    refusals: ['conflict', 'unavailable', 'timeout'],
  })),
  {
    method: 'post',
    path: '/rollout/decide',
    summary: 'Answers a rollout that holds: it continues, or rolls back',
    body: 'RolloutDecision',
    answer: 'Rollout',
    refusals: ['bad-request', 'conflict', 'unavailable', 'timeout'],
  },
  {
    method: 'get',
    path: '/versions',
    summary: 'Catalogue of encoder builds, target and pins of the cell',
    answer: 'Versions',
    refusals: ['unavailable', 'timeout'],
  },
  {
    method: 'post',
    path: '/versions',
    summary: 'Finds or fetches a build, and adds it to the catalogue',
    body: 'AddBuild',
    answer: 'EncoderBuild',
    status: 201,
    refusals: ['bad-request', 'conflict', 'not-found', 'encoder-incompatible', 'unavailable', 'timeout'],
  },
  {
    method: 'delete',
    path: '/versions/{id}',
    summary: 'Takes a build out of the catalogue',
    status: 204,
    refusals: ['not-found', 'conflict', 'unavailable', 'timeout'],
  },
  {
    method: 'post',
    path: '/versions/{id}/probe',
    summary: 'Encodes the reference clips with a build, and derives its compatibility class',
    answer: 'EncoderBuild',
    refusals: ['not-found', 'conflict', 'encoder-incompatible', 'unavailable', 'timeout'],
  },
  {
    method: 'put',
    path: '/versions/target',
    summary: 'Sets the build that every encoder of the cell should run',
    body: 'TargetRequest',
    refusals: ['bad-request', 'not-found', 'conflict', 'encoder-incompatible', 'unavailable', 'timeout'],
  },
  {
    method: 'put',
    path: '/versions/pins/{id}',
    summary: 'Pins a channel to encoders that run a build',
    body: 'PinRequest',
    refusals: ['bad-request', 'not-found', 'unknown-channel', 'unavailable', 'timeout'],
  },
  {
    method: 'delete',
    path: '/versions/pins/{id}',
    summary: 'Lifts the pin of a channel',
    status: 204,
    refusals: ['not-found', 'unavailable', 'timeout'],
  },
];

const componentUri = (id: string): string => `#/components/schemas/${id}`;

const componentSchemas = (
  schemas: Record<string, z.ZodType>,
  io: 'input' | 'output',
): Record<string, unknown> => {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { uri: componentUri, io, unrepresentable: 'any' }).schemas;
  return Object.fromEntries(
    Object.entries(made).map(([id, schema]) => {
      const { $schema: _version, $id: _uri, ...rest } = schema as Record<string, unknown>;
      return [id, rest];
    }),
  );
};

const reference = (id: string): object => ({ $ref: componentUri(id) });
const jsonContent = (schema: object): object => ({ content: { 'application/json': { schema } } });

const describe = (operation: Operation): object => {
  const { body, answer, list, status = 200, refusals = [], query = [] } = operation;
  const parameters = [
    ...[...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...query.map((q) => ({ required: false, ...q, in: 'query' })),
  ];
  const schema = answer ? (list ? { type: 'array', items: reference(answer) } : reference(answer)) : null;
  const mutates = operation.method !== 'get';
  const codes = [...refusals, ...(mutates ? ['cross-origin'] : [])];
  return {
    summary: operation.summary,
    ...(parameters.length && { parameters }),
    ...(body && { requestBody: { required: true, ...jsonContent(reference(body)) } }),
    responses: {
      [status]: { description: 'done', ...(schema && jsonContent(schema)) },
      default: {
        description: codes.length ? `Refused: ${codes.join(', ')}` : 'Refused',
        ...jsonContent(reference('Error')),
      },
    },
  };
};

let document: object | null = null;

/** OpenAPI 3.1 document of this API, made from its zod schemas. */
export const openApiDocument = (apiUrl: string): object => {
  document ??= {
    openapi: '3.1.0',
    info: {
      title: 'Encoder Swarm',
      version: '1',
      description:
        'Looks at and commands one cell of a swarm of live encoders. No login: it listens on loopback.',
    },
    servers: [{ url: `${apiUrl}/api` }],
    paths: Object.fromEntries(
      [...new Set(operations.map((options) => options.path))].map((path) => [
        path,
        Object.fromEntries(
          operations
            .filter((options) => options.path === path)
            .map((options) => [options.method, describe(options)]),
        ),
      ]),
    ),
    components: {
      schemas: { ...componentSchemas(answers, 'output'), ...componentSchemas(requests, 'input') },
    },
  };
  return document;
};
