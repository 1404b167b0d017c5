import { spliceRequestSchema, spliceSchema } from '../../domain';
import { idParams } from './common';
import { operation } from './operation';

export const spliceOperations = {
  splice: operation({
    method: 'post',
    path: '/channels/{id}/splices',
    access: 'operator',
    summary:
      'Begins a break in a channel, or ends one: the segment is cut at that picture, and playlists and manifest say so',
    params: idParams,
    body: spliceRequestSchema,
    answers: { 201: spliceSchema },
    refusals: ['unknown-channel', 'conflict', 'at-capacity-limit', 'unavailable', 'timeout'],
  }),
};
