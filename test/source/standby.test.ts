import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LiveProgramme } from '../../bench/inputs/live-programme';
import { SourceClient, type SourceChannel } from '../../src/contracts/source';
import type { StandbyInfo } from '../../src/contracts/source-standby';
import type { RelayUnderTest } from '../relay/relay-under-test';
import { frameCountersOf } from '../support/frame-counters';
import { together } from '../support/together';
import { until, untilAnswer } from '../support/until';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

const key = randomBytes(32);
const GOP_TICKS = 90_000;

let programme: LiveProgramme;
beforeAll(async () => {
  programme = await LiveProgramme.start({ key, channelId: 'twin' });
});
afterAll(() => programme.stop());
let relay: RelayUnderTest;
let source: SourceUnderTest;
startRelayAndSource('all', (r, s) => {
  relay = r;
  source = s;
});

/** Each case has two ways of its own, on which the same programme comes. */
const specWith = (name: string, standby: object): object => ({
  input: { kind: 'url', url: programme.url(`${name}-a`) },
  framesPerSecond: 25,
  gopDurationTicks: GOP_TICKS,
  standby,
});
const backup = (name: string): object => ({ kind: 'url', url: programme.url(`${name}-b`) });

/** A machine that has much else to do takes long to open so many inputs. */
const SLOW_MS = 60_000;

const channel = async (id: string): Promise<SourceChannel & { standby: StandbyInfo }> => {
  const found = (await source.list()).find((each) => each.id === id);
  if (!found?.standby) throw new Error(`no standby of ${id}`);
  return { ...found, standby: found.standby };
};

const allSound = (id: string): Promise<void> =>
  until(
    `all inputs of ${id} are sound`,
    async () => (await channel(id)).standby.inputs.every((input) => input.isSound),
    SLOW_MS,
  );

const sealed = async (id: string, more: number): Promise<number> => {
  const { lastSealedGop } = await relay.info(id);
  const wanted = (lastSealedGop ?? -1) + more;
  await relay.untilSealed(id, wanted, SLOW_MS);
  return wanted;
};

/** Frame counters of all that the relay has of a channel, whose sending is ended. */
const countersOf = async (id: string): Promise<number[]> => {
  const feed = fetch(relay.feedUrl(id, 0));
  const response = await feed;
  await source.remove(id);
  return frameCountersOf(Buffer.from(await response.arrayBuffer()), key, 'twin');
};

/** Where a picture is not the one after the one before: none, if all came in a row. */
const breaksIn = (counters: readonly number[]): string[] =>
  counters.flatMap((counter, i) =>
    i === 0 || counter === counters[i - 1]! + 1 ? [] : [`${counters[i - 1]} → ${counter}, at ${i}`],
  );

together(
  {
    'two ways of one programme: no frame is missing where one is cut, and the other goes on': async () => {
      await source.put('cut', specWith('cut', { backups: [backup('cut')] }));
      await allSound('cut');
      await sealed('cut', 2);
      programme.cut('cut-a');
      const cutAtMs = Date.now();
      const seen = await untilAnswer(
        'the backup is on air',
        () => channel('cut'),
        ({ standby }) => standby.switches.some(({ gop }) => gop !== null),
      );
      expect(seen.standby).toMatchObject({
        onAir: 'backup-1',
        switches: [{ from: 'primary', to: 'backup-1' }],
      });
      const [first] = seen.standby.switches;
      expect(first!.atMs - cutAtMs).toBeLessThan(1_000);
      expect(first!.framesMissing).toBe(0);
      await sealed('cut', 2);
      const counters = await countersOf('cut');
      expect(counters.length).toBeGreaterThan(90);
      expect(breaksIn(counters)).toEqual([]);
    },

    'a way that falls silent is left within a second, and come back to once it is sound': async () => {
      await source.put('silent', specWith('silent', { backups: [backup('silent')], backAfterSeconds: 2 }));
      await allSound('silent');
      await sealed('silent', 1);
      programme.silence('silent-a');
      const silentAtMs = Date.now();
      const away = await untilAnswer(
        'the backup is on air',
        () => channel('silent'),
        ({ standby }) => standby.switches.length > 0,
      );
      expect(away.standby.switches[0]!.atMs - silentAtMs).toBeLessThan(1_000);
      expect(away.standby.switches[0]!.cause).toMatch(/brought no picture/);
      // Its last picture is repeated meanwhile, which nobody is to see.
      await sealed('silent', 4);
      programme.restore('silent-a');
      const back = await untilAnswer(
        'the primary is on air',
        () => channel('silent'),
        ({ standby }) => standby.onAir === 'primary' && standby.switches.every(({ gop }) => gop !== null),
      );
      expect(back.standby.switches.map(({ framesMissing }) => framesMissing)).toEqual([0, 0]);
      await sealed('silent', 2);
      expect(breaksIn(await countersOf('silent'))).toEqual([]);
    },

    'the slate is on air, with silence and on time, where all inputs are away': async () => {
      await source.put('dark', specWith('dark', { backups: [backup('dark')], slate: 'plain' }));
      await allSound('dark');
      const before = await sealed('dark', 2);
      programme.cut('dark-a');
      programme.cut('dark-b');
      const atMs = Date.now();
      await sealed('dark', 4);
      // 4 GOPs of 1 s.
      expect(Date.now() - atMs).toBeLessThan(6_500);
      expect((await channel('dark')).standby.onAir).toBe('slate');
      const ledgers = await relay.ledgers('dark', 0, before + 3);
      expect(ledgers.map(({ ptsTicks }) => ptsTicks.length)).toEqual(ledgers.map(() => 25));
      programme.restore('dark-b');
      await until('the backup is on air', async () => (await channel('dark')).standby.onAir === 'backup-1');
      await sealed('dark', 2);
    },
  },
  90_000,
);

test('an operator chooses an input, which a restart does not forget', async () => {
  await source.put('asked', specWith('asked', { backups: [backup('asked')] }));
  await allSound('asked');
  await sealed('asked', 1);
  const answer = await source.switchTo('asked', 'backup-1');
  expect(answer).toMatchObject({ standby: { onAir: 'backup-1', requested: { requestedBy: 'nina' } } });
  await sealed('asked', 2);
  await source.restart();
  await until('the backup is on air', async () => (await channel('asked')).standby.onAir === 'backup-1');
  await expect(source.switchTo('asked', 'backup-7')).rejects.toMatchObject({ code: 'not-found' });
  await source.switchTo('asked', 'auto');
  expect((await channel('asked')).standby.requested).toBeUndefined();
}, 60_000);

test('what is planned outlives a restart, and can be forgotten', async () => {
  await source.put('plan', specWith('plan', { backups: [backup('plan')] }));
  const atMs = Date.now() + 3_600_000;
  await expect(source.switchTo('plan', 'backup-2', atMs)).rejects.toMatchObject({ code: 'not-found' });
  await expect(source.switchTo('plan', 'backup-1', Date.now() - 1)).rejects.toMatchObject({
    code: 'bad-request',
  });
  await source.switchTo('plan', 'backup-1', atMs);
  const planned = [{ input: 'backup-1', requestedBy: 'nina', atMs }];
  expect((await channel('plan')).standby.planned).toEqual(planned);
  await source.restart();
  expect((await channel('plan')).standby.planned).toEqual(planned);
  // An address that changes takes nothing of it away.
  await source.put('plan', specWith('plan', { backups: [backup('plan')], lossMs: 900 }));
  expect((await channel('plan')).standby.planned).toEqual(planned);
  await source.cancelSwitches('plan');
  await source.restart();
  expect((await channel('plan')).standby.planned).toEqual([]);
  await source.remove('plan');
}, 60_000);

test('what could not stand in is refused beforehand, and changes nothing', async () => {
  const refused = async (standby: object, code: string): Promise<void> => {
    await expect(source.put('no', specWith('no', standby))).rejects.toMatchObject({ code });
  };
  await refused({ backups: [{ kind: 'url', url: __filename }] }, 'input-not-video');
  await refused({ backups: [{ kind: 'url', url: '/no/such/film.ts' }] }, 'input-not-video');
  await refused({ slate: { kind: 'url', url: __filename } }, 'input-not-video');
  await refused({ slate: { kind: 'url', url: 'srt://127.0.0.1:9' } }, 'bad-request');
  await refused({ backups: [] }, 'bad-request');
  await refused({ backups: [backup('no')], lossMs: 5 }, 'bad-request');
  const generated = { ...specWith('no', { slate: 'plain' }), input: { kind: 'generated' } };
  await expect(source.put('no', generated)).rejects.toMatchObject({ code: 'conflict' });
  expect(await source.list()).toEqual([]);
  await expect(source.switchTo('no', 'auto')).rejects.toMatchObject({ code: 'unknown-channel' });
});

test('the secrets of a backup are told to nobody, and are known after a restart', async () => {
  const client = new SourceClient(source.url);
  const url = `${programme.url('kept-b')}?token=c4n4ry`;
  const told = await client.keepSecretsOf({ kind: 'url', url });
  expect(JSON.stringify(told)).not.toContain('c4n4ry');
  const spec = specWith('kept', { backups: [told] });
  await source.put('kept', spec);
  await source.restart();
  // The same once more is no change, and needs no secrets again.
  await source.put('kept', spec);
  expect(JSON.stringify(await source.list())).not.toContain('c4n4ry');
  const file = await readFile(join(source.stateDir, 'source', 'channels.json'), 'utf8');
  expect(file).toContain('c4n4ry');
}, 40_000);
