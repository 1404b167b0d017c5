import { isComingOnAir, onAirWithinSeconds } from '../../src/api/coming-on-air';
import type { RunningApi } from '../../src/api/server';
import { statusSchema } from '../../src/contracts/api';
import type { MissingMedia } from '../../src/contracts/source';
import { ManualClock } from '../support/manual-clock';
import { sourceChannel } from '../support/wire';
import { FakeSwarm } from './fake-swarm';
import { moveResult } from './move-result';
import { ask, startFakeApi } from './running-api';

let api: RunningApi & { swarm: FakeSwarm };
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock();
  api = await startFakeApi(new FakeSwarm({ clock }), {}, clock);
});
afterEach(() => api.stop());

/** Longer than any reading is kept that this page shows. */
const look = async () => {
  clock.advance(11_000);
  return statusSchema.parse((await ask(`${api.url}/api/status`)).body);
};
const problems = async (): Promise<string> => (await look()).problems.join('\n');

/** What players of ch-1 do not get. */
const missing = (...each: Partial<MissingMedia>[]): void => {
  const plain = { what: 'input' as const, forSeconds: 7.2, hasCome: true, isStill: true };
  api.swarm.sources['ch-1'] = { missing: each.map((one) => ({ ...plain, ...one })) };
};
/** The owner of each channel has published nothing for so long. */
const darkFor = (seconds: number): void => {
  api.swarm.atOrigin = { lastPublishedAtMs: clock.now() + 11_000 - seconds * 1_000 };
};
/** Contributions that began so long ago. */
const contributedFor = (seconds: number): void => {
  for (const id of api.swarm.channels.keys())
    api.swarm.sources[id] = { startedAtMs: clock.now() + 11_000 - seconds * 1_000 };
};
const unplaced = (channelId: string) => ({
  channelId,
  isOffAir: true as const,
  why: `nobody encodes ${channelId}, and no encoder has room for its 1.00 units at P90 below its limit`,
});
const planned = (...unmet: { channelId?: string; encoderId?: string; why: string }[]): void => {
  api.swarm.lastCycle = {
    atMs: clock.now(),
    plan: { moves: [], scale: { kind: 'none' }, unmet, lowDemandSinceMs: null },
  };
};

describe('an input that does not bring its programme is named, with what players get instead', () => {
  const silent =
    /^The input of ch-1 has been silent for 7 s: its last picture is repeated\. Check what sends it/m;

  test('as a whole: while a still is sent, and until it is back', async () => {
    missing({});
    const seen = await look();
    expect(seen.channels[0]).toMatchObject({ status: 'on-air', source: { state: 'running' } });
    expect(seen.health).toBe('degraded');
    expect(seen.problems.join('\n')).toMatch(silent);
    missing({ isStill: false });
    expect(await problems()).toContain('has been silent for 7 s: nothing of it is on air.');
    missing();
    expect(await problems()).not.toContain('input of ch-1');
  });

  test('its picture alone, its sound alone, what never came', async () => {
    missing({ what: 'picture' }, { what: 'sound', track: 'aac, deu', isStill: false });
    const both = await problems();
    expect(both).toContain('The input of ch-1 has brought no picture for 7 s: its last picture is repeated.');
    expect(both).toContain(
      'The input of ch-1 has brought no sound (aac, deu) for 7 s: players hear nothing of it.',
    );
    missing({ what: 'sound', track: 'aac', hasCome: false, isStill: false });
    expect(await problems()).toContain('has brought no sound (aac) yet, after 7 s');
  });

  test('not while it may only be late, and not twice where it is away', async () => {
    missing({ forSeconds: 4.9 });
    expect(await problems()).not.toContain('input of ch-1');
    missing({});
    Object.assign(api.swarm.sources['ch-1']!, { state: 'failed', error: 'it is gone.' });
    const failed = (await problems()).split('\n').filter((line) => line.includes('input of ch-1'));
    expect(failed).toEqual(['The input of ch-1 has failed: it is gone.']);
  });
});

describe('a channel that is being brought on air', () => {
  test('has the time that it takes, once its contribution has begun', () => {
    const atMs = 1_000_000;
    expect(onAirWithinSeconds(180_000)).toBe(14);
    const coming = (state: 'opening' | 'running' | 'ended' | 'failed', secondsAgo: number): boolean =>
      isComingOnAir(sourceChannel({ state, startedAtMs: atMs - secondsAgo * 1_000 }), 180_000, atMs);
    expect(coming('running', 13)).toBe(true);
    expect(coming('opening', 13)).toBe(true);
    expect(coming('running', 14)).toBe(false);
    expect(coming('failed', 1)).toBe(false);
    expect(coming('ended', 1)).toBe(false);
    expect(coming('running', -60)).toBe(false);
    expect(isComingOnAir(undefined, 180_000, atMs)).toBe(false);
  });

  test('is no problem at a start of the swarm again, and is one when its time is up', async () => {
    darkFor(600);
    contributedFor(5);
    planned(unplaced('ch-1'));
    const resumed = await look();
    expect(resumed.channels.map(({ status }) => status)).toEqual(Array(6).fill('starting'));
    expect(resumed.health).not.toBe('down');
    expect(resumed.problems.join()).not.toContain('ch-1');
    contributedFor(20);
    const late = await look();
    expect(late.health).toBe('down');
    expect(late.problems.join('\n')).toMatch(/^ch-1 is late: its last GOP came 6\d\d s ago\.$/m);
    expect(late.problems.join('\n')).toContain('Not planned for: ch-1: nobody encodes ch-1');
  });

  test('is no problem either once it is there, or removed, though the last plan said that nobody encodes it', async () => {
    planned(unplaced('ch-1'), unplaced('gone'), { channelId: 'ch-2', why: 'it rests after a move' });
    const seen = await problems();
    expect(seen).not.toContain('nobody encodes');
    expect(seen).toContain('Not planned for: ch-2: it rests after a move.');
  });

  test('by a recovery, without a GOP for longer than three take, is named', async () => {
    const move = { ...moveResult('ch-1', 'enc-1', 'enc-2', 1, { reason: 'encoder-lost' }) };
    api.swarm.remember(move);
    Object.assign(api.swarm.moves[0]!, { kind: 'recovery', outcome: 'running', requestedAtMs: clock.now() });
    expect(await problems()).not.toContain('is being recovered');
    darkFor(9);
    expect(await problems()).toMatch(/^ch-1 is being recovered: its last GOP came 9 s ago\.$/m);
  });
});

test('a channel without a rendition that it should always have is named, but not in the midst of a move', async () => {
  const channel = api.swarm.channels.get('ch-1')!;
  channel.spec = { ...channel.spec, viewersPerRung: [0, 1_000_000] };
  channel.rungs = 1;
  const named = /^ch-1 is on air without 144p, which it should always have/m;
  expect(await problems()).toMatch(named);
  channel.rungs = 2;
  expect(await problems()).not.toMatch(named);
  channel.rungs = 1;
  api.swarm.remember(moveResult('ch-1', 'enc-1', 'enc-1', 9, { reason: 'ladder' }));
  Object.assign(api.swarm.moves[0]!, { requestedAtMs: clock.now() });
  expect(await problems()).not.toMatch(named);
});

test('an encoder that is started, or gets another build, is not called silent; one that ended by itself is', async () => {
  const host = api.swarm.encoders.get('enc-2')!;
  api.swarm.silent.add('enc-2');
  const silent = /^enc-2 does not answer/m;
  Object.assign(host, { state: 'starting', startedAtMs: clock.now() + 11_000 });
  expect(await problems()).not.toMatch(silent);
  expect(await problems()).toMatch(silent);
  Object.assign(host, { state: 'restarting' });
  expect(await problems()).toMatch(silent);
  api.swarm.cordons['enc-2'] = { draining: true, by: 'rollout/1', atMs: 1 };
  expect(await problems()).not.toMatch(silent);
  host.restarts = 1;
  expect(await problems()).toMatch(silent);
});

test('a workflow of a channel, or that of the versions, that has ended is a problem until it runs', async () => {
  const run = { runId: 'r', status: 'TERMINATED' as const };
  const ofChannel = (channelId: string) => ({
    ...run,
    ...{ kind: 'channel' as const, channelId, workflowId: `channel/${channelId}` },
  });
  const versions = { ...run, kind: 'versions' as const, workflowId: 'versions/local' };
  api.swarm.ends = [versions, ofChannel('ch-2'), ofChannel('removed-before')];
  const seen = await problems();
  expect(seen).toMatch(
    /^The workflow of the versions was terminated: .* The worker starts it again with its catalogue\.$/m,
  );
  expect(seen).toMatch(
    /^The workflow of ch-2 was terminated: .* The worker starts it again with its state\.$/m,
  );
  expect(seen).not.toContain('removed-before');
  api.swarm.ends = [
    { ...versions, status: 'CANCELLED' },
    { ...ofChannel('ch-2'), status: 'CANCELLED' },
  ];
  const meant = await problems();
  expect(meant).toMatch(/^The workflow of the versions was cancelled: .* Start the swarm again\.$/m);
  expect(meant).toMatch(/^The workflow of ch-2 was cancelled: .* Remove ch-2 and add it again\.$/m);
  api.swarm.ends = [];
  expect(await problems()).not.toContain('The workflow of');
});
