import { setTimeout as sleep } from 'node:timers/promises';
import { paceFrames } from '../../src/media/source/frame-pacer';

describe('paceFrames', () => {
  it('catches up after a late frame, in order and without dropping any', async () => {
    const stop = new AbortController();
    const sent: number[] = [];
    const begun = performance.now();
    await paceFrames(50, stop.signal, async (frame) => {
      sent.push(frame);
      if (frame === 5) await sleep(300);
      if (frame === 40) stop.abort();
    });
    const elapsed = performance.now() - begun;
    expect(sent).toEqual(Array.from({ length: 41 }, (_, i) => i));
    expect(elapsed).toBeGreaterThan(795);
    expect(elapsed).toBeLessThan(1_000);
  });

  it('ends at once when aborted, also amid a pause', async () => {
    const stop = new AbortController();
    const pacing = paceFrames(0.01, stop.signal, async () => undefined);
    setTimeout(() => stop.abort(), 50);
    await pacing;
  });

  it('passes on what goes wrong', async () => {
    const failing = paceFrames(100, new AbortController().signal, async (frame) => {
      if (frame === 2) throw new Error('no paint');
    });
    await expect(failing).rejects.toThrow('no paint');
  });
});
