import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RelayLink } from '../../src/media/source/relay-link';
import { RelayRemovals } from '../../src/media/source/relay-removals';
import { quietLog } from '../encoder/support/test-host';
import { RelayUnderTest } from '../relay/relay-under-test';
import { until, untilAnswer } from '../support/until';
import { generatedSpec as spec } from './inputs';
import { SourceUnderTest } from './source-under-test';

/** A channel is removed while one of two relays is away. */

const D = spec.gopDurationTicks;

let relays: RelayUnderTest[];
let source: SourceUnderTest;
beforeEach(async () => {
  relays = [await RelayUnderTest.start(), await RelayUnderTest.start()];
  source = await SourceUnderTest.start(relays[0]!.url, {
    relays: relays.map(({ url }, i) => ({ name: `relay-${i + 1}`, url })),
  });
});
afterEach(async () => {
  await source.stop();
  for (const relay of relays) await relay.stop();
});

const isGone = (relay: RelayUnderTest): Promise<boolean> =>
  relay.info('ch-1').then(
    () => false,
    (error: { code?: string }) => error.code === 'unknown-channel',
  );
const untoldOnDisk = (): Promise<unknown> =>
  readFile(join(source.stateDir, 'source', 'removals.json'), 'utf8').then(JSON.parse);

test.each([
  ['the source runs on', async () => undefined],
  ['the source was started again meanwhile', () => source.restart()],
])('a relay that was away takes the channel away once it is back: %s', async (_what, meanwhile) => {
  const [one, two] = relays as [RelayUnderTest, RelayUnderTest];
  await source.put('ch-1', spec);
  await Promise.all(relays.map((relay) => relay.untilSealed('ch-1', 0)));
  await two.pause();
  await source.remove('ch-1');
  expect(await isGone(one)).toBe(true);
  expect(await untoldOnDisk()).toEqual([{ relay: 'relay-2', channel: 'ch-1' }]);
  await meanwhile();
  await two.resume();
  await until('relay-2 has taken it away', () => isGone(two));
  await untilAnswer('nothing is left to tell', untoldOnDisk, (list) => (list as unknown[]).length === 0);
});

test('a channel of the same name that came meanwhile begins anew at the relay that was away', async () => {
  const [one, two] = relays as [RelayUnderTest, RelayUnderTest];
  await source.put('ch-1', spec);
  await Promise.all(relays.map((relay) => relay.untilSealed('ch-1', 1)));
  await two.pause();
  await source.remove('ch-1');
  await source.put('ch-1', { ...spec, gopDurationTicks: 2 * D });
  await two.resume();
  await untilAnswer(
    'relay-2 has the other GOPs',
    () => two.info('ch-1').catch(() => null),
    (info) => info?.gopDurationTicks === 2 * D && (info.lastSealedGop ?? -1) >= 0,
  );
  const [first, second] = await Promise.all([one.ledger('ch-1', 0), two.ledger('ch-1', 0)]);
  expect(second.sha256).toBe(first.sha256);
  // Not a moment later: a source that started again would take this channel for the one that was removed.
  expect(await untoldOnDisk()).toEqual([]);
});

test.each([
  ['no list', 'x', []],
  ['a relay that is none any more', JSON.stringify([{ relay: 'relay-9', channel: 'ch-1' }]), []],
  ['an entry', JSON.stringify([{ relay: 'relay-1', channel: 'ch-1' }]), ['ch-1']],
])('of a file that holds %s, what can be told is taken up', async (_what, text, expected) => {
  const stateDir = await mkdtemp(join(tmpdir(), 'removals-'));
  const links = [new RelayLink('relay-1', 'http://127.0.0.1:9'), new RelayLink('relay-2', relays[1]!.url)];
  const removals = new RelayRemovals(stateDir, links, quietLog);
  await removals.takeAway('ch-0');
  await writeFile(join(stateDir, 'source', 'removals.json'), text);
  const link = new RelayLink('relay-1', 'http://127.0.0.1:9');
  const again = new RelayRemovals(stateDir, [link], quietLog);
  await again.load();
  expect([...link.untold]).toEqual(expected);
  await Promise.all([removals.close(), again.close()]);
  await rm(stateDir, { recursive: true });
});
