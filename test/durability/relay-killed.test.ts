import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cheapChannel, type DataPlane } from '../../bench/lib/data-plane';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { startDataPlane } from '../support/data-plane';
import { frameCountersOf } from '../support/frame-counters';
import { serveStampedLiveInput } from '../support/stamped-live-input';

/** All that the origin retains of a channel, as one stream. */
const segmentsOf = async (plane: DataPlane, id: string): Promise<Buffer> => {
  const base = `${plane.originUrl}/hls/${id}/180p/`;
  const playlist = await (await fetch(`${base}index.m3u8?window_s=3600`)).text();
  const segments = playlist.split('\n').filter((line) => /^\d+\.ts/.test(line));
  const bodies = await Promise.all(segments.map(async (uri) => (await fetch(base + uri)).arrayBuffer()));
  return Buffer.concat(bodies.map((body) => Buffer.from(body)));
};

/** Real source, relay, encoder host and origin; no orchestrator. Every frame is verified from outside. */
test('kill -9 of the relay while video runs: no frame of generated pictures or of a live input is lost', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'relay-killed-'));
  const key = await loadOrCreateStampKey(stateDir);
  const { plane, stop } = await startDataPlane({ stateDir });
  // ffprobe is the first to read it, the contribution the second.
  const live = await serveStampedLiveInput({ channelId: 'live', key, firstShownTo: 2 });
  try {
    const ids = ['ch-1', 'live'];
    await plane.putOnAir(cheapChannel('ch-1'), 'enc-1');
    await plane.putOnAir(cheapChannel('live', { kind: 'url', url: live.url }), 'enc-1');
    for (const pauseMs of [300, 900]) {
      const { nextGop } = await plane.channel('ch-1');
      await plane.published('ch-1', nextGop + 1);
      await sleep(pauseMs);
      await plane.kill('relay');
    }
    for (const id of ids) await plane.published(id, (await plane.channel(id)).nextGop + 3);
    // An input of one's own is joined amid its frames: its counters are only compared with each other.
    const report = await plane.verify(ids, ['live']);
    expect(report.playlists.flatMap((p) => p.problems)).toEqual([]);
    expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });
    expect(report.framesChecked).toBeGreaterThan(2 * 10 * 25);
    for (const channel of await plane.channels())
      expect(channel).toMatchObject({ gapsDeclared: 0, token: 1 });
    const shown = await frameCountersOf(await segmentsOf(plane, 'live'), key, 'live');
    expect(shown.length).toBeGreaterThan(10 * 25);
    expect(shown).toEqual(shown.map((_, i) => shown[0]! + i));
    expect(shown[0]).toBeGreaterThanOrEqual(0);
    expect(live.connections()).toBe(2);
  } finally {
    await live.close();
    await stop();
  }
}, 120_000);
