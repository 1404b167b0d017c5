import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paceFrames } from '../../src/media/source/frame-pacer';
import { GeneratedPicture } from '../../src/media/stamp';

const FRAMES_PER_SECOND = 25;

/**
 * A live input whose every frame can be checked: HTTP MPEG-TS at wall-clock pace that can't go back. Frame 0 is shown
 * when the `firstShownTo`-th reader connects (the first ones only look at what it is); whoever connects later begins
 * at the frame of that moment.
 */
export const serveStampedLiveInput = async (options: {
  channelId: string;
  key: Buffer;
  firstShownTo: number;
}): Promise<{ url: string; connections: () => number; close: () => Promise<void> }> => {
  const encoders = new Set<ChildProcess>();
  let connections = 0;
  let startedAtMs: number | null = null;
  const server = createServer((_req, res) => {
    connections += 1;
    if (connections === options.firstShownTo) startedAtMs = performance.now();
    const size = { widthPx: 320, heightPx: 180 };
    const picture = new GeneratedPicture({ ...size, key: options.key, channelId: options.channelId });
    const shownMs = startedAtMs === null ? 0 : performance.now() - startedAtMs;
    const firstFrame = Math.ceil((shownMs * FRAMES_PER_SECOND) / 1000);
    const encoder = spawn(
      'ffmpeg',
      [
        ...['-v', 'error', '-probesize', '32', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', '320x180'],
        ...['-r', String(FRAMES_PER_SECOND), '-i', 'pipe:0', '-c:v', 'libx264', '-preset', 'ultrafast'],
        ...['-tune', 'zerolatency', '-crf', '16', '-g', '25', '-threads', '1', '-muxdelay', '0'],
        ...['-flush_packets', '1', '-f', 'mpegts', 'pipe:1'],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    encoders.add(encoder);
    encoder.stdin.on('error', () => undefined);
    encoder.stdout.pipe(res);
    const gone = new AbortController();
    res.on('close', () => {
      gone.abort();
      encoder.kill('SIGKILL');
      encoders.delete(encoder);
    });
    const left = once(gone.signal, 'abort');
    void paceFrames(FRAMES_PER_SECOND, gone.signal, async (frame) => {
      if (gone.signal.aborted) return;
      const written = encoder.stdin.write(Buffer.from(picture.draw(firstFrame + frame)));
      if (!written) await Promise.race([once(encoder.stdin, 'drain'), left]);
      // A reader that leaves ends the encoder, whose pipe then breaks.
    }).catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.ts`,
    connections: () => connections,
    close: async () => {
      for (const encoder of encoders) encoder.kill('SIGKILL');
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
