import { SmallDisk } from '../support/small-disk';
import { RunningOrigin } from './support/running-origin';
import { asGop, encodeGops, type EncodedGop } from './support/segments';

const MiB = 2 ** 20;

let pattern: EncodedGop;
let origin: RunningOrigin;
beforeAll(async () => {
  [pattern] = (await encodeGops(1, '640x360', { crf: 1 })) as [EncodedGop];
});
afterEach(() => origin?.stop());

const onAir = async (id: string): Promise<void> => {
  expect((await origin.client.register(id)).status).toBe(200);
  await origin.client.own(id, 0, 'a', 0);
};
const publish = async (id: string, gop: number): Promise<void> => {
  const { segment, ptsTicks } = asGop(pattern, 0, gop);
  origin.relay.ptsTicksByGop.set(gop, ptsTicks);
  expect((await origin.client.put(id, gop, 1, 'a', { '360p': segment })).status).toBe(201);
};
const storedGops = async (id: string): Promise<number> => {
  const { text } = await origin.client.text(`/hls/${id}/360p/index.m3u8?window_s=900`);
  return text.split('\n').filter((line) => line.endsWith('.ts') || line.includes('.ts?')).length;
};

test('what all channels store is divided over them, and given back by one that leaves', async () => {
  const gopBytes = asGop(pattern, 0, 0).segment.length;
  const gopsIn = (bytes: number): number => Math.floor(bytes / gopBytes);
  origin = await RunningOrigin.start({ totalBytes: 10 * MiB, retentionBytes: 8 * MiB });
  await onAir('ch-1');
  let next = 0;
  // What is beyond its share goes at a start too.
  const publishAll = async (): Promise<void> => {
    for (let i = 0; i < gopsIn(10 * MiB); i += 1) await publish('ch-1', next++);
    await origin.restart();
  };
  await publishAll();
  expect(await storedGops('ch-1')).toBe(gopsIn(8 * MiB));
  await onAir('ch-2');
  await publishAll();
  expect(await storedGops('ch-1')).toBe(gopsIn(5 * MiB));
  expect((await origin.client.call('DELETE', '/channels/ch-2')).status).toBe(204);
  await publishAll();
  expect(await storedGops('ch-1')).toBe(gopsIn(8 * MiB));
});

test('a channel for which too little would be left is refused with cause and hint, also after a restart', async () => {
  origin = await RunningOrigin.start({ totalBytes: 9 * MiB });
  for (const id of ['ch-1', 'ch-2']) expect((await origin.client.register(id)).status).toBe(200);
  for (let i = 0; i < 2; i += 1) {
    expect(await origin.client.register('ch-3')).toMatchObject({
      status: 409,
      body: {
        error: {
          code: 'at-capacity-limit',
          message: expect.stringContaining('divided over 2 channels already'),
          hint: expect.stringContaining('SWARM_ORIGIN_DISK_MIB'),
        },
      },
    });
    // One that is there is asked for again.
    expect((await origin.client.register('ch-2')).status).toBe(200);
    await origin.restart();
  }
  await origin.client.call('DELETE', '/channels/ch-1');
  expect((await origin.client.register('ch-3')).status).toBe(200);
});

test('without a number of its own the budget is what the disk has, and a nearly full disk takes no channel on', async () => {
  const disk = SmallDisk.mount(24 * MiB);
  if (!disk) return;
  try {
    origin = await RunningOrigin.start({}, { parent: disk.path });
    // Nine tenths of 24 MiB are enough for five channels of 4 MiB.
    for (let i = 1; i <= 5; i += 1) expect((await origin.client.register(`ch-${i}`)).status).toBe(200);
    const refused = await origin.client.register('ch-6');
    expect(refused.body.error).toMatchObject({ code: 'at-capacity-limit' });
    await origin.client.call('DELETE', '/channels/ch-5');
    disk.fill(MiB);
    expect((await origin.client.register('ch-6')).body.error).toMatchObject({
      code: 'storage-full',
      message: 'The disk of the origin has 1 MiB left: too little for another channel.',
    });
    disk.free();
    expect((await origin.client.register('ch-6')).status).toBe(200);
  } finally {
    await origin.end();
    disk.unmount();
  }
});
