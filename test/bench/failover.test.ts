import { KINDS, parseKinds, partsOf, signalOf, type Roles } from '../../bench/failover/kinds';
import { publishPauseMs } from '../../bench/failover/pauses';
import { PlayerFront } from '../../bench/failover/player-front';
import { PublicGops } from '../../bench/failover/public-gops';
import { isUnbroken, totalOf, type KindResult } from '../../bench/failover/result';
import { servedUntilEachEnd } from '../support/served';
import { until } from '../support/until';

const serve = servedUntilEachEnd();

describe('kinds of death', () => {
  const roles: Roles = {
    leadingOrigin: 'origin-2',
    otherOrigins: ['origin-1', 'origin-3'],
    etcdLeader: 'etcd-3',
    etcdFollowers: ['etcd-1', 'etcd-2'],
    relays: ['relay-1', 'relay-2'],
  };

  test.each([
    ['origin-leader-kill', ['origin-2']],
    ['origin-other-stop', ['origin-3']],
    ['etcd-leader-stop', ['etcd-3']],
    ['etcd-follower-kill', ['etcd-2']],
    ['relay-kill', ['relay-2']],
    ['host-stop', ['origin-2', 'etcd-2']],
  ] as const)('%s: %j', (kind, parts) => {
    expect(partsOf(kind, roles, () => 0.9)).toEqual(parts);
    expect(signalOf(kind)).toBe(kind.endsWith('kill') ? 'SIGKILL' : 'SIGSTOP');
  });

  test('are named in a list, or all', () => {
    expect(parseKinds('relay-kill, host-stop')).toEqual(['relay-kill', 'host-stop']);
    expect(parseKinds('all')).toEqual(KINDS);
    expect(() => parseKinds('relay')).toThrow('relay is none of origin-leader-kill');
  });
});

describe('a publishing pause', () => {
  const stretch = { fromMs: 10_000, toMs: 20_000, gopMs: 2_000 };
  const seen = (...times: number[]): Map<number, number> => new Map(times.map((atMs, gop) => [gop, atMs]));

  test('is what is longer than a GOP between two of them', () => {
    expect(publishPauseMs(seen(9_000, 11_000, 13_000, 15_000, 17_000, 19_000), stretch)).toBe(0);
    expect(publishPauseMs(seen(9_000, 14_500, 14_600, 15_000, 17_000, 19_000), stretch)).toBe(3_500);
  });

  test('begins with the GOP before the stretch, and is no shorter than the stretch where none came', () => {
    expect(publishPauseMs(seen(7_000, 9_000, 30_000), stretch)).toBe(9_000);
    expect(publishPauseMs(seen(1_000, 9_000, 12_000, 13_000), stretch)).toBe(1_000);
  });
});

describe('the verdict', () => {
  const one: KindResult = {
    ...{ kind: 'relay-kill', deaths: 2, framesChecked: 100, framesLost: 0, framesRepeated: 0 },
    ...{ framesInvalid: 0, gapsDeclared: 0, doubleOwners: 0 },
    ...{ publishPauseMsP50: 1, publishPauseMsP99: 2, playerStalls: null },
  };

  test('counts what the kinds have in common', () => {
    const total = totalOf([one, { ...one, kind: 'host-kill', playerStalls: 1 }], [100, 200, 300]);
    expect(total).toMatchObject({ deaths: 4, framesChecked: 200, playerStalls: 1, publishPauseMsP50: 200 });
    expect(totalOf([one], [5]).playerStalls).toBeNull();
    expect(isUnbroken(total)).toBe(true);
  });

  test.each<Partial<KindResult>>([
    { framesChecked: 0 },
    { framesLost: 1 },
    { framesRepeated: 1 },
    { framesInvalid: 1 },
    { gapsDeclared: 1 },
    { doubleOwners: 1 },
  ])('%j is none', (fault) => expect(isUnbroken(totalOf([{ ...one, ...fault }], []))).toBe(false));
});

test('players get their answer from an origin that has it', async () => {
  const silent = await serve(() => undefined);
  const lacking = await serve((_req, res) => void res.writeHead(404).end('none'));
  const having = await serve((req, res) => void res.writeHead(200, { 'content-type': 'a/b' }).end(req.url));
  const front = await PlayerFront.start([silent, lacking, having]);
  const answer = await fetch(`${front.url}/hls/ch-1/x`);
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    200,
    'a/b',
    '/hls/ch-1/x',
  ]);
  await front.stop();
  const none = await PlayerFront.start([lacking]);
  expect((await fetch(none.url)).status).toBe(404);
  await none.stop();
});

test('a GOP is public once one origin shows it', async () => {
  const entry = { token: 1, encoderId: null, sessionId: null, publishedAtMs: 1, sealedAtMs: null };
  const channel = {
    ...{ id: 'ch-1', gopDurationTicks: 180_000, framesPerSecond: 25, token: 1, owner: null, nextGop: 4 },
    ...{ hasPublished: true, lastPublishedAtMs: 1, oldestGop: 0, gapsDeclared: 0, refusals: {} },
  };
  let end = 5;
  const showing = await serve((req, res) => {
    const gop = Number(new URL(req.url!, 'http://a').searchParams.get('gop'));
    res.setHeader('content-type', 'application/json');
    if (!req.url!.includes('/wait')) res.end(JSON.stringify(channel));
    else if (gop < end) res.end(JSON.stringify({ ...entry, gop, delayMs: null, renditions: [] }));
    else setTimeout(() => res.writeHead(408).end(JSON.stringify({ error: { code: 'timeout', message: 'no' } })), 20); // prettier-ignore
  });
  const silent = await serve(() => undefined);
  const gops = new PublicGops([silent, showing], ['ch-1']);
  await until('GOP 4 is public', () => gops.newest('ch-1') === 4);
  end = 6;
  await until('GOP 5 is public', () => gops.newest('ch-1') === 5);
  expect(gops.of('ch-1').get(5)!).toBeGreaterThan(gops.of('ch-1').get(4)!);
  await gops.stop();
});
