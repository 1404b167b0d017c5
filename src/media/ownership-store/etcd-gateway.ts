import { z } from 'zod';
import { callJson } from '../../contracts/call';
import { SwarmError } from '../../domain';
import { SeveralAddresses } from '../../platform/several-addresses';

/**
 * The few calls of etcd that are needed, over its HTTP gateway (etcd 3.4 and later, `/v3`: etcd.io/docs, "etcd API
 * gateway"). Keys and values cross it in base64, 64-bit numbers as strings.
 */

const DEADLINE_MS = 2_500;
/** A member that has not answered a question by then is stopped, or has lost its leader: the next one is asked too. */
const READ_PATIENCE_MS = 500;

const keyValueSchema = z.object({
  key: z.base64(),
  value: z.base64().default(''),
  mod_revision: z.string().regex(/^\d+$/),
});
const rangeSchema = z.object({ kvs: z.array(keyValueSchema).default([]) });
const transactionSchema = z.object({
  header: z.object({ revision: z.string().regex(/^\d+$/) }),
  /** Left out where it is false. */
  succeeded: z.boolean().default(false),
});

/** A value with the revision of the store that wrote it. */
export interface EtcdEntry {
  key: string;
  value: string;
  revision: string;
}

const encoded = (text: string): string => Buffer.from(text).toString('base64');
const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

/** The key behind all that begin with a prefix: etcd's ranges end before it. */
const endOfPrefix = (prefix: string): string => {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
};

export class EtcdGateway {
  private readonly members: SeveralAddresses;

  /** @param urls of the members, without a slash at the end */
  constructor(urls: readonly string[]) {
    this.members = new SeveralAddresses(urls);
  }

  /** Linearizable. */
  async get(key: string): Promise<EtcdEntry | undefined> {
    const { kvs } = await this.ask('range', rangeSchema, { key: encoded(key) });
    return kvs.map(entryOf)[0];
  }

  /** Linearizable; all whose keys begin with a prefix. */
  async getAll(prefix: string): Promise<EtcdEntry[]> {
    const range = { key: encoded(prefix), range_end: encoded(endOfPrefix(prefix)) };
    return (await this.ask('range', rangeSchema, range)).kvs.map(entryOf);
  }

  /**
   * Writes a value if the one of this revision is in force; revision 0: if there is none.
   * @returns the new revision; null if another one is in force. Where a member that did not answer had written it already,
   * it is null too: whoever asks reads again in any case.
   */
  async replace(key: string, value: string, revision: string): Promise<string | null> {
    const answer = await this.ask('txn', transactionSchema, {
      compare: [{ key: encoded(key), target: 'MOD', result: 'EQUAL', mod_revision: revision }],
      success: [{ request_put: { key: encoded(key), value: encoded(value) } }],
    });
    return answer.succeeded ? answer.header.revision : null;
  }

  private async ask<T extends z.ZodType>(
    call: 'range' | 'txn',
    schema: T,
    json: object,
  ): Promise<z.output<T>> {
    const path = call === 'range' ? '/v3/kv/range' : '/v3/kv/txn';
    const askMember = (url: string, signal?: AbortSignal): Promise<z.output<T>> =>
      callJson(`${url}${path}`, schema, {
        ...{ method: 'POST', json, part: 'ownership store', callee: 'anyone', token: null },
        ...{ timeoutMs: DEADLINE_MS, ...(signal && { signal }) },
      });
    try {
      // A change is asked of one after the other: of two that have it, one would say that it came too late.
      return call === 'range'
        ? await this.members.askEagerly(askMember, READ_PATIENCE_MS)
        : await this.members.ask(
            (url) => askMember(url),
            () => true,
          );
    } catch (error) {
      throw new SwarmError(
        'unavailable',
        `The ownership store can't be asked: ${(error as Error).message}`,
        'Channels on air stay on air; nobody can take one over until a majority of its members runs (SWARM_OWNERSHIP_STORE).',
      );
    }
  }
}

const entryOf = ({ key, value, mod_revision }: z.infer<typeof keyValueSchema>): EtcdEntry => ({
  key: decoded(key),
  value: decoded(value),
  revision: mod_revision,
});
