import { setTimeout as sleep } from 'node:timers/promises';
import { RelayClient } from '../../src/contracts/relay';
import { SourceClient } from '../../src/contracts/source';
import type { InputSwitch, StandbyInfo } from '../../src/contracts/source-standby';
import { PRIMARY, backupName, seededRandom, ticksToSeconds, type ChannelSpec } from '../../src/domain';
import { percentile } from '../../src/domain/statistics';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { cheapChannel, type DataPlane } from '../lib/data-plane';
import { pick, rounded } from '../lib/statistics';
import { countersOf, type CounterFigures } from './counters';
import { LiveProgramme } from './live-programme';

const CHANNEL = 'twin';
const DARK = 'dark';
/** Of a cheap channel. */
const RENDITION = '180p';
const LIMIT_MS = 20_000;
const POLL_MS = 25;
/** A way that is back is left alone for so long. */
const SETTLED_SECONDS = 2.5;
const FAULTS = ['cut', 'silence', 'asked'] as const;

export interface SwitchFigures extends CounterFigures {
  switches: number;
  detectionMsP50: number | null;
  detectionMsMax: number | null;
  /** From the switch to the first GOP of the other input at the origin. */
  toPublishedMsP50: number | null;
  gapsDeclared: number;
  /** With all inputs away: until the slate is on air, and the longest time between two GOPs by that of one. */
  slateMs: number | null;
  longestGopOverDuration: number | null;
}

export interface SwitchOptions {
  plane: DataPlane;
  stateDir: string;
  switches: number;
  seed: number;
  log: (line: string) => void;
}

const eventually = async <T>(what: string, look: () => Promise<T | null>): Promise<T> => {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
};

/** A channel with two ways of one programme. */
class TwoWays {
  constructor(
    readonly id: string,
    private readonly source: SourceClient,
  ) {}

  async standby(): Promise<StandbyInfo> {
    const standby = (await this.source.channels()).find(({ id }) => id === this.id)?.standby;
    if (!standby) throw new Error(`the source does not know the inputs of ${this.id}`);
    return standby;
  }

  settled(): Promise<StandbyInfo> {
    return eventually('all inputs are sound', async () => {
      const standby = await this.standby();
      return standby.inputs.every(({ soundForSeconds }) => soundForSeconds >= SETTLED_SECONDS)
        ? standby
        : null;
    });
  }

  /** The first switch after `sinceMs`, once it has begun. */
  switchAfter(sinceMs: number): Promise<InputSwitch & { gop: number }> {
    return eventually('another input is on air', async () => {
      const { switches } = await this.standby();
      const found = switches.find(({ atMs, gop }) => atMs >= sinceMs && gop !== null);
      return found ? { ...found, gop: found.gop! } : null;
    });
  }
}

/** Switches between two ways of one programme, and to a slate, through source, relay, encoder and origin. */
export const measureSwitches = async (options: SwitchOptions): Promise<SwitchFigures> => {
  const { plane, stateDir, switches, seed, log } = options;
  const random = seededRandom(seed);
  const key = await loadOrCreateStampKey(stateDir);
  const programme = await LiveProgramme.start({ key, channelId: CHANNEL });
  const source = new SourceClient(plane.environment.SWARM_SOURCE_URL);
  const ways = new TwoWays(CHANNEL, source);
  const specOf = (id: string, more: object): ChannelSpec => ({
    ...cheapChannel(id, { kind: 'url', url: programme.url(`${id}-${PRIMARY}`) }),
    standby: {
      backups: [{ kind: 'url', url: programme.url(`${id}-${backupName(0)}`) }],
      backAfterSeconds: null,
      ...more,
    },
  });
  const detection: number[] = [];
  const toPublished: number[] = [];
  try {
    await plane.putOnAir(specOf(CHANNEL, {}), 'enc-1');
    for (let made = 0; made < switches; made++) {
      const { onAir } = await ways.settled();
      await sleep(random() * 2_000);
      const fault = pick(random, FAULTS);
      const way = `${CHANNEL}-${onAir}`;
      const other = onAir === PRIMARY ? backupName(0) : PRIMARY;
      const sinceMs = Date.now();
      if (fault === 'asked') await source.switchInput(CHANNEL, { input: other, requestedBy: 'bench' });
      else programme[fault](way);
      const { atMs, gop, framesMissing } = await ways.switchAfter(sinceMs);
      if (fault !== 'asked') detection.push(atMs - sinceMs);
      await plane.published(CHANNEL, gop);
      toPublished.push(Date.now() - atMs);
      log(
        `  ${fault.padEnd(8)} ${way}: ${atMs - sinceMs} ms, GOP ${gop}, ${framesMissing ?? '?'} frames missing`,
      );
      programme.restore(way);
      if (fault === 'asked') await source.switchInput(CHANNEL, { input: 'auto', requestedBy: 'bench' });
    }
    const { nextGop } = await plane.channel(CHANNEL);
    await plane.published(CHANNEL, nextGop + 1);
    const { gapsDeclared } = await plane.channel(CHANNEL);
    const frames = await countersOf({
      ...{ ffmpeg: plane.environment.FFMPEG, key, channelId: CHANNEL },
      playlistUrl: new URL(`${plane.playerUrl}/hls/${CHANNEL}/${RENDITION}/index.m3u8?window_s=3600`),
    });
    const slate = await measureSlate(options, programme, specOf(DARK, { slate: 'plain' }), source);
    return {
      switches,
      detectionMsP50: rounded(percentile(detection, 50), 0),
      detectionMsMax: detection.length > 0 ? Math.max(...detection) : null,
      toPublishedMsP50: rounded(percentile(toPublished, 50), 0),
      ...frames,
      gapsDeclared,
      ...slate,
    };
  } finally {
    for (const id of [CHANNEL, DARK]) await source.remove(id).catch(() => undefined);
    await programme.stop();
  }
};

const measureSlate = async (
  { plane, log }: SwitchOptions,
  programme: LiveProgramme,
  spec: ChannelSpec,
  source: SourceClient,
): Promise<Pick<SwitchFigures, 'slateMs' | 'longestGopOverDuration'>> => {
  const ways = new TwoWays(spec.id, source);
  await plane.putOnAir(spec, 'enc-1');
  await ways.settled();
  const sinceMs = Date.now();
  for (const name of [PRIMARY, backupName(0)]) programme.cut(`${spec.id}-${name}`);
  const onSlate = await eventually('the slate is on air', async () => {
    const { switches } = await ways.standby();
    return switches.find(({ to, gop }) => to === 'slate' && gop !== null) ?? null;
  });
  await plane.published(spec.id, onSlate.gop! + 4);
  for (const name of [PRIMARY, backupName(0)]) programme.restore(`${spec.id}-${name}`);
  await eventually('an input is on air again', async () =>
    (await ways.standby()).onAir === 'slate' ? null : true,
  );
  const { nextGop } = await plane.channel(spec.id);
  await plane.published(spec.id, nextGop + 2);
  const ledgers = await new RelayClient(plane.relayUrl).ledgers(spec.id, 0, nextGop + 2);
  const gopMs = ticksToSeconds(spec.gopDurationTicks) * 1_000;
  // How late the latest is, counted from the first.
  const [first] = ledgers;
  const lateMs = ledgers.map(
    ({ gop, sealedAtMs }) => sealedAtMs - first!.sealedAtMs - (gop - first!.gop) * gopMs,
  );
  log(
    `  slate after ${onSlate.atMs - sinceMs} ms; GOPs late by ${lateMs.map((ms) => Math.round(ms)).join(' ')} ms`,
  );
  return {
    slateMs: onSlate.atMs - sinceMs,
    longestGopOverDuration: rounded(Math.max(...lateMs) / gopMs, 2),
  };
};
