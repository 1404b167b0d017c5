import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { z } from 'zod';
import { anyAnswer, callJson } from '../../src/contracts/call';
import { sourceChannelSchema } from '../../src/contracts/source';
import type { SourceChannel } from '../../src/contracts/source';
import { startSource, type Source, type SourceOptions } from '../../src/media/source';
import { RelayUnderTest } from '../relay/relay-under-test';

/** A source in this process on a free port. */
export class SourceUnderTest {
  private constructor(
    private source: Source,
    private readonly options: SourceOptions,
  ) {}

  static async start(relayUrl: string, changes: Partial<SourceOptions> = {}): Promise<SourceUnderTest> {
    const options: SourceOptions = {
      host: '127.0.0.1',
      port: 0,
      stateDir: await mkdtemp(join(tmpdir(), 'source-')),
      relayUrl,
      inputs: { inputDir: '/', networks: ['0.0.0.0/0', '::/0'], trusted: new Set() },
      ffmpeg: 'ffmpeg',
      ffprobe: 'ffprobe',
      log: pino({ level: 'silent' }),
      ...changes,
    };
    return new SourceUnderTest(await startSource(options), options);
  }

  get stateDir(): string {
    return this.options.stateDir;
  }

  get url(): string {
    return `http://127.0.0.1:${this.source.port}`;
  }

  get pushUrl(): string {
    return `http://127.0.0.1:${this.source.pushPort}`;
  }

  async restart(): Promise<void> {
    await this.source.stop();
    this.source = await startSource(this.options);
  }

  async stop(): Promise<void> {
    await this.source.stop();
    await rm(this.options.stateDir, { recursive: true, force: true });
  }

  put(id: string, spec: object): Promise<SourceChannel> {
    return callJson(`${this.url}/channels/${id}`, sourceChannelSchema, {
      method: 'PUT',
      json: spec,
      timeoutMs: 20_000,
    });
  }

  switchTo(id: string, input: string, atMs?: number): Promise<SourceChannel> {
    return callJson(`${this.url}/channels/${id}/switch`, sourceChannelSchema, {
      method: 'POST',
      json: { input, requestedBy: 'nina', ...(atMs !== undefined && { atMs }) },
    });
  }

  cancelSwitches(id: string): Promise<SourceChannel> {
    return callJson(`${this.url}/channels/${id}/switches`, sourceChannelSchema, { method: 'DELETE' });
  }

  async remove(id: string): Promise<void> {
    await callJson(`${this.url}/channels/${id}`, anyAnswer, { method: 'DELETE' });
  }

  list(): Promise<SourceChannel[]> {
    return callJson(`${this.url}/channels`, z.array(sourceChannelSchema));
  }
}

/** Process ids of the ffmpegs that this test process has started and that still run. */
export const runningFfmpegs = (): number[] => {
  const out = execFileSync('ps', ['-o', 'pid=,stat=,comm=', '--ppid', String(process.pid)]).toString();
  return out
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, stat, command]) => command === 'ffmpeg' && !stat?.startsWith('Z'))
    .map(([pid]) => Number(pid));
};

/**
 * A relay and a source that feeds it, for each test or for all of a describe. Channels are removed after each test.
 * Afterwards no ffmpeg may be left.
 * @param use is given both before the tests that use them
 */
export const startRelayAndSource = (
  per: 'each' | 'all',
  use: (relay: RelayUnderTest, source: SourceUnderTest) => void,
  changes: Partial<SourceOptions> = {},
): void => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  const [before, after] = per === 'each' ? [beforeEach, afterEach] : [beforeAll, afterAll];
  before(async () => {
    relay = await RelayUnderTest.start();
    source = await SourceUnderTest.start(relay.url, changes);
    use(relay, source);
  });
  if (per === 'all')
    afterEach(async () => {
      for (const { id } of await source.list()) await source.remove(id);
    });
  after(async () => {
    await source.stop();
    await relay.stop();
    expect(runningFfmpegs()).toEqual([]);
  });
};
