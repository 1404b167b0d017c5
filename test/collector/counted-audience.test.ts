import { CountedAudience } from '../../src/collector/audience/counted';
import type { AudienceSeen } from '../../src/domain';

const channel = (id: string) => ({ id, region: 'eu', encoderId: 'enc-1', onAir: true });
const NOW_MS = 1_796_000_000_000;

const counted = (...answers: (AudienceSeen['viewers'] | Error)[]): CountedAudience => {
  let asked = 0;
  return new CountedAudience('local', {
    audience: async () => {
      const viewers = answers[asked++]!;
      if (viewers instanceof Error) throw viewers;
      return { atMs: NOW_MS, viewers };
    },
  });
};
const shown = (points: Awaited<ReturnType<CountedAudience['pointsAt']>>) =>
  points.map(({ measurement, tags, fields, atMs }) => {
    expect(atMs).toBe(NOW_MS);
    expect(tags.cell).toBe('local');
    const { channel: id, region, rendition } = tags;
    return [measurement, id, region, ...(rendition === undefined ? [] : [rendition]), fields.viewers];
  });

test('viewers by channel and region, and by rendition; who is nowhere counts for the region of the channel', async () => {
  const audience = counted([
    { channelId: 'ch-1', rendition: '180p', region: '', viewers: 3 },
    { channelId: 'ch-1', rendition: '360p', region: 'eu', viewers: 4 },
    { channelId: 'ch-1', rendition: null, region: 'us', viewers: 5 },
    { channelId: 'removed', rendition: '180p', region: 'eu', viewers: 9 },
  ]);
  expect(shown(await audience.pointsAt([channel('ch-1'), channel('ch-2')]))).toEqual([
    ['rendition_audience', 'ch-1', 'eu', '180p', 3],
    ['rendition_audience', 'ch-1', 'eu', '360p', 4],
    ['rendition_audience', 'ch-1', 'us', 'sound', 5],
    ['audience', 'ch-1', 'eu', 7],
    ['audience', 'ch-1', 'us', 5],
    ['audience', 'ch-2', 'eu', 0],
  ]);
});

test('a region whose viewers have gone has 0, and not its last number for ever', async () => {
  const audience = counted([{ channelId: 'ch-1', rendition: '180p', region: 'us', viewers: 5 }], [], []);
  expect(shown(await audience.pointsAt([channel('ch-1')])).slice(1)).toEqual([['audience', 'ch-1', 'us', 5]]);
  expect(shown(await audience.pointsAt([channel('ch-1')]))).toEqual([['audience', 'ch-1', 'us', 0]]);
  expect(await audience.pointsAt([])).toEqual([]);
});

test('an origin that does not answer writes nothing: the last known audience counts', async () => {
  const audience = counted(new Error('away'));
  await expect(audience.pointsAt([channel('ch-1')])).rejects.toThrow('away');
});
