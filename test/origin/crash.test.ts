import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerServer } from './support/ledger-server';
import { OriginProcess } from './support/origin-process';
import { asGop, encodeGops, type EncodedGop } from './support/segments';

const KILLS = 6;
const CHANNELS = ['ch-1', 'ch-2'];

let stateDir: string;
let relay: LedgerServer;
let origin: OriginProcess;
let pattern: EncodedGop;
/** The origin was killed on purpose: whatever callers see then is expected. */
let killed = false;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'origin-crash-'));
  relay = await new LedgerServer().start();
  origin = await OriginProcess.create(stateDir, relay.url);
  [pattern] = (await encodeGops(1, '128x72')) as [EncodedGop];
});
afterAll(async () => {
  await origin.end('SIGKILL');
  await relay.stop();
  await rm(stateDir, { recursive: true, force: true });
});

const gopNumber = (gop: number): EncodedGop => {
  const made = asGop(pattern, 0, gop);
  relay.ptsTicksByGop.set(gop, made.ptsTicks);
  return made;
};

/** What the origin has acknowledged of one channel, written down outside of it. */
class Acknowledged {
  token = 0;
  readonly gops = new Map<number, { token: number; bytes: Buffer }>();
  requests = 0;
  private onPublished = (): void => undefined;

  constructor(readonly id: string) {}

  /** Takes ownership, publishes, and changes hands every few GOPs, until the origin is killed. */
  async work(): Promise<void> {
    try {
      for (;;) {
        const requestId = `${this.id}-${this.requests++}`;
        const owned = await origin.client.own(this.id, this.token, 'a', 0, { requestId });
        if (owned.status !== 200) throw new Error(`own: ${JSON.stringify(owned.body)}`);
        this.token = owned.body.token;
        for (let gop = owned.body.firstGop; gop < owned.body.firstGop + 5; gop++) await this.publish(gop);
      }
    } catch (error) {
      if (!killed) throw error;
    }
  }

  /** Puts a GOP, again while the ledger server is too busy to answer in time. */
  async publish(gop: number): Promise<void> {
    const { segment } = gopNumber(gop);
    for (;;) {
      const put = await origin.client.put(this.id, gop, this.token, 'a', { '144p': segment });
      if (put.body.error?.code === 'ledger-unavailable') continue;
      if (put.status >= 300) throw new Error(`put: ${JSON.stringify(put.body)}`);
      this.gops.set(gop, { token: this.token, bytes: segment });
      this.onPublished();
      return;
    }
  }

  /** Resolves when so many more GOPs are acknowledged. */
  async more(gops: number): Promise<void> {
    const wanted = this.gops.size + gops;
    await new Promise<void>((resolve) => {
      this.onPublished = () => {
        if (this.gops.size >= wanted) resolve();
      };
    });
  }

  /** Everything acknowledged is there; at most the request that was cut off counts besides. */
  async check(): Promise<void> {
    const channel = await origin.client.channel(this.id);
    const lastGop = Math.max(-1, ...this.gops.keys());
    expect([this.token, this.token + 1]).toContain(channel.token);
    expect([lastGop + 1, lastGop + 2]).toContain(channel.nextGop);
    expect(channel.gapsDeclared).toBe(0);
    const ledger = await origin.client.ledger(this.id);
    expect(ledger.map((e) => e.gop)).toEqual(Array.from({ length: channel.nextGop }, (_, i) => i));
    for (const [gop, { token, bytes }] of this.gops) {
      expect(ledger[gop]).toMatchObject({ gop, token, renditions: [{ name: '144p', bytes: bytes.length }] });
    }
    const { text } = await origin.client.text(`/hls/${this.id}/144p/index.m3u8?window_s=900`);
    expect(text.match(/^\d+\.ts/gm)).toHaveLength(channel.nextGop);
    expect(text).not.toContain('EXT-X-GAP');
    for (const gop of [lastGop, channel.nextGop - 1]) {
      const served = await fetch(`${origin.client.url}/hls/${this.id}/144p/${gop}.ts`);
      expect(Buffer.from(await served.arrayBuffer()).equals(gopNumber(gop).segment)).toBe(true);
    }
    // The request that was cut off, asked again: carried out once, whether or not it had been.
    const requestId = `${this.id}-${this.requests - 1}`;
    const again = await origin.client.own(this.id, channel.token, 'a', 0, { requestId });
    if (channel.token === this.token + 1) expect(again.status).toBe(409);
    this.token = (await origin.client.channel(this.id)).token;
  }
}

test(`kill -9 while GOPs are put, ${KILLS} times: nothing acknowledged is missing`, async () => {
  await origin.start();
  const channels = CHANNELS.map((id) => new Acknowledged(id));
  for (const { id } of channels) await origin.client.register(id);
  for (let kill = 0; kill < KILLS; kill++) {
    const pid = origin.pid;
    killed = false;
    const enough = Promise.all(channels.map((c) => c.more(3)));
    const working = Promise.all(channels.map((c) => c.work()));
    await Promise.race([enough, working]);
    await new Promise((resolve) => setTimeout(resolve, 7 * kill));
    killed = true;
    process.kill(pid, 'SIGKILL');
    await working;
    await origin.end('SIGKILL');
    await origin.start();
    for (const channel of channels) await channel.check();
  }
  // And an orderly end keeps everything just as well.
  expect(await origin.end('SIGTERM')).toBe(0);
  await origin.start();
  for (const channel of channels) await channel.check();
}, 120_000);

test('kill -9 right after a change of hands was answered: the change stands, and so does its answer', async () => {
  const id = 'ch-owned';
  await origin.client.register(id);
  for (let token = 0; token < 4; token++) {
    const answered = await origin.client.own(id, token, 'a', 0);
    process.kill(origin.pid, 'SIGKILL');
    expect(answered.body).toEqual({ token: token + 1, firstGop: 0 });
    await origin.end('SIGKILL');
    await origin.start();
    expect((await origin.client.channel(id)).token).toBe(token + 1);
    expect(await origin.client.own(id, token, 'a', 0)).toEqual(answered);
  }
});
