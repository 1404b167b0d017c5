import { setTimeout as sleep } from 'node:timers/promises';
import { cheapChannel } from '../../bench/lib/data-plane';
import { callJson } from '../../src/contracts/call';
import { mediaHealthSchema } from '../../src/contracts/health';
import { startDataPlane } from '../support/data-plane';
import { SmallDisk } from '../support/small-disk';

/** Real source, relay, encoder host and origin; no orchestrator. Every frame is verified from outside. */
test('the disk of the origin is full for a while, and the origin is killed meanwhile: no frame is lost', async () => {
  const disk = SmallDisk.mount(16 * 2 ** 20);
  if (!disk) return;
  const { plane, stop } = await startDataPlane({
    variablesOf: { origin: { SWARM_STATE_DIR: disk.path } },
  });
  const health = () => callJson(`${plane.originUrl}/healthz`, mediaHealthSchema);
  try {
    await plane.putOnAir(cheapChannel('ch-1'), 'enc-1');
    await plane.published('ch-1', 2);
    disk.fill();
    await sleep(3_000);
    expect((await health()).storage.state).toBe('full');
    const { nextGop, refusals } = await plane.channel('ch-1');
    expect(refusals['storage-full']).toBeGreaterThan(0);
    await plane.kill('origin');
    await sleep(2_000);
    expect(await plane.channel('ch-1')).toMatchObject({ nextGop, token: 1 });
    const playlist = await fetch(`${plane.originUrl}/hls/ch-1/180p/index.m3u8`);
    expect(await playlist.text()).toContain(`${nextGop - 1}.ts`);
    disk.free();
    await plane.published('ch-1', nextGop + 7);
    expect((await health()).storage.state).toBe('ok');
    const report = await plane.verify(['ch-1']);
    expect(report.playlists.flatMap((p) => p.problems)).toEqual([]);
    expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });
  } finally {
    await stop();
    disk.unmount();
  }
}, 120_000);
