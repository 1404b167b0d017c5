import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { z } from 'zod';
import { callJson } from '../../src/contracts/call';
import {
  gopLedgerSchema,
  relayChannelSchema,
  type GopLedger,
  type RelayChannel,
} from '../../src/contracts/relay';
import type { ErrorBody } from '../../src/domain';
import { startRelay, type Relay, type RelayOptions } from '../../src/media/relay';
import { linkScheme } from '../../src/platform/links/link-tls';
import { until } from '../support/until';

interface IngestAnswer {
  status: number;
  body: Partial<ErrorBody> & { gops?: number };
}

/** A contribution under the test's control. */
export interface Ingest {
  write(bytes: Buffer): void;
  end(): void;
  /** Cuts the connection without ending the body. */
  cut(): void;
  answer: Promise<IngestAnswer>;
}

/** A relay in this process on a free port, with a state directory of its own. */
export class RelayUnderTest {
  private constructor(
    private relay: Relay,
    private readonly options: RelayOptions,
  ) {}

  static async start(options: Partial<RelayOptions> = {}): Promise<RelayUnderTest> {
    const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'relay-')));
    const log = pino({ level: 'silent' });
    const all = { host: '127.0.0.1', port: 0, log, ...options, stateDir };
    return new RelayUnderTest(await startRelay(all), all);
  }

  get url(): string {
    return `${linkScheme()}://127.0.0.1:${this.relay.port}`;
  }

  get stateDir(): string {
    return this.options.stateDir;
  }

  async restart(): Promise<void> {
    await this.pause();
    await this.resume();
  }

  /** Stops it; `resume` starts it again on the same port and state. */
  async pause(): Promise<void> {
    await this.relay.stop();
  }

  async resume(): Promise<void> {
    this.relay = await startRelay({ ...this.options, port: this.relay.port });
  }

  /** Restarts on another record of a channel. */
  async restartFrom(id: string, record: { gopDurationTicks: number; nextGop: number }): Promise<void> {
    await this.pause();
    await writeFile(join(this.stateDir, 'relay', `${id}.json`), JSON.stringify(record));
    await this.resume();
  }

  async stop(): Promise<void> {
    await this.relay.stop();
    await rm(this.options.stateDir, { recursive: true, force: true });
  }

  put(id: string, gopDurationTicks: number): Promise<RelayChannel> {
    return callJson(`${this.url}/channels/${id}`, relayChannelSchema, {
      method: 'PUT',
      json: { gopDurationTicks },
    });
  }

  info(id: string): Promise<RelayChannel> {
    return callJson(`${this.url}/channels/${id}`, relayChannelSchema);
  }

  /** Waits until a GOP is sealed, also where the relay is away or does not know the channel yet. */
  untilSealed(id: string, gop: number, limitMs?: number): Promise<void> {
    const newest = (): Promise<number | null> =>
      this.info(id).then(
        ({ lastSealedGop }) => lastSealedGop,
        () => null,
      );
    return until(`GOP ${gop} of ${id} is sealed`, async () => ((await newest()) ?? -1) >= gop, limitMs);
  }

  ledger(id: string, gop: number, waitMs = 5_000): Promise<GopLedger> {
    return callJson(`${this.url}/channels/${id}/ledger/${gop}?wait_ms=${waitMs}`, gopLedgerSchema, {
      timeoutMs: 15_000,
    });
  }

  ledgers(id: string, from: number, to: number): Promise<GopLedger[]> {
    return callJson(`${this.url}/channels/${id}/ledger?from=${from}&to=${to}`, z.array(gopLedgerSchema));
  }

  ingest(id: string, query = ''): Ingest {
    const post: ClientRequest = request(`${this.url}/channels/${id}/ingest${query}`, {
      method: 'POST',
      headers: { 'content-type': 'video/mp2t' },
      // On one that was kept alive it can meet the moment at which the relay closes that.
      agent: false,
    });
    post.flushHeaders();
    const answer = new Promise<IngestAnswer>((resolve, reject) => {
      post.on('error', reject);
      post.on('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString()) as Ingest['answer'] extends Promise<
            infer A
          >
            ? A extends { body: infer B }
              ? B
              : never
            : never;
          resolve({ status: response.statusCode ?? 0, body });
        });
      });
    });
    answer.catch(() => undefined);
    return {
      write: (bytes) => void post.write(bytes),
      end: () => void post.end(),
      cut: () => void post.destroy(),
      answer,
    };
  }

  /** Sends a whole contribution as fast as it goes, and waits until the relay has taken it. */
  async contribute(id: string, clip: Buffer): Promise<number> {
    const ingest = this.ingest(id);
    ingest.write(clip);
    ingest.end();
    const { status, body } = await ingest.answer;
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body.gops ?? 0;
  }

  feedUrl(id: string, gop: number): string {
    return `${this.url}/channels/${id}/feed?from_gop=${gop}`;
  }

  /** Reads a feed until it ends. */
  async readFeed(id: string, gop: number): Promise<Buffer> {
    const response = await fetch(this.feedUrl(id, gop));
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return Buffer.from(await response.arrayBuffer());
  }
}
