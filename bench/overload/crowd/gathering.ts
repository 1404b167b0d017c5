import { z } from 'zod';
import { seededRandom } from '../../../src/domain';
import { percentile } from '../../../src/domain/statistics';
import { rounded } from '../../lib/statistics';
import { burn } from './burn';
import { readPlaylists, readSegments, type ReadersReport } from './readers';
import { SlowClients } from './slow-clients';

const urls = { originUrl: z.string(), playerUrl: z.string() };

/** What a crowd is made of. All of it stands in processes of its own, which publish and commit nothing. */
export const crowdSchema = z.discriminatedUnion('kind', [
  /** They hold connections and places, and do nothing with them. */
  z.object({
    ...{ kind: z.literal('holding'), ...urls },
    viewers: z.int(),
    waits: z.int(),
    halfPuts: z.int(),
    idle: z.int(),
  }),
  /** Players: each asks once per GOP. */
  z.object({
    ...{ kind: z.literal('reading'), ...urls },
    channels: z.array(z.string()),
    rendition: z.string(),
    playlistReaders: z.int(),
    segmentReaders: z.int(),
    everyMs: z.number(),
    seed: z.number(),
  }),
  /** Nobody: it takes as much of the machine as the process of a crowd did. */
  z.object({ kind: z.literal('burning'), cores: z.number() }),
  /** They send half of a head, nothing at all, or read nothing of what they asked for. */
  z.object({ ...{ kind: z.literal('slow'), ...urls }, relayUrl: z.string(), count: z.int() }),
]);
export type Crowd = z.infer<typeof crowdSchema>;

export interface CrowdReport {
  /** Sockets still connected as it ended, as far as this end has noticed. */
  connected: Record<string, number>;
  requests: number;
  failures: number;
  latencyMsP50: number | null;
  latencyMsP99: number | null;
  cpuSeconds: number;
  /** Of this process, as the system weighs it. */
  niceness: number;
}

type Figures = Omit<CrowdReport, 'cpuSeconds' | 'niceness'>;

const NOTHING_READ = { requests: 0, failures: 0, latencyMsP50: null, latencyMsP99: null };

const held = (clients: Record<string, SlowClients>): Figures => {
  const connected = Object.fromEntries(
    Object.entries(clients).map(([name, { counts }]) => [name, counts.connected]),
  );
  for (const each of Object.values(clients)) each.close();
  return { connected, ...NOTHING_READ };
};

const hold = async (crowd: Extract<Crowd, { kind: 'holding' }>, signal: AbortSignal): Promise<Figures> => {
  const viewers = new SlowClients(crowd.playerUrl);
  viewers.open(crowd.viewers, '', { reads: true });
  const strangers = new SlowClients(crowd.originUrl);
  const wait = 'GET /channels/ch-1/wait?gop=99999999&timeout_ms=60000 HTTP/1.1';
  strangers.open(crowd.waits, `${wait}\r\nhost: localhost\r\n\r\n`, { reads: true });
  const halfPut = [
    ...['PUT /channels/ch-1/gops/1 HTTP/1.1', 'host: localhost', 'content-type: video/mp2t'],
    ...['content-length: 188000', 'x-renditions: 180p=188000', 'x-fencing-token: 1'],
    ...['x-encoder-id: enc-1', 'x-session-id: ch-1/a-guess', '', 'G'],
  ];
  strangers.open(crowd.halfPuts, halfPut.join('\r\n'), { reads: true });
  strangers.open(crowd.idle, '', { reads: true });
  await aborted(signal);
  return held({ viewers, strangers });
};

const read = async (crowd: Extract<Crowd, { kind: 'reading' }>, signal: AbortSignal): Promise<Figures> => {
  const { channels, rendition, playlistReaders, segmentReaders, everyMs } = crowd;
  const playlists = channels.map((id) => `${crowd.playerUrl}/hls/${id}/${rendition}/index.m3u8`);
  const common = { playlists, everyMs, random: seededRandom(crowd.seed), signal };
  const reports: ReadersReport[] = await Promise.all([
    readPlaylists({ ...common, readers: playlistReaders }),
    readSegments({ ...common, readers: segmentReaders }),
  ]);
  const latenciesMs = reports.flatMap((report) => report.latenciesMs);
  return {
    connected: {},
    requests: reports.reduce((sum, { requests }) => sum + requests, 0),
    failures: reports.reduce((sum, { failures }) => sum + failures, 0),
    latencyMsP50: rounded(percentile(latenciesMs, 50)),
    latencyMsP99: rounded(percentile(latenciesMs, 99)),
  };
};

const dawdle = async (
  { originUrl, relayUrl, count }: Extract<Crowd, { kind: 'slow' }>,
  signal: AbortSignal,
): Promise<Figures> => {
  const [origin, relay] = [new SlowClients(originUrl), new SlowClients(relayUrl)];
  for (const clients of [origin, relay]) {
    clients.open(count, 'GET /channels HTTP/1.1\r\nhost: x\r\n', { reads: true });
    clients.open(count / 2, '', { reads: true });
  }
  const asking = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
  origin.open(count / 2, asking('/hls/ch-1/180p/5.ts'), { reads: false });
  relay.open(count / 2, asking('/channels/ch-1/feed?from_gop=1'), { reads: false });
  await aborted(signal);
  return held({ origin, relay });
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Lets a crowd loose until the signal. */
export const gather = (crowd: Crowd, signal: AbortSignal): Promise<Figures> => {
  if (crowd.kind === 'holding') return hold(crowd, signal);
  if (crowd.kind === 'burning')
    return burn(crowd.cores, signal).then(() => ({ connected: {}, ...NOTHING_READ }));
  return crowd.kind === 'reading' ? read(crowd, signal) : dawdle(crowd, signal);
};
