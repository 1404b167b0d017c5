import { z } from 'zod';
import { inputSwitchRequestSchema, standbyInfoSchema } from '../source-standby';
import { idParams } from './common';
import { operation } from './operation';

/** Which input an operator wants on air. */
export const switchInputSchema = inputSwitchRequestSchema.omit({ requestedBy: true });

export const inputSwitchedSchema = z.object({ channelId: z.string(), standby: standbyInfoSchema });

/** What can be done with the inputs of a channel. */
export const inputOperations = {
  switchInput: operation({
    method: 'post',
    path: '/channels/{id}/switch',
    access: 'operator',
    summary:
      'Puts another input of a channel on air for as long as it is sound, or (`auto`) lets the rules choose again: now, or at a moment to come',
    params: idParams,
    body: switchInputSchema,
    answers: { 200: inputSwitchedSchema },
    refusals: ['unknown-channel', 'not-found', 'conflict', 'at-capacity-limit', 'unavailable', 'timeout'],
  }),
  cancelSwitches: operation({
    method: 'delete',
    path: '/channels/{id}/switches',
    access: 'operator',
    summary: 'Forgets the switches that are planned for a channel',
    params: idParams,
    answers: { 200: inputSwitchedSchema },
    refusals: ['unknown-channel', 'conflict', 'unavailable', 'timeout'],
  }),
};
