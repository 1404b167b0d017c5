import { z } from 'zod';
import {
  channelStatusSchema,
  encoderStatusSchema,
  errorSchema,
  explanationSchema,
  forecastsSchema,
  modelsSchema,
  moveRecordSchema,
  statusSchema,
} from './answer-schemas';
import { addChannelSchema, handoffSchema } from './schemas';
import { channelSpecSchema } from '../domain';
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
const requests = { AddChannel: addChannelSchema, HandoffRequest: handoffSchema };
const answers = {
  Status: statusSchema,
  EncoderStatus: encoderStatusSchema,
  ChannelStatus: channelStatusSchema,
  ChannelSpec: channelSpecSchema,
  MoveRecord: moveRecordSchema,
  MoveResult: moveResultSchema,
  Forecasts: forecastsSchema,
  Models: modelsSchema,
  Model: manifestSchema,
  Explanation: explanationSchema,
  Error: errorSchema,
};

interface Operation {
  method: 'get' | 'post' | 'delete';
  path: string;
  summary: string;
  body?: keyof typeof requests;
  answer?: keyof typeof answers;
  list?: boolean;
  status?: number;
  refusals?: string[];
  query?: { name: string; schema: object; description: string }[];
}

const cordonRefusals = ['unknown-encoder', 'unavailable', 'timeout'];

/** Every route of the API; the document and docs/api.md follow it, and a test holds it against the router. */
export const operations: Operation[] = [
  { method: 'get', path: '/status', summary: 'The whole swarm at a glance', answer: 'Status' },
  { method: 'get', path: '/events', summary: 'Server-sent events: event `status` with a Status each second' },
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
    ...query.map((q) => ({ ...q, in: 'query', required: false })),
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
      [...new Set(operations.map((o) => o.path))].map((path) => [
        path,
        Object.fromEntries(operations.filter((o) => o.path === path).map((o) => [o.method, describe(o)])),
      ]),
    ),
    components: {
      schemas: { ...componentSchemas(answers, 'output'), ...componentSchemas(requests, 'input') },
    },
  };
  return document;
};
