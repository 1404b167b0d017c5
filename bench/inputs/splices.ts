import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RelayClient } from '../../src/contracts/relay';
import { gopOf, seededRandom, shuffled, type ChannelSpec } from '../../src/domain';
import { ticksToMs } from '../../src/domain/media-time';
import { DataPlane, cheapChannel } from '../lib/data-plane';
import { exactSplices } from './exact-splices';
import { makeMarkedFilm } from './marked-film';

export interface SplicesOptions {
  /** In all: half of them asked for by an operator, half in the contribution. */
  splices: number;
  /** Operator's splices in whose GOP the channel is moved, and its encoder is killed. */
  handoffs: number;
  kills: number;
  seed: number;
  portBase: number;
  stateDir: string;
  log: (line: string) => void;
}

export interface SplicesResult {
  splices: number;
  splicesExact: number;
  splicesWithHandoff: number;
  splicesWithKill: number;
  /** Splices that no playlist has. */
  splicesMissing: number;
}

type Action = 'none' | 'handoff' | 'kill';

/** How far ahead a splice is asked for: a notice of 4 s, and a frame at random. */
const LEAST_NOTICE_MS = 4_000;

const withSmallRung = (spec: ChannelSpec): ChannelSpec => {
  const [rung] = spec.ladder;
  return { ...spec, ladder: [rung!, { ...rung!, name: '90p', widthPx: 160, heightPx: 90 }] };
};

/** Moves the channel, or kills its encoder and gives the channel to another one. */
const perform = async (plane: DataPlane, spec: ChannelSpec, action: Action): Promise<void> => {
  if (action === 'none') return;
  const { owner } = await plane.channel(spec.id);
  const from = owner!.encoderId as 'enc-1' | 'enc-2';
  const to = from === 'enc-1' ? 'enc-2' : 'enc-1';
  const dead = action === 'kill' ? plane.kill(from) : undefined;
  await plane.takeOver(spec, to);
  await dead;
};

const operatorsSplices = async (
  plane: DataPlane,
  spec: ChannelSpec,
  actions: readonly Action[],
  random: () => number,
  log: (line: string) => void,
): Promise<void> => {
  const relay = new RelayClient(plane.relayUrl);
  const gopMs = ticksToMs(spec.gopDurationTicks);
  for (const [index, action] of actions.entries()) {
    const inMs = Math.round(LEAST_NOTICE_MS + random() * 2 * gopMs);
    const kind = index % 2 === 0 ? 'out' : 'return';
    const splice = await relay.splice(
      spec.id,
      kind === 'out' ? { kind, inMs, eventId: 1_000 + index } : { kind, inMs },
    );
    const gop = gopOf(kind === 'out' ? splice.atTicks : splice.endTicks!, spec.gopDurationTicks);
    // Amid the GOP with the splice in it.
    await plane.published(spec.id, gop - 1);
    await sleep(random() * gopMs * 0.8);
    await perform(plane, spec, action);
    await plane.published(spec.id, gop);
    log(`splice ${index + 1} of ${actions.length}: ${action}`);
  }
};

/** Splices, half of them by an operator on a channel that is moved meanwhile, half in a contribution. */
export const measureSplices = async (options: SplicesOptions): Promise<SplicesResult> => {
  const { stateDir, portBase, seed, log } = options;
  const random = seededRandom(seed);
  const inContribution = Math.floor(options.splices / 2);
  const byOperator = options.splices - inContribution;
  const moves: Action[] = [
    ...Array<Action>(options.handoffs).fill('handoff'),
    ...Array<Action>(options.kills).fill('kill'),
  ];
  const actions = shuffled(
    [...moves, ...Array<Action>(byOperator).fill('none')].slice(0, byOperator),
    random,
  );
  await mkdir(stateDir, { recursive: true });
  const film = join(stateDir, 'marked.ts');
  const { seconds } = await makeMarkedFilm(film, inContribution, random);
  const plane = await DataPlane.start({ stateDir, portBase, encoders: 3 });
  try {
    const moved = withSmallRung(cheapChannel('ch-1'));
    const marked = withSmallRung(cheapChannel('ch-2', { kind: 'url', url: film }));
    await plane.putOnAir(marked, 'enc-3');
    await plane.putOnAir(moved, 'enc-1');
    await plane.published(moved.id, 1);
    await operatorsSplices(plane, moved, actions, random, log);
    const filmGops = Math.ceil(seconds / (ticksToMs(marked.gopDurationTicks) / 1_000));
    await plane.published(marked.id, filmGops, seconds * 1_000 + 60_000);
    const urlsOf = (spec: ChannelSpec): string[] =>
      spec.ladder.map(({ name }) => `${plane.playerUrl}/hls/${spec.id}/${name}/index.m3u8`);
    const operator = await exactSplices(urlsOf(moved), byOperator);
    // The film begins again meanwhile: what it says then does not count.
    const contribution = await exactSplices(urlsOf(marked), inContribution);
    const listed = operator.listed + contribution.listed;
    return {
      splices: listed,
      splicesExact: operator.exact + contribution.exact,
      splicesWithHandoff: actions.filter((action) => action === 'handoff').length,
      splicesWithKill: actions.filter((action) => action === 'kill').length,
      splicesMissing: options.splices - listed,
    };
  } finally {
    await plane.stop();
  }
};
