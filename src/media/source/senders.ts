import { setTimeout as sleep } from 'node:timers/promises';
import { SwarmError } from '../../domain';
import { digestOf, equalDigests } from '../../platform/gate';
import { schemeOf } from './input-policy';
import { listenFor, type ListeningKind } from './listening';
import type { ProbedInput } from './probe';
import { probeSender } from './probe-sender';
import type { Sender } from './sender';

/** A sender that was looked at waits so long for its channel. */
const PARKED_MS = 60_000;
/** A look waits so long for somebody to send. */
const LOOK_MS = 3_000;

export interface TakenSender {
  sender: Sender;
  /** What a look at it has found. */
  probed: ProbedInput | undefined;
}

interface Place {
  arrived: Promise<TakenSender>;
  hasArrived: boolean;
  /** A channel waits for it. */
  isWanted: boolean;
  giveUp: AbortController;
  /** Hands over who has come by HTTP. */
  admit: (sender: Sender) => void;
  idle: NodeJS.Timeout | undefined;
}

/**
 * Where inputs wait for those who send them. Each connects once: the one whom a look has seen is the one who goes on air.
 */
export class Senders {
  private readonly places = new Map<string, Place>();
  /** Of all that have come, or are waited for: settles when they have gone. */
  private readonly open = new Set<Promise<void>>();
  /** By channel: keys of those who are waited for by HTTP, and who sends now. */
  private readonly pushed = new Map<string, { url: string; sender: Sender | null }>();

  /** @param takesPushes contributions are taken by HTTP */
  constructor(private readonly tools: { ffmpeg: string; ffprobe: string; takesPushes: boolean }) {}

  /** @throws SwarmError bad-request where a channel can't be sent by HTTP to this address */
  requirePushAddress(url: string, channelId: string): void {
    if (!isPush(url)) return;
    if (!this.tools.takesPushes)
      throw new SwarmError(
        'bad-request',
        'The source takes nothing by HTTP: it has no port for it.',
        'Start it with SWARM_PUSH_PORT.',
      );
    if (URL.canParse(url) && channelOf(url) === channelId && keyOf(url).length >= LEAST_KEY) return;
    throw new SwarmError(
      'bad-request',
      `${channelId} is sent with push://${channelId}?key=KEY, with a key of ${LEAST_KEY} characters or more.`,
      'Let encoder-swarm channel add --push make one.',
    );
  }

  /** Waits for the sender of an input. @throws SwarmError input-ended, forbidden; when the signal is aborted */
  async take(url: string, kind: ListeningKind, signal: AbortSignal): Promise<TakenSender> {
    const place = this.placeOf(url, kind);
    place.isWanted = true;
    clearTimeout(place.idle);
    const aborted = new Promise<never>((_resolve, reject) => {
      const giveUp = (): void => reject(new SwarmError('input-ended', 'It is no longer waited for.'));
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
    try {
      const taken = await Promise.race([place.arrived, aborted]);
      if (taken.sender.isOver) throw new SwarmError('input-ended', 'Its sender has gone again.');
      return taken;
    } finally {
      if (signal.aborted) place.giveUp.abort();
      this.places.delete(url);
    }
  }

  /**
   * What a sender sends, who then waits for its channel.
   * @throws SwarmError timeout while nobody sends; input-not-video
   */
  async look(url: string, kind: ListeningKind): Promise<ProbedInput> {
    if (kind === 'push') this.requirePushAddress(url, channelOf(url));
    const place = this.placeOf(url, kind);
    clearTimeout(place.idle);
    if (!place.isWanted) place.idle = setTimeout(() => this.close(url, place), PARKED_MS).unref();
    const taken = await Promise.race([place.arrived, sleep(LOOK_MS, null, { ref: false })]);
    if (!taken)
      throw new SwarmError('timeout', 'Nobody sends yet; it is waited for.', 'Begin to send, and ask again.');
    taken.probed ??= await probeSender(this.tools.ffprobe, taken.sender);
    return taken.probed;
  }

  /**
   * Takes who sends by HTTP; the one before has gone, or does not know it yet.
   * @throws SwarmError unauthenticated
   */
  push(channelId: string, key: string, make: () => Sender): Sender {
    const url = this.pushed.get(channelId)?.url;
    // The same for a channel that is not there.
    if (url === undefined || !equalDigests(digestOf(key), digestOf(keyOf(url))))
      throw new SwarmError(
        'unauthenticated',
        `This is not the key of ${channelId}.`,
        'Send the header authorization: Bearer KEY.',
      );
    const before = this.pushed.get(channelId)?.sender;
    before?.close();
    // It was not asked for yet, and now it never will be.
    if (before && this.places.get(url)?.hasArrived) this.places.delete(url);
    const sender = make();
    this.pushed.set(channelId, { url, sender });
    const place = this.placeOf(url, 'push');
    place.hasArrived = true;
    place.admit(sender);
    return sender;
  }

  /** A channel may be sent by HTTP, or not any more. */
  expect(url: string): void {
    this.pushed.set(channelOf(url), { url, sender: this.pushed.get(channelOf(url))?.sender ?? null });
  }

  forget(url: string): void {
    this.pushed.get(channelOf(url))?.sender?.close();
    this.pushed.delete(channelOf(url));
  }

  async stop(): Promise<void> {
    for (const [url, place] of this.places) this.close(url, place);
    for (const { sender } of this.pushed.values()) sender?.close();
    await Promise.all(this.open);
  }

  private close(url: string, place: Place): void {
    clearTimeout(place.idle);
    place.giveUp.abort();
    place.arrived.then(({ sender }) => sender.close()).catch(() => undefined);
    if (this.places.get(url) === place) this.places.delete(url);
  }

  private placeOf(url: string, kind: ListeningKind): Place {
    const known = this.places.get(url);
    if (known) return known;
    const giveUp = new AbortController();
    let admit: (sender: Sender) => void = () => undefined;
    const arrived =
      kind === 'push'
        ? new Promise<TakenSender>((resolve, reject) => {
            admit = (sender) => resolve({ sender, probed: undefined });
            giveUp.signal.addEventListener('abort', () => reject(new Error('nobody came')));
          })
        : listenFor(this.tools.ffmpeg, url, kind, giveUp.signal).then((sender) => ({
            sender,
            probed: undefined,
          }));
    const place: Place = {
      arrived,
      hasArrived: false,
      isWanted: false,
      giveUp,
      admit,
      idle: undefined,
    };
    this.places.set(url, place);
    const over = arrived.then(
      ({ sender }) => sender.gone(),
      () => undefined,
    );
    this.open.add(over);
    void over.then(() => this.open.delete(over));
    // Who comes and goes again before he is asked for makes room for the next.
    arrived
      .then(({ sender }) => {
        place.hasArrived = true;
        return sender.ended;
      })
      .catch(() => undefined)
      .finally(() => {
        if (this.places.get(url) === place) this.places.delete(url);
      });
    return place;
  }
}

/** Sent to the source by HTTP. */
export const isPush = (url: string): boolean => schemeOf(url) === 'push';

/** `push://NAME?key=KEY`: the channel and the key with which it is sent by HTTP. */
const channelOf = (url: string): string => new URL(url).hostname;
const keyOf = (url: string): string => new URL(url).searchParams.get('key') ?? '';

const LEAST_KEY = 16;
