import type { z } from 'zod';
import { channelSpecSchema, idSchema, type ChannelInput } from '../../domain';

/** What to bring to the relay: body of PUT /channels/:id. */
export const sourceSpecSchema = channelSpecSchema.pick({
  input: true,
  framesPerSecond: true,
  gopDurationTicks: true,
});
export type SourceSpec = z.infer<typeof sourceSpecSchema>;

/** A channel as it is kept over a restart. */
export const sourceChannelSpecSchema = sourceSpecSchema.extend({ id: idSchema });
export type SourceChannelSpec = z.infer<typeof sourceChannelSpecSchema>;

/** `ended` and `failed` inputs are tried again; `error` says what happened last. */
export type SourceState = 'running' | 'ended' | 'failed';

/** A channel as the source answers it over HTTP. */
export interface SourceChannel {
  id: string;
  input: ChannelInput;
  state: SourceState;
  error?: string;
  /** Pictures sent since this process took the channel on. */
  framesSent: number;
  /** Wall clock, milliseconds since 1970, of the present contribution's start. */
  startedAtMs: number;
}
