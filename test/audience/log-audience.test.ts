import { LogAudience, ViewerRegions, type LoggedRequest } from '../../src/audience';

const BEGIN_MS = Date.parse('2026-11-30T12:00:00Z');
const request = (seconds: number, more: Partial<LoggedRequest> = {}): LoggedRequest => ({
  ...{ atMs: BEGIN_MS + seconds * 1_000, method: 'GET', path: '/hls/ch-1/180p/index.m3u8', query: '' },
  ...{ status: 200, address: '10.0.0.1', userAgent: 'player', ...more },
});
const meter = (region?: string) =>
  new LogAudience({
    everyMs: 10_000,
    regions: ViewerRegions.parse('10.0.0.0/8=eu'),
    ...(region !== undefined && { region }),
  });

test('viewers are counted every ten seconds of the log, from when a whole window has been seen', () => {
  const log = meter();
  const rows = [];
  for (let second = 0; second <= 60; second += 2) {
    rows.push(...log.take(request(second)));
    if (second < 30) rows.push(...log.take(request(second, { address: '10.0.0.2' })));
    rows.push(...log.take(request(second, { status: 404, address: '10.0.0.3' })));
    rows.push(...log.take(request(second, { method: 'HEAD', address: '10.0.0.4' })));
    rows.push(...log.take(request(second, { path: '/hls/ch-1/index.m3u8', address: '10.0.0.5' })));
  }
  expect(rows.map(({ atMs, viewers }) => [(atMs - BEGIN_MS) / 1_000, viewers])).toEqual([
    [20, 2],
    [30, 2],
    [40, 2],
    [50, 1],
    [60, 1],
  ]);
  expect(rows[0]).toEqual({ atMs: BEGIN_MS + 20_000, channelId: 'ch-1', region: 'eu', viewers: 2 });
});

test('when everybody has gone there is one 0, and then nothing until somebody comes', () => {
  const log = meter();
  for (let second = 0; second <= 24; second += 4) log.take(request(second));
  const rows = log.reach(BEGIN_MS + 600_000);
  expect(rows.map(({ atMs, viewers }) => [(atMs - BEGIN_MS) / 1_000, viewers])).toEqual([
    [30, 1],
    [40, 1],
    [50, 0],
  ]);
  expect(log.reach(BEGIN_MS + 700_000)).toEqual([]);
  log.take(request(705));
  expect(log.reach(BEGIN_MS + 710_000)).toMatchObject([{ viewers: 1 }]);
});

test('who is in no network counts for the region that was given, else for that of the channel', () => {
  const stranger = { address: '192.0.2.1' };
  const given = meter('us');
  given.take(request(0, stranger));
  given.take(request(19, stranger));
  expect(given.reach(BEGIN_MS + 20_000)).toMatchObject([{ region: 'us' }]);
  const open = meter();
  open.take(request(0, stranger));
  open.take(request(19, stranger));
  expect(open.reach(BEGIN_MS + 20_000)[0]).not.toHaveProperty('region');
});

test('a line that comes late counts at once, and no count is taken back', () => {
  const log = meter();
  log.take(request(0));
  const rows = [...log.take(request(21)), ...log.take(request(5, { address: '10.0.0.2' }))];
  rows.push(...log.reach(BEGIN_MS + 30_000));
  expect(rows.map(({ atMs, viewers }) => [(atMs - BEGIN_MS) / 1_000, viewers])).toEqual([[30, 2]]);
});
