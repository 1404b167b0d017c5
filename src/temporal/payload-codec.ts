import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { Environment } from '../config/config';
import { SwarmError } from '../domain';
import { PayloadKeys, payloadKeysFolder } from './payload-keys';

const CIPHER = 'aes-256-gcm';
const ENCRYPTED = 'binary/encrypted';
const IV_BYTES = 12;
const TAG_BYTES = 16;

const toText = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

/**
 * Encrypts what workflows and activities are given and answer, so that Temporal's database, backups and page hold nothing
 * that can be read without the key. AES-256-GCM; a payload's metadata names the key. What is not marked as encrypted is
 * as it is: histories from before stay readable, and so do those of a swarm that no longer encrypts.
 */
export class EncryptingCodec implements PayloadCodec {
  /** @param encrypts default: only what is encrypted is read */
  constructor(
    private readonly keys: PayloadKeys,
    private readonly encrypts: boolean,
  ) {}

  /** @throws SwarmError unavailable where there is no key any more: nothing is written in plain in its place */
  async encode(payloads: Payload[]): Promise<Payload[]> {
    if (!this.encrypts) return payloads;
    const { current } = this.keys;
    if (!current)
      throw new SwarmError(
        'unavailable',
        'The keys of payloads are gone: nothing is written to Temporal.',
        'Restore the folder of the keys, secrets/payload-keys or SWARM_PAYLOAD_KEYS, from a backup.',
      );
    return payloads.map((payload) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, current.key, iv).setAAD(Buffer.from(current.id));
      const plain = temporal.api.common.v1.Payload.encode(payload).finish();
      const text = Buffer.concat([cipher.update(plain), cipher.final()]);
      return {
        metadata: {
          encoding: Buffer.from(ENCRYPTED),
          'encryption-cipher': Buffer.from(CIPHER),
          'encryption-key-id': Buffer.from(current.id),
        },
        data: Buffer.concat([iv, cipher.getAuthTag(), text]),
      };
    });
  }

  /** @throws SwarmError unavailable where a key is missing, or a payload is not what was encrypted with it */
  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.decodeOne(payload)));
  }

  private async decodeOne(payload: Payload): Promise<Payload> {
    if (toText(payload.metadata?.encoding) !== ENCRYPTED) return payload;
    const { id, key } = await this.keys.get(toText(payload.metadata?.['encryption-key-id']));
    const data = Buffer.from(payload.data ?? []);
    try {
      const iv = data.subarray(0, IV_BYTES);
      const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(
        Buffer.from(id),
      );
      decipher.setAuthTag(data.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const plain = Buffer.concat([decipher.update(data.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      return temporal.api.common.v1.Payload.decode(plain);
    } catch {
      throw new SwarmError(
        'unavailable',
        `A payload of Temporal can't be decrypted with key ${id}: it was changed, or the key is another one.`,
        'Restore the key that it was encrypted with.',
      );
    }
  }
}

/**
 * How this process turns payloads into bytes and back. Without encryption and without any key: as Temporal does by itself.
 */
export const payloadCodecOf = async (environment: Environment): Promise<EncryptingCodec | undefined> => {
  const encrypts = environment.SWARM_PAYLOAD_CODEC === 'on';
  const keys = await PayloadKeys.open(payloadKeysFolder(environment), { make: encrypts });
  return encrypts || keys.current ? new EncryptingCodec(keys, encrypts) : undefined;
};

/** The same, as clients and workers take it. */
export const dataConverterOf = async (
  environment: Environment,
): Promise<{ dataConverter?: DataConverter }> => {
  const codec = await payloadCodecOf(environment);
  return codec ? { dataConverter: { payloadCodecs: [codec] } } : {};
};
