import { ReplicaClient } from '../../src/contracts/origin-replica';
import { PeerWatch } from '../../src/media/origin/replication/peer-watch';
import { servedUntilEachEnd } from '../support/served';
import { until } from '../support/until';

/** An origin that looks whether another one is there. */

const serve = servedUntilEachEnd();

let watch: PeerWatch;
let changes: boolean[];
afterEach(() => watch.end());
const begin = (url: string): void => {
  changes = [];
  watch = new PeerWatch({ name: 'o-2', client: new ReplicaClient(url) }, (isAway) => changes.push(isAway));
};

test('one that does not answer is away until it answers again, and whoever waited for it is told at once', async () => {
  let isSilent = false;
  let asked = 0;
  begin(
    await serve((_req, res) => {
      asked += 1;
      if (!isSilent) res.end('{}');
    }),
  );
  await until('it was asked', () => asked > 1);
  const { signal } = watch;
  expect([watch.isAway, signal.aborted]).toEqual([false, false]);
  isSilent = true;
  await until('it is away', () => watch.isAway);
  expect(signal.aborted).toBe(true);
  isSilent = false;
  await until('it is back', () => !watch.isAway);
  expect([changes, watch.signal.aborted]).toEqual([[true, false], false]);
});

test('one answer that does not come is no sign that it is away', async () => {
  let asked = 0;
  begin(
    await serve((_req, res) => {
      asked += 1;
      if (asked % 3 !== 2) res.end('{}');
    }),
  );
  await until('it was asked after that', () => asked > 7);
  expect(changes).toEqual([]);
});

test('who stood still itself holds nothing against others', async () => {
  let asked = 0;
  begin(
    await serve((_req, res) => {
      asked += 1;
      if (asked === 2) for (const endMs = performance.now() + 1_800; performance.now() < endMs;);
      res.end('{}');
    }),
  );
  await until('it was asked after that', () => asked > 3);
  expect(changes).toEqual([]);
});
