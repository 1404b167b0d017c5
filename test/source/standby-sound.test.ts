import { randomBytes } from 'node:crypto';
import { LiveProgramme } from '../../bench/inputs/live-programme';
import { TransportStreamReader, parseTables, type PesUnit } from '../../src/media/mpegts';
import type { RelayUnderTest } from '../relay/relay-under-test';
import { frameCountersOf } from '../support/frame-counters';
import { until } from '../support/until';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

const key = randomBytes(32);
/** ISO/IEC 13818-1, table 2-34: AAC in ADTS. */
const AAC_STREAM_TYPE = 0x0f;
const AAC_FRAME_TICKS = 1_920;
/** A machine that has much else to do takes long to open inputs. */
const SLOW_MS = 60_000;

let programme: LiveProgramme;
beforeAll(async () => {
  programme = await LiveProgramme.start({ key, channelId: 'twin', soundCodec: 'mp2' });
});
afterAll(() => programme.stop());
let relay: RelayUnderTest;
let source: SourceUnderTest;
startRelayAndSource('all', (r, s) => {
  relay = r;
  source = s;
});

test('two ways of one programme whose sound is encoded: no picture is missing, and little sound', async () => {
  await source.put('mp2', {
    input: { kind: 'url', url: programme.url('mp2-a') },
    framesPerSecond: 25,
    gopDurationTicks: 90_000,
    standby: { backups: [{ kind: 'url', url: programme.url('mp2-b') }] },
  });
  const channel = async () => (await source.list()).find(({ id }) => id === 'mp2')!;
  const sealed = (gop: number): Promise<void> => relay.untilSealed('mp2', gop, SLOW_MS);
  const allSound = async (): Promise<boolean> =>
    (await channel()).standby!.inputs.every((input) => input.isSound);
  await until('both inputs are sound', allSound, SLOW_MS);
  // Both have brought the same keyframe: one that was opened later is not known to be in step before.
  await sealed(((await relay.info('mp2')).lastSealedGop ?? -1) + 2);
  programme.cut('mp2-a');
  const switched = async (): Promise<boolean> =>
    (await channel()).standby!.switches.some(({ gop }) => gop !== null);
  await until('the backup is on air', switched, SLOW_MS);
  const { switches } = (await channel()).standby!;
  expect(switches).toMatchObject([{ from: 'primary', to: 'backup-1', framesMissing: 0 }]);
  await sealed(switches[0]!.gop! + 2);

  const response = await fetch(relay.feedUrl('mp2', 0));
  await source.remove('mp2');
  const bytes = Buffer.from(await response.arrayBuffer());
  const counters = await frameCountersOf(bytes, key, 'twin');
  expect(counters).toEqual(counters.map((_counter, i) => counters[0]! + i));
  const units: PesUnit[] = [];
  const streamTypes = new Set<number>();
  const reader = new TransportStreamReader({
    onUnit: (unit) => units.push(unit),
    onTables: (packets) => {
      for (const { kind, streamType } of parseTables(packets).streams)
        if (kind === 'audio') streamTypes.add(streamType);
    },
  });
  reader.push(bytes);
  expect([...streamTypes]).toEqual([AAC_STREAM_TYPE]);
  const sound = units.filter(({ kind }) => kind === 'audio').map(({ ptsTicks }) => ptsTicks);
  const steps = sound.slice(1).map((ticks, i) => ticks - sound[i]!);
  // At the switch, what had been on its way from the way that was cut: the encoders' delay, a few frames.
  const odd = steps.filter((step) => Math.abs(step - AAC_FRAME_TICKS) > 2);
  expect(odd.length).toBeLessThanOrEqual(1);
  expect(Math.max(0, ...odd)).toBeLessThan(6 * AAC_FRAME_TICKS);
  expect(Math.min(...steps)).toBeGreaterThan(0);
}, 180_000);
