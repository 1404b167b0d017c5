import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';

const isPayload = (value: object): value is Payload =>
  'metadata' in value && 'data' in value && (value as Payload).data instanceof Uint8Array;

/**
 * What Temporal's API gives as it is stored, such as the events of a history, with every payload decrypted in place. The
 * client's own calls do that by themselves.
 * @throws SwarmError unavailable where a key is missing
 */
export const readable = async <T>(client: Client, stored: T): Promise<T> => {
  const { payloadCodecs } = client.options.loadedDataConverter;
  if (payloadCodecs.length > 0) await decodeBelow(stored, payloadCodecs);
  return stored;
};

const decodeBelow = async (
  value: unknown,
  codecs: Client['options']['loadedDataConverter']['payloadCodecs'],
): Promise<void> => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (isPayload(value)) {
    let payloads: Payload[] = [value];
    // The last codec has encoded last.
    for (const codec of [...codecs].reverse()) payloads = await codec.decode(payloads);
    Object.assign(value, payloads[0]);
    return;
  }
  await Promise.all(Object.values(value).map((each) => decodeBelow(each, codecs)));
};
