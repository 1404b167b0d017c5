import type { Writable } from 'node:stream';
import { RelayClient, type RelayChannel } from '../../contracts/relay';
import { SwarmError, errorFromText, type Splice } from '../../domain';
import { linkRequest } from '../../platform/links/client';
import { partAuthorization } from '../../platform/own-identity';

const MAX_ANSWER_BYTES = 16 * 1024;
/** A relay that is to be sent something waits so long for what others know. */
const SPLICES_MS = 500;
/** Whoever removes a channel waits so long for a relay that does not answer. */
const REMOVE_MS = 1_500;

/** A contribution on its way to the relay. */
export interface IngestConnection {
  stream: Writable;
  /** Settles when the relay has taken the whole body. Rejects with a SwarmError if it refuses or goes away. */
  finished: Promise<void>;
  /** Breaks the connection. */
  cut(): void;
}

/** One of the relays, as the source calls it. */
export class RelayLink {
  /** Channels that were removed, of which this relay does not know it yet. */
  readonly untold = new Set<string>();
  /** Notes that `untold` has become shorter: a channel that is brought next must not be taken for the one that was removed. */
  onTold: () => Promise<void> = () => Promise.resolve();
  /** Removals that are under way, by channel. */
  private readonly removing = new Map<string, Promise<void>>();
  private readonly client: RelayClient;

  constructor(
    readonly name: string,
    private readonly relayUrl: string,
  ) {
    this.client = new RelayClient(relayUrl);
  }

  /**
   * Makes the channel known to the relay and tells where its next contribution goes on. One of the same name that was
   * removed while the relay was away is taken away first: its GOPs are of another channel.
   * @throws SwarmError conflict for another GOP duration; unavailable or timeout without a relay
   */
  async addChannel(id: string, gopDurationTicks: number, signal: AbortSignal): Promise<RelayChannel> {
    if (this.untold.has(id)) await this.removeChannel(id, signal);
    return this.client.register({ id, gopDurationTicks }, { signal });
  }

  /**
   * Takes a channel away; one that the relay does not know counts as taken away. Where it fails, the channel stays in
   * `untold`.
   * @throws SwarmError unavailable or timeout without a relay
   */
  removeChannel(id: string, signal: AbortSignal): Promise<void> {
    this.untold.add(id);
    const known = this.removing.get(id);
    if (known) return known;
    const removal = this.client
      .remove(id, { timeoutMs: REMOVE_MS, signal })
      .then(() => {
        this.untold.delete(id);
        return this.onTold();
      })
      .finally(() => this.removing.delete(id));
    this.removing.set(id, removal);
    return removal;
  }

  /** What this relay knows of splices of the channel; none where it does not answer. */
  splices(id: string, signal: AbortSignal): Promise<Splice[]> {
    return this.client.splices(id, { timeoutMs: SPLICES_MS, signal }).catch(() => []);
  }

  /** Tells this relay of splices that others know. */
  tellSplices(id: string, splices: Splice[], signal: AbortSignal): Promise<void> {
    return this.client.tellSplices(id, splices, { signal });
  }

  /**
   * Opens a contribution whose clock shows `sourceTicks` (33-bit) at the start of a GOP. It begins with a keyframe of that
   * time or earlier. The relay refuses it if it has given the number of that GOP already.
   */
  openIngest(id: string, { gop, sourceTicks }: { gop: number; sourceTicks: number }): IngestConnection {
    const query = `from_gop=${gop}&source_ticks=${Math.round(sourceTicks) % 2 ** 33}`;
    const post = linkRequest(`${this.relayUrl}/channels/${id}/ingest?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'video/mp2t', ...partAuthorization() },
      // On one that was kept alive it can meet the moment at which the relay closes that.
      agent: false,
    });
    post.setNoDelay(true);
    const finished = new Promise<void>((resolve, reject) => {
      post.on('error', (error) =>
        reject(new SwarmError('unavailable', `The relay broke the contribution of ${id}: ${error.message}.`)),
      );
      post.on('close', () =>
        reject(new SwarmError('unavailable', `The relay closed the contribution of ${id}.`)),
      );
      post.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('error', reject);
        response.on('data', (part: string) => {
          text = (text + part).slice(0, MAX_ANSWER_BYTES);
        });
        response.on('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(ingestRefusal(id, response.statusCode ?? 0, text));
        });
      });
    });
    // Whoever opened it may give up before it looks at the outcome.
    finished.catch(() => undefined);
    return { stream: post, finished, cut: () => void post.destroy() };
  }
}

const ingestRefusal = (id: string, status: number, text: string): SwarmError =>
  errorFromText(text) ??
  new SwarmError('internal', `The relay answered the contribution of ${id} with ${status}.`);
