import pino from 'pino';
import { EncoderClient } from '../../../src/contracts/encoder/client';
import type { PrepareSession } from '../../../src/contracts/encoder/requests';
import type { Rendition } from '../../../src/domain';
import { startEncoder, type EncoderHost, type EncoderHostOptions } from '../../../src/media/encoder/host';

export const GOP_TICKS = 90_000;

export const LADDER: Rendition[] = [
  { name: '90p', widthPx: 160, heightPx: 90, crf: 26, maxBitrateKbps: 300 },
  { name: '72p', widthPx: 128, heightPx: 72, crf: 28, maxBitrateKbps: 200 },
  { name: '144p', widthPx: 256, heightPx: 144, crf: 26, maxBitrateKbps: 500 },
];

export const quietLog = pino({ level: process.env.TEST_LOG ?? 'silent' });

/** An encoder host in this process on a free port, with a client. */
export const startHost = async (
  options: Partial<EncoderHostOptions> = {},
): Promise<{ host: EncoderHost; client: EncoderClient; stop: () => Promise<void> }> => {
  const host = await startEncoder({
    id: 'enc-1',
    region: 'eu',
    zone: 'a',
    capacityUnits: 6,
    maxSessions: 8,
    host: '127.0.0.1',
    port: 0,
    ffmpegPath: 'ffmpeg',
    log: quietLog,
    ...options,
  });
  const client = new EncoderClient(host.address);
  return {
    host,
    client,
    stop: async () => {
      client.close();
      await host.stop();
    },
  };
};

let counter = 0;

/** A request for a session of channel ch-1 with GOPs of one second. */
export const sessionRequest = (
  feedUrl: string,
  originUrl: string,
  options: Partial<PrepareSession> = {},
): PrepareSession => ({
  sessionId: `session-${++counter}`,
  channelId: 'ch-1',
  feedUrl,
  originUrl,
  gopDurationTicks: GOP_TICKS,
  framesPerSecond: 25,
  renditions: LADDER.slice(0, 1),
  fromGop: 3,
  ...options,
});

/** True while a process exists. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
