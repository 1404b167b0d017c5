import { TICKS_PER_SECOND } from '../domain';
import type { FfmpegCapabilities } from '../media/encoder/ffmpeg-capabilities';
import { contributionView, type ReadContribution } from './contribution-view';
import type { CollectedPlaylist } from './follower';
import { inferFrameClock } from './frame-clock';
import { judge, type Expectation, type Judgement } from './judge';
import type { Limit } from './limit';
import type { PlaylistReport, SoundFigures } from './report';
import { soundView } from './sound-view';
import {
  CONTAINER_VIEW,
  containerView,
  decodedView,
  openSegment,
  type FetchedSegment,
  type View,
} from './views';

export interface CheckOptions {
  builds: readonly FfmpegCapabilities[];
  /** Null: the channel carries no stamps. */
  key: Buffer | null;
  /** Of a channel with stamps: how many speakers its sound has; null: nobody said. */
  speakers?: number | null;
  /**
   * The first GOP that must be there; without it, and where the rendition joined later than that, the first one
   * listed. GOPs before it are left out.
   */
  fromGop?: number;
  /** What the channel was sent; pictures and sound are compared with it. */
  contribution?: ReadContribution;
  /** Bounds the number of decoders that run at a time. */
  limit: Limit;
}

/** FRAME-RATE has three decimals. */
const RATE_TOLERANCE = 0.002;

/** Checks what was collected of one media playlist: by its container, and as each decoder shows it. */
export const checkPlaylist = async (
  playlist: CollectedPlaylist,
  options: CheckOptions,
): Promise<PlaylistReport> => {
  const { key, builds, limit, fromGop = 0 } = options;
  const { url, channelId, rendition } = playlist;
  const listed = playlist.segments.filter((segment) => segment.gop >= fromGop);
  const report: PlaylistReport = {
    ...{ url, channelId, rendition, checkedBy: key ? 'stamp' : 'timestamps' },
    firstGop: (playlist.joinedLater ? undefined : options.fromGop) ?? listed[0]?.gop ?? fromGop,
    lastGop: listed.at(-1)?.gop ?? fromGop - 1,
    ...{ framesChecked: 0, framesLost: 0, framesRepeated: 0, framesInvalid: 0 },
    gapsDeclared: listed.filter((segment) => segment.gap).length,
    problems: [...playlist.problems],
  };
  for (const { gop, failure } of listed) {
    if (failure !== undefined) report.problems.push(`GOP ${gop}: its segment can't be fetched: ${failure}`);
  }
  const fetched: FetchedSegment[] = [];
  for (const segment of listed) {
    if (segment.path !== null) fetched.push(await openSegment({ ...segment, path: segment.path }));
  }
  const clock = inferFrameClock(fetched);
  if (!clock) {
    report.problems.push(`GOPs ${report.firstGop}-${report.lastGop}: no segment with video to check`);
    return report;
  }

  const gaps = new Set(listed.filter((segment) => segment.gap).map((segment) => segment.gop));
  const expected: Expectation = { ...report, gaps, framesPerGop: clock.framesPerGop };
  report.framesChecked = (report.lastGop - report.firstGop + 1 - gaps.size) * clock.framesPerGop;
  const { framesPerSecond } = playlist;
  const foundRate = TICKS_PER_SECOND / clock.frameTicks;
  // Of a stamped channel the rate is exact; what others bring may vary.
  if (key && framesPerSecond !== undefined && Math.abs(foundRate - framesPerSecond) > RATE_TOLERANCE) {
    report.problems.push(
      `it has ${foundRate.toFixed(3)} frames/s, the master playlist says ${framesPerSecond.toFixed(3)}`,
    );
  }
  const stamp = key && { key, channelId, mayBeDivided: framesPerSecond !== undefined };
  // Each view is judged as soon as it is complete, so that few frame lists are in memory at a time.
  const judged = async (view: Promise<View>, due: Expectation = expected): Promise<JudgedView> => {
    const { name, shown, problems } = await view;
    const judgement = judge(shown, due);
    return { name, ...judgement, problems: [...problems, ...judgement.problems] };
  };
  const decodings = builds.flatMap((build) =>
    (['playlist', 'concatenation'] as const).map((as) =>
      judged(decodedView(fetched, clock, { build, as, stamp, limit })),
    ),
  );
  const container = judged(Promise.resolve(containerView(fetched, clock)));
  const views = [container, ...decodings];
  if (options.contribution) {
    const { contribution } = options;
    const compared = contributionView(fetched, clock, contribution, { build: builds[0]!, limit });
    const { firstGop, lastGop } = contribution.range;
    const due = {
      ...expected,
      firstGop: Math.max(firstGop, report.firstGop),
      lastGop: Math.min(lastGop, report.lastGop),
    };
    views.push(
      judged(
        compared.then(({ view }) => view),
        due,
      ),
    );
    report.contribution = (await compared).figures;
  }
  const sound = key
    ? builds.map((build) =>
        soundView(fetched, clock, { key, channelId, speakers: options.speakers ?? null }, { build, limit }),
      )
    : [];
  addViews(report, await Promise.all(views));
  addSound(report, await Promise.all(sound));
  return report;
};

/** A sample is lost, repeated or invalid if it is so in any build. */
const addSound = (report: PlaylistReport, seen: readonly (SoundFigures | null)[]): void => {
  const all = seen.filter((figures) => figures !== null);
  if (all.length === 0) return;
  const most = (count: (figures: SoundFigures) => number): number => Math.max(...all.map(count));
  const changes = all.flatMap(({ avOffsetChangeMs }) => avOffsetChangeMs ?? []);
  report.sound = {
    samplesChecked: most((s) => s.samplesChecked),
    samplesLost: most((s) => s.samplesLost),
    samplesRepeated: most((s) => s.samplesRepeated),
    samplesInvalid: most((s) => s.samplesInvalid),
    avOffsetChangeMs: changes.length > 0 ? Math.max(...changes) : null,
  };
  report.problems.push(...new Set(all.flatMap(({ problems }) => problems)));
};

type JudgedView = Judgement & Pick<View, 'name'>;

/** A frame is lost, repeated or invalid if it is so in any view: each count is that of the worst view. */
const addViews = (report: PlaylistReport, views: readonly JudgedView[]): void => {
  const seenBy = new Map<string, string[]>();
  for (const { name, lost, repeated, invalid, problems } of views) {
    report.framesLost = Math.max(report.framesLost, lost);
    report.framesRepeated = Math.max(report.framesRepeated, repeated);
    report.framesInvalid = Math.max(report.framesInvalid, invalid);
    for (const problem of problems) {
      const names = seenBy.get(problem);
      if (names) names.push(name);
      else seenBy.set(problem, [name]);
    }
  }
  for (const [problem, names] of seenBy) {
    report.problems.push(problem + seenByWords(names, views.length));
  }
};

/** Who saw a problem, unless everyone did. */
const seenByWords = (names: readonly string[], views: number): string => {
  if (names.length === views) return '';
  const everyDecoder = names.length === views - 1 && !names.includes(CONTAINER_VIEW);
  return everyDecoder ? ' [as decoded]' : ` [${names.join('; ')}]`;
};
