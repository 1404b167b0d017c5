import type { ResumePoint } from '../../src/media/source/channel-timeline';
import type { InputLeg } from '../../src/media/source/input-leg';
import type { KeptWish } from '../../src/media/source/kept-channel';
import { SendingSignal } from '../../src/media/source/sending-signal';
import { StandbyFeeder } from '../../src/media/source/standby-feeder';
import { quietLog } from '../encoder/support/test-host';
import { until } from '../support/until';

const FRAME_TICKS = 3_600;
const GOP_TICKS = 90_000;

/** An input that has brought a keyframe each second, of which some repeat a picture. In place of a spool: with what it began. */
const leg = (name: string, { standIns = [] as number[] } = {}) => ({
  name,
  url: name,
  isSound: true,
  sentFrom: [] as number[],
  look() {
    return { name, isSlate: false, isSound: this.isSound, soundForMs: 60_000, whyAway: 'It is away.' };
  },
  stop: () => Promise.resolve(),
  get held() {
    const { sentFrom } = this;
    return (this.same ??= {
      ...{ canBeSent: true, runs: true, keepsClock: true, hasEnded: false, notes: [], missing: [] },
      ended: new Promise(() => undefined),
      keyframes: Array.from({ length: 20 }, (_, group) => ({
        ...{ group, ptsTicks: group * GOP_TICKS, sourceTicks: group * GOP_TICKS, passedMs: group * 1_000 },
        isStandIn: standIns.includes(group),
      })),
      groupAt: (ticks: number) => Math.ceil(ticks / GOP_TICKS),
      spool: sentFrom,
    });
  },
  same: undefined as object | undefined,
});

/** A timeline whose next GOP is where the test says. */
class TimelineAt {
  nextGop = 0;
  readonly begun: number[] = [];
  readonly sending = new SendingSignal();
  readonly error = undefined;

  get here(): ResumePoint {
    return { nextGop: this.nextGop, resumeSourceTicks: this.nextGop * GOP_TICKS };
  }

  resume(): Promise<ResumePoint> {
    return Promise.resolve(this.here);
  }

  begin(sentFrom: unknown, group: number): void {
    this.begun.push(this.nextGop);
    (sentFrom as number[]).push(group);
  }

  end(): void {}
}

const start = (
  timeline: TimelineAt,
  legs: ReturnType<typeof leg>[],
  planned: readonly KeptWish[] = [],
): StandbyFeeder =>
  new StandbyFeeder({
    planned,
    spec: {
      ...{ id: 'ch-1', gopDurationTicks: GOP_TICKS, framesPerSecond: 90_000 / FRAME_TICKS },
      input: { kind: 'url', url: 'udp://127.0.0.1:9' },
    },
    openLegs: () => legs as unknown as InputLeg[],
    rules: { backAfterMs: 0, leastSoundMs: 0 },
    timeline,
    onStop: () => undefined,
    log: quietLog,
  });

/** The primary is away when GOP 4 is next. */
const losePrimary = async (
  timeline: TimelineAt,
  primary: ReturnType<typeof leg>,
  backup: ReturnType<typeof leg>,
): Promise<void> => {
  await until('the primary is on air', () => primary.sentFrom.length === 1);
  timeline.nextGop = 4;
  primary.isSound = false;
  await until('the backup is on air', () => backup.sentFrom.length === 1);
};

test('an input that is preferred waits until it has all of the GOP with which it goes on', async () => {
  const timeline = new TimelineAt();
  // Three GOPs of the primary are its last picture again and again.
  const [primary, backup] = [leg('primary', { standIns: [4, 5, 6] }), leg('backup-1')];
  const feeder = start(timeline, [primary, backup]);
  try {
    await losePrimary(timeline, primary, backup);
    expect(backup.sentFrom).toEqual([4]);
    // What comes next of the primary are repeated pictures.
    timeline.nextGop = 5;
    primary.isSound = true;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(feeder.info.standby?.onAir).toBe('backup-1');
    expect(timeline.begun).toEqual([0, 4]);
    timeline.nextGop = 7;
    await until('the primary is on air again', () => primary.sentFrom.length === 2);
    expect(primary.sentFrom[1]).toBe(7);
    expect(feeder.info.standby?.switches.map(({ gop, framesMissing }) => [gop, framesMissing])).toEqual([
      [4, 0],
      [7, 0],
    ]);
  } finally {
    await feeder.stop();
  }
});

test('one that is needed goes on at once, and what is missing is counted', async () => {
  const timeline = new TimelineAt();
  const [primary, backup] = [leg('primary'), leg('backup-1', { standIns: [4, 5] })];
  const feeder = start(timeline, [primary, backup]);
  try {
    await losePrimary(timeline, primary, backup);
    expect(backup.sentFrom).toEqual([6]);
    expect(feeder.info.standby?.switches).toMatchObject([{ gop: 4, framesMissing: 50 }]);
  } finally {
    await feeder.stop();
  }
});

test('a planned switch is made at its moment, and the rules choose again at theirs', async () => {
  const timeline = new TimelineAt();
  const [primary, backup] = [leg('primary'), leg('backup-1')];
  const atMs = Date.now() + 1_000;
  const feeder = start(
    timeline,
    [primary, backup],
    [
      // While the source was away: only the latest counts.
      { input: 'slate', requestedBy: 'nina', atMs: 1 },
      { input: 'primary', requestedBy: 'nina', atMs: 2 },
    ],
  );
  try {
    await until('the primary is on air', () => primary.sentFrom.length === 1);
    expect(feeder.info.standby).toMatchObject({ requested: { input: 'primary' }, planned: [] });
    feeder.switchTo({ input: 'auto', requestedBy: 'omar', atMs: atMs + 1_500 });
    feeder.switchTo({ input: 'backup-1', requestedBy: 'omar', atMs });
    expect(feeder.info.standby?.planned.map(({ input }) => input)).toEqual(['backup-1', 'auto']);
    await until('the backup is on air', () => feeder.info.standby?.onAir === 'backup-1');
    expect(Date.now()).toBeGreaterThanOrEqual(atMs);
    expect(feeder.info.standby?.switches).toMatchObject([{ to: 'backup-1', requestedBy: 'omar' }]);
    expect(feeder.info.standby?.planned).toHaveLength(1);
    await until('the primary is on air again', () => feeder.info.standby?.onAir === 'primary');
    expect(feeder.info.standby).toMatchObject({ planned: [] });
    expect(feeder.info.standby).not.toHaveProperty('requested');
  } finally {
    await feeder.stop();
  }
});
