import { WRAP_TICKS, wrapTicks, type PesUnit } from '../../src/media/mpegts';
import { ProgrammeJoiner, type JoinerOptions } from '../../src/media/source/programme-joiner';

const FRAME = 3_600;
const AUDIO = 1_920;

const unit = (kind: PesUnit['kind'], ticks: number, keyframe = false): PesUnit => ({
  ...{ kind, keyframe, idr: keyframe, pid: kind === 'video' ? 256 : 257, streamType: 0x1b },
  ...{ ptsTicks: wrapTicks(ticks), dtsTicks: wrapTicks(ticks), packets: Buffer.alloc(0) },
});
const pictures = (fromTicks: number, count: number): PesUnit[] =>
  Array.from({ length: count }, (_, i) => unit('video', fromTicks + i * FRAME, i % 25 === 0));
const sounds = (fromTicks: number, count: number): PesUnit[] =>
  Array.from({ length: count }, (_, i) => unit('audio', fromTicks + i * AUDIO));

class Joined {
  readonly units: PesUnit[] = [];
  nowMs = 0;
  readonly joiner: ProgrammeJoiner;

  constructor(options: Partial<JoinerOptions> = {}) {
    this.joiner = new ProgrammeJoiner({
      ...{ frameTicks: FRAME, finite: false, now: () => this.nowMs, onUnit: (each) => this.units.push(each) },
      ...options,
    });
  }

  take(...units: PesUnit[]): this {
    for (const each of units) this.joiner.take(each);
    return this;
  }

  ticks(kind: PesUnit['kind']): number[] {
    return this.units.filter((each) => each.kind === kind).map((each) => each.ptsTicks);
  }
}

const from = (ticks: number, step: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => ticks + i * step);

it.each([
  ['back', -40 * 90_000],
  ['ahead', 5 * 90_000],
  ['ahead by hours', 5_000 * 90_000],
])('a clock that jumps %s goes on at the next keyframe', (_where, jumpTicks) => {
  const joined = new Joined().take(
    ...pictures(900_000, 50),
    ...pictures(900_000 + 50 * FRAME + jumpTicks, 50),
  );
  expect(joined.ticks('video')).toEqual(from(900_000, FRAME, 100));
});

it('pictures that can not be decoded after a jump are left out', () => {
  const joined = new Joined().take(...pictures(0, 50), ...pictures(9_000_000, 50).slice(10));
  expect(joined.ticks('video')).toEqual(from(0, FRAME, 75));
});

it('a clock that wraps goes on', () => {
  const start = WRAP_TICKS - 10 * FRAME;
  const joined = new Joined().take(...pictures(start, 50));
  expect(joined.ticks('video')).toEqual(from(start, FRAME, 50).map(wrapTicks));
});

it('a picture that stands still is no jump of the clock: as much time has passed', () => {
  const joined = new Joined().take(...pictures(0, 25));
  joined.nowMs = 9_500;
  joined.take(...pictures(25 * FRAME + 900_000, 25));
  expect(joined.ticks('video')).toEqual([...from(0, FRAME, 25), ...from(25 * FRAME + 900_000, FRAME, 25)]);
});

it('sound goes on while the picture stands still', () => {
  const joined = new Joined().take(...pictures(0, 25), ...sounds(0, 200));
  expect(joined.ticks('audio')).toEqual(from(0, AUDIO, 200));
});

it('sound that begins late begins where it belongs', () => {
  const joined = new Joined({ finite: true }).take(
    ...pictures(0, 50),
    ...sounds(90_000, 20),
    ...pictures(50 * FRAME, 1),
  );
  expect(joined.ticks('audio')).toEqual(from(90_000, AUDIO, 20));
});

it('sound behind the last picture of a pass is cut, and the next pass is in step', () => {
  const joined = new Joined({ finite: true });
  for (let pass = 0; pass < 40; pass++) {
    // 1 s of picture is 46.875 frames of sound.
    joined.take(...pictures(0, 25), ...sounds(0, 60));
    expect(joined.joiner.endStretch()).toBe(25);
  }
  expect(joined.ticks('video')).toEqual(from(0, FRAME, 40 * 25));
  const heard = joined.ticks('audio');
  expect(heard).toEqual(from(0, AUDIO, heard.length));
  expect(Math.abs(heard.length * AUDIO - 40 * 90_000)).toBeLessThanOrEqual(AUDIO);
});

it('a rate of which a picture is no whole number of ticks does not drift', () => {
  const frameTicks = (90_000 * 1_001) / 60_000;
  const joined = new Joined({ finite: true, frameTicks });
  for (let pass = 0; pass < 101; pass++) {
    for (let i = 0; i < 7; i++) joined.take(unit('video', Math.round(i * frameTicks), i === 0));
    joined.joiner.endStretch();
  }
  const shown = joined.ticks('video');
  expect(shown).toHaveLength(707);
  for (const [i, ticks] of shown.entries()) expect(Math.abs(ticks - i * frameTicks)).toBeLessThanOrEqual(1);
});
