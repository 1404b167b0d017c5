import type { z } from 'zod';
import { SeveralAddresses } from '../platform/several-addresses';
import { callJson, noContent, type CallInit, type CallOptions } from './call';
import { isLeaderAway, isOfOneReplica } from './replica-refusals';

/** Where a part has replicas, one that does not answer within this is left for the next one. */
const REPLICA_PATIENCE_MS = 3_000;
/** Who reads what any replica may answer does not wait for one alone that has not answered by then. */
const HEDGE_MS = 400;

/** The address of a part, and how its channels are asked for: what the clients of relay, origin and source share. */
export abstract class PartClient {
  protected abstract readonly part: string;
  protected readonly addresses: SeveralAddresses;

  /** @param urls base URL, or those of all replicas, of which the next one is asked where one does not answer */
  constructor(urls: string | readonly string[]) {
    this.addresses = new SeveralAddresses(typeof urls === 'string' ? [urls] : urls);
  }

  /** Base URL of the one that is asked first. */
  get url(): string {
    return this.addresses.current;
  }

  /** Takes a channel away; an unknown one counts as taken away. */
  async remove(channelId: string, options: CallOptions = {}): Promise<void> {
    await this.ask(noContent, this.channelPath(channelId), { ...options, method: 'DELETE' });
  }

  protected ask<T extends z.ZodType>(schema: T, path: string, init: CallInit = {}): Promise<z.output<T>> {
    const call = (url: string): Promise<z.output<T>> =>
      callJson(`${url}${path}`, schema, { ...this.bounded(init), part: this.part });
    return this.addresses.ask(
      (url) =>
        call(url).catch((error: unknown) => {
          if (!isLeaderAway(error) || init.signal?.aborted) throw error;
          return call(url);
        }),
      (error) => this.hasReplicas && !init.signal?.aborted && this.isToAskElsewhere(error),
    );
  }

  /** For questions that change nothing: where a replica has stopped, the next one answers within half a second. */
  protected read<T extends z.ZodType>(schema: T, path: string, init: CallInit = {}): Promise<z.output<T>> {
    const bounded = { ...this.bounded(init), part: this.part };
    const signals = init.signal ? [init.signal] : [];
    return this.addresses.askEagerly(
      (url, over) =>
        callJson(`${url}${path}`, schema, { ...bounded, signal: AbortSignal.any([...signals, over]) }),
      HEDGE_MS,
      (error) => !init.signal?.aborted && this.isToAskElsewhere(error),
    );
  }

  protected get hasReplicas(): boolean {
    return this.addresses.all.length > 1;
  }

  /** Whether a replica may answer what another one answers with an error. */
  protected isToAskElsewhere(error: unknown): boolean {
    return isOfOneReplica(error);
  }

  protected channelPath(channelId: string): string {
    return `/channels/${encodeURIComponent(channelId)}`;
  }

  protected bounded(init: CallInit): CallInit {
    if (!this.hasReplicas) return init;
    return { ...init, timeoutMs: Math.min(init.timeoutMs ?? REPLICA_PATIENCE_MS, REPLICA_PATIENCE_MS) };
  }
}
