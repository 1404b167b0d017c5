import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { InputAbsence } from './faults';

const FRAMES_PER_SECOND = 25;
const PICTURE = '320x180';
const LOOK_MS = 100;
/** A look at what the input is ends before that. */
const STEADY_MS = 10_000;

/** Pictures at wall-clock pace, as long as somebody reads them. */
const live = (ffmpeg: string): ChildProcess =>
  spawn(
    ffmpeg,
    [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=s=${PICTURE}:r=${FRAMES_PER_SECOND}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-threads', '1'],
      ...[
        '-g',
        String(FRAMES_PER_SECOND),
        '-pix_fmt',
        'yuv420p',
        '-flush_packets',
        '1',
        '-f',
        'mpegts',
        'pipe:1',
      ],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );

interface Reader {
  ffmpeg: ChildProcess;
  /** When it was sent the first bytes, since the input came back at the latest; monotonic. */
  sinceMs: number | null;
}

/** A camera: live MPEG-TS over HTTP, that can go away and come back. Whoever connects gets the pictures from then on. */
export class LiveInput {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly readers = new Set<Reader>();
  private absence: InputAbsence | null = null;

  private constructor(private readonly ffmpeg: string) {
    this.server = createServer((_request, response) => this.serve(response));
    this.server.on('connection', (socket) => {
      if (this.absence === 'away') socket.resetAndDestroy();
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    });
  }

  static async start(ffmpeg: string): Promise<LiveInput> {
    const input = new LiveInput(ffmpeg);
    await new Promise<void>((resolve, reject) => {
      input.server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return input;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/live.ts`;
  }

  /** Whether somebody connects to it. */
  get hasReaders(): boolean {
    return this.readers.size > 0;
  }

  /**
   * Goes away: connections are reset, and new ones too; or falls silent: they stay, and carry nothing.
   * @returns comes back
   */
  leave(absence: InputAbsence): () => void {
    this.absence = absence;
    if (absence === 'away') for (const socket of this.sockets) socket.resetAndDestroy();
    else for (const { ffmpeg } of this.readers) ffmpeg.stdout?.pause();
    return () => {
      this.absence = null;
      for (const { ffmpeg } of this.readers) ffmpeg.stdout?.resume();
    };
  }

  /** Waits until somebody goes on reading it, from now on. @throws Error where that takes longer */
  async untilRead(withinMs: number, steadyMs = STEADY_MS): Promise<void> {
    for (const reader of this.readers) reader.sinceMs = null;
    const endMs = performance.now() + withinMs;
    const isSteady = ({ sinceMs }: Reader): boolean =>
      sinceMs !== null && performance.now() - sinceMs >= steadyMs;
    while (![...this.readers].some(isSteady)) {
      if (performance.now() > endMs)
        throw new Error(`it is back, and was not read again within ${withinMs / 1_000} s`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async stop(): Promise<void> {
    for (const { ffmpeg } of this.readers) ffmpeg.kill('SIGKILL');
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(response: ServerResponse): void {
    const reader: Reader = { ffmpeg: live(this.ffmpeg), sinceMs: null };
    this.readers.add(reader);
    const { ffmpeg } = reader;
    ffmpeg.on('error', () => response.destroy());
    ffmpeg.stdout?.on('data', (chunk: Buffer) => {
      reader.sinceMs ??= performance.now();
      response.write(chunk);
    });
    if (this.absence !== null) ffmpeg.stdout?.pause();
    ffmpeg.once('close', () => response.end());
    response.on('error', () => undefined);
    response.on('close', () => {
      this.readers.delete(reader);
      ffmpeg.kill('SIGKILL');
    });
  }
}
