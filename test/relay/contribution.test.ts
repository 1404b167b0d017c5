import { rm } from 'node:fs/promises';
import { gopStartTicks } from '../../src/domain';
import {
  PACKET_BYTES,
  TransportStreamReader,
  WRAP_TICKS,
  ptsLedgerHash,
  type PesUnit,
} from '../../src/media/mpegts';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { untilAnswer } from '../support/until';
import { RelayUnderTest } from './relay-under-test';

const gopTicks = 90_000;
const framesOf = (gop: number, count = 25): number[] =>
  Array.from({ length: count }, (_, frame) => gopStartTicks(gop, gopTicks) + frame * 3600);

const videoUnitsOf = (clip: Buffer): PesUnit[] => {
  const units: PesUnit[] = [];
  const reader = new TransportStreamReader({ onUnit: (unit) => units.push(unit) });
  reader.push(clip);
  reader.flush();
  return units.filter((unit) => unit.kind === 'video');
};

/** Byte position at which the n-th picture of a clip by ffmpeg begins. */
const positionOfPicture = (clip: Buffer, ordinal: number): number => {
  const videoPid = 256;
  const starts: number[] = [];
  for (let at = 0; at < clip.length; at += PACKET_BYTES)
    if ((clip.readUInt16BE(at + 1) & 0x5fff) === (0x4000 | videoPid)) starts.push(at);
  return starts[ordinal]!;
};

/** The tables at the head of a clip of ours: SDT, PAT, PMT. */
const tablesOf = (clip: Buffer): Buffer => clip.subarray(0, 3 * PACKET_BYTES);

describe('a contribution', () => {
  let relay: RelayUnderTest;
  const clip = makeClip('ffmpeg', { seconds: 4, audio: ['-c:a', 'aac'] });

  beforeEach(async () => {
    relay = await RelayUnderTest.start({ ingestIdleMs: 400 });
    await relay.put('ch-1', gopTicks);
  });
  afterEach(() => relay.stop());

  it('becomes GOPs on channel time, whatever its clock, also across the 33-bit wrap', async () => {
    const startSeconds = WRAP_TICKS / 90_000 - 1.5;
    expect(await relay.contribute('ch-1', makeClip('ffmpeg', { seconds: 4, startSeconds }))).toBe(3);
    const ledgers = await relay.ledgers('ch-1', 0, 10);
    expect(ledgers.map((l) => l.gop)).toEqual([0, 1, 2]);
    for (const ledger of ledgers) {
      expect(ledger.ptsTicks).toEqual(framesOf(ledger.gop));
      expect(ledger.sha256).toBe(ptsLedgerHash(framesOf(ledger.gop)));
      expect(Math.abs(ledger.sealedAtMs - Date.now())).toBeLessThan(60_000);
    }
    expect(await relay.info('ch-1')).toMatchObject({
      oldestGop: 0,
      openGop: null,
      lastSealedGop: 2,
      nextGop: 3,
      ingestConnected: false,
      framesIn: 100,
    });
  });

  it('goes on at the next GOP, also after a restart, and never gives a number twice', async () => {
    expect(await relay.contribute('ch-1', clip)).toBe(3);
    expect(await relay.contribute('ch-1', clip)).toBe(3);
    await relay.restart();
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: 6, lastSealedGop: 5, oldestGop: 0 });
    expect(await relay.contribute('ch-1', clip)).toBe(3);
    const ledgers = await relay.ledgers('ch-1', 0, 20);
    expect(ledgers.map((l) => l.gop)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual(ledgers.map(({ gop }) => framesOf(gop)));
  });

  it('begins with its first keyframe', async () => {
    const from = positionOfPicture(clip, 7);
    await relay.contribute('ch-1', Buffer.concat([tablesOf(clip), clip.subarray(from)]));
    const ledgers = await relay.ledgers('ch-1', 0, 10);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual([framesOf(0), framesOf(1)]);
  });

  it('drops leading pictures, whose references came before it', async () => {
    const open = makeClip('ffmpeg', {
      seconds: 4,
      video: [
        '-c:v',
        'libx264',
        '-bf',
        '2',
        '-g',
        '24',
        '-x264-params',
        'open-gop=1:scenecut=0:b-adapt=0:keyint=24',
      ],
    });
    const pictures = videoUnitsOf(open);
    const ordinal = pictures.findIndex((picture, index) => index > 0 && picture.keyframe);
    const keyframe = pictures[ordinal]!;
    const kept = pictures.slice(ordinal).filter((picture) => picture.ptsTicks >= keyframe.ptsTicks);
    expect(kept.length).toBeLessThan(pictures.length - ordinal);
    const tail = open.subarray(positionOfPicture(open, ordinal));
    await relay.contribute('ch-1', Buffer.concat([tablesOf(open), tail]));
    expect((await relay.ledger('ch-1', 0)).ptsTicks).toEqual(framesOf(0));
    expect((await relay.info('ch-1')).framesIn).toBe(kept.length);
  });

  it('counts a jump of its clock as a new contribution', async () => {
    const later = makeClip('ffmpeg', { seconds: 4, startSeconds: 500 });
    const earlier = makeClip('ffmpeg', { seconds: 4, startSeconds: 3 });
    expect(await relay.contribute('ch-1', Buffer.concat([clip, later, earlier]))).toBe(9);
    const ledgers = await relay.ledgers('ch-1', 0, 20);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual(ledgers.map((l) => framesOf(l.gop)));
    expect(ledgers).toHaveLength(9);
  });

  it('that pauses for more than a GOP leaves no empty GOP', async () => {
    const resumed = makeClip('ffmpeg', { seconds: 4, startSeconds: 10 + 4 + 1.5 });
    expect(await relay.contribute('ch-1', Buffer.concat([clip, resumed]))).toBe(6);
    const ledgers = await relay.ledgers('ch-1', 0, 20);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual(ledgers.map((l) => framesOf(l.gop)));
  });

  it('is refused while another is connected, and at another GOP than expected', async () => {
    const first = relay.ingest('ch-1');
    first.write(clip);
    await untilAnswer(
      'GOP 2 is sealed',
      () => relay.info('ch-1'),
      (info) => info.lastSealedGop === 2,
    );
    expect(await relay.info('ch-1')).toMatchObject({ ingestConnected: true, openGop: 3 });
    const second = relay.ingest('ch-1');
    second.write(clip);
    expect(await second.answer).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    first.end();
    expect(await first.answer).toMatchObject({ status: 200, body: { gops: 3 } });
    const astray = relay.ingest('ch-1', '?expect_gop=2');
    astray.end();
    expect(await astray.answer).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict', details: { nextGop: 3 } } },
    });
    const right = relay.ingest('ch-1', '?expect_gop=3');
    right.write(clip);
    right.end();
    expect(await right.answer).toMatchObject({ status: 200, body: { gops: 3 } });
  });

  it.each(['cut', 'silent'])('that is %s ends, and its open GOP is dropped', async (how) => {
    const broken = relay.ingest('ch-1');
    const amidGop1 = positionOfPicture(clip, 40);
    broken.write(clip.subarray(0, amidGop1));
    await untilAnswer(
      'GOP 1 is open',
      () => relay.info('ch-1'),
      (info) => info.openGop === 1,
    );
    if (how === 'cut') broken.cut();
    await untilAnswer(
      'the contribution has ended',
      () => relay.info('ch-1'),
      (info) => !info.ingestConnected,
    );
    await expect(broken.answer).rejects.toThrow();
    expect(await relay.contribute('ch-1', clip)).toBe(3);
    const ledgers = await relay.ledgers('ch-1', 0, 10);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual([0, 1, 2, 3].map((gop) => framesOf(gop)));
  });

  it.each([
    ['noise', Buffer.alloc(600_000, 'not video ')],
    ['text', Buffer.from('hello')],
    ['nothing', Buffer.alloc(0)],
    ['audio alone', makeClip('ffmpeg', { video: ['-vn'], audio: ['-c:a', 'aac'] })],
  ])('of %s is refused and changes nothing', async (_what, bytes) => {
    const bad = relay.ingest('ch-1');
    if (bytes.length > 0) bad.write(bytes);
    bad.end();
    expect(await bad.answer).toMatchObject({ status: 422, body: { error: { code: 'input-not-video' } } });
    expect(await relay.info('ch-1')).toMatchObject({ nextGop: 0, ingestConnected: false, framesIn: 0 });
  });

  it('is refused before its end when it is noise', async () => {
    const endless = relay.ingest('ch-1');
    endless.write(Buffer.alloc(600_000, 1));
    expect(await endless.answer).toMatchObject({ status: 422 });
  });

  it('goes on when its state directory can no longer be written', async () => {
    await rm(relay.stateDir, { recursive: true });
    expect(await relay.contribute('ch-1', clip)).toBe(3);
    expect((await relay.ledger('ch-1', 2)).ptsTicks).toEqual(framesOf(2));
  });
});
