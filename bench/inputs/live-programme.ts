import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GeneratedPicture } from '../../src/media/stamp';

const FRAMES_PER_SECOND = 25;
const SIZE = { widthPx: 320, heightPx: 180 };
/** Packets of MPEG-TS are whole in what is handed on. */
const PACKET_BYTES = 188;

export interface ProgrammeOptions {
  key: Buffer;
  channelId: string;
  /** Pictures. */
  keyframeEvery?: number;
  ffmpeg?: string;
  /** As ffmpeg calls it. */
  soundCodec?: 'aac' | 'mp2';
}

/** What becomes of one of the ways on which the programme comes. */
type State = 'sound' | 'silent' | 'cut';

/**
 * One live programme, whose every frame can be checked, on several ways: HTTP MPEG-TS with the same packets and so the same
 * times, as two encoders in step send it. A way can be cut, or fall silent, and come back.
 */
export class LiveProgramme {
  private readonly states = new Map<string, State>();
  private readonly readers = new Map<string, Set<ServerResponse>>();
  private readonly server: Server;
  private readonly encoder: ChildProcess;
  private readonly over = new AbortController();
  private rest = Buffer.alloc(0);

  private constructor(options: ProgrammeOptions) {
    const { keyframeEvery = 25, ffmpeg = 'ffmpeg', soundCodec = 'aac' } = options;
    const picture = new GeneratedPicture({ ...SIZE, key: options.key, channelId: options.channelId });
    this.encoder = spawn(
      ffmpeg,
      [
        ...['-v', 'error', '-probesize', '32', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', '320x180'],
        ...['-r', `${FRAMES_PER_SECOND}`, '-i', 'pipe:0', '-f', 'lavfi', '-i', 'sine=r=48000'],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '16'],
        ...['-g', `${keyframeEvery}`, '-sc_threshold', '0', '-threads', '1'],
        ...['-c:a', soundCodec, '-b:a', '64k'],
        ...['-muxdelay', '0', '-flush_packets', '1', '-pes_payload_size', '0', '-pat_period', '0.2'],
        ...['-max_interleave_delta', '100000', '-f', 'mpegts', 'pipe:1'],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const { stdin, stdout } = this.encoder;
    stdin!.on('error', () => undefined);
    stdout!.on('data', (chunk: Buffer) => this.handOn(chunk));
    void this.draw(picture).catch(() => undefined);
    this.server = createServer((req, res) => this.serve(req.url ?? '', res));
  }

  static async start(options: ProgrammeOptions): Promise<LiveProgramme> {
    const programme = new LiveProgramme(options);
    await new Promise<void>((resolve) => programme.server.listen(0, '127.0.0.1', resolve));
    return programme;
  }

  url(way: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${way}`;
  }

  /** Connections are broken, and new ones refused. */
  cut(way: string): void {
    this.states.set(way, 'cut');
    for (const reader of this.readers.get(way) ?? []) reader.destroy();
  }

  /** Connections stay, and nothing comes. */
  silence(way: string): void {
    this.states.set(way, 'silent');
  }

  restore(way: string): void {
    this.states.set(way, 'sound');
  }

  async stop(): Promise<void> {
    this.over.abort();
    const ended = once(this.encoder, 'close');
    this.encoder.kill('SIGKILL');
    await ended;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async draw(picture: GeneratedPicture): Promise<void> {
    const { signal } = this.over;
    const { stdin } = this.encoder;
    const startMs = performance.now();
    for (let frame = 0; !signal.aborted; frame++) {
      const dueMs = startMs + (frame * 1_000) / FRAMES_PER_SECOND;
      await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal });
      if (!stdin!.write(Buffer.from(picture.draw(frame)))) await once(stdin!, 'drain', { signal });
    }
  }

  private serve(path: string, res: ServerResponse): void {
    const way = path.slice(1);
    if (this.states.get(way) === 'cut') {
      res.writeHead(503).end();
      return;
    }
    res.writeHead(200, { 'content-type': 'video/mp2t' }).flushHeaders();
    const readers = this.readers.get(way) ?? new Set();
    this.readers.set(way, readers.add(res));
    res.on('close', () => readers.delete(res));
  }

  private handOn(chunk: Buffer): void {
    const bytes = Buffer.concat([this.rest, chunk]);
    const whole = bytes.length - (bytes.length % PACKET_BYTES);
    this.rest = bytes.subarray(whole);
    for (const [way, readers] of this.readers) {
      if ((this.states.get(way) ?? 'sound') !== 'sound') continue;
      for (const reader of readers) reader.write(bytes.subarray(0, whole));
    }
  }
}
