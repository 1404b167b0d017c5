import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { readLadder } from '../../src/cli/ladder-file';
import {
  channelWithDefaults,
  defaultGopTicks,
  gopOf,
  ticksToSeconds,
  type ChannelSpec,
  type PictureFormat,
  type Rendition,
} from '../../src/domain';
import { percentile } from '../../src/domain/statistics';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { GeneratedSound } from '../../src/media/stamp';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { pictureOption } from '../../src/platform/terminal/picture-option';
import { exitWith } from '../lib/command';
import { DataPlane } from '../lib/data-plane';
import { rounded } from '../lib/statistics';
import { figureTable } from '../lib/table';
import { makeClip } from './clip';
import { contribute } from './contribution';
import { cpuSecondsWithChildren, plainCpuSeconds, sessionThreads } from './cpu';
import { continuityFigures, delayFigures, seamFigures, violationsOf } from './figures';
import { likenessOf } from './likeness';
import { Recording } from './recording';
import { SeamRun } from './seam-run';
import { readSent } from './sent';
import { SOUND_OF, SPEAKERS, stampedSoundFigures } from './stamped-sound';

interface Options {
  input?: string;
  ladder?: string;
  picture: PictureFormat;
  handoffs: number;
  kills: number;
  seed: number;
  portBase: number;
}

const DEFAULT_PICTURE: PictureFormat = { widthPx: 640, heightPx: 360, rate: 25 };
const CLIP_SECONDS = 30;
/** As much of the contribution as is encoded once more by one plain ffmpeg. */
const PLAIN_SECONDS = 60;
const PRESET = 'superfast';
/** Enough for any ladder: what a machine keeps up with is what is measured. */
const CAPACITY_UNITS = 1_000;

const even = (pixels: number): number => 2 * Math.round(pixels / 2);

/** Three rungs: the size of the input, a half and a quarter of it. */
const ladderOf = (widthPx: number, heightPx: number): Rendition[] =>
  [1, 2, 4].map((divisor) => {
    const [width, height] = [even(widthPx / divisor), even(heightPx / divisor)];
    const maxBitrateKbps = Math.max(250, Math.round((width * height) / 300));
    return { name: `${height}p`, widthPx: width, heightPx: height, crf: 24, maxBitrateKbps };
  });

const main = async (options: Options): Promise<boolean> => {
  const { handoffs, kills, seed } = options;
  const { widthPx, heightPx, rate } = options.picture;
  const picture = `${widthPx}x${heightPx}@${rate}`;
  const given = (['input', 'ladder'] as const).flatMap((name) =>
    options[name] === undefined ? [] : [`--${name} ${options[name]} `],
  );
  const repeat = `${given.join('')}--picture ${picture} --handoffs ${handoffs} --kills ${kills} --seed ${seed}`;
  console.log(`seam bench. Repeat: npm run bench:seam -- ${repeat}`);
  const ladder =
    options.ladder === undefined ? ladderOf(widthPx, heightPx) : (await readLadder(options.ladder)).ladder;
  const folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-seam-'));
  const plane = await DataPlane.start({
    stateDir: join(folder, 'state'),
    portBase: options.portBase,
    encoders: 3,
    capacityUnits: CAPACITY_UNITS,
  });
  const ffmpeg = plane.environment.FFMPEG;
  try {
    const input = options.input ?? join(folder, 'clip.ts');
    if (!options.input)
      await makeClip({ ffmpeg, path: input, picture: options.picture, seconds: CLIP_SECONDS });
    const specOf = (id: string): ChannelSpec => ({
      ...channelWithDefaults(id),
      framesPerSecond: rate,
      gopDurationTicks: defaultGopTicks(rate),
      ladder,
      viewersPerRung: [],
    });
    const [moved, steady] = [specOf('moved'), specOf('steady')];
    const run = new SeamRun({ plane, moved, steady, seed, log: console.log });
    await run.register();
    const sentFile = join(folder, 'sent.ts');
    // An input of one's own keeps its own sound, which is compared with what was published byte by byte.
    const key = options.input ? null : randomBytes(32);
    const contribution = contribute({
      ...{ ffmpeg, input, relayUrl: plane.relayUrl, channelIds: [moved.id, steady.id], keptIn: sentFile },
      sound: key && new GeneratedSound({ key, channelId: SOUND_OF, speakers: SPEAKERS }),
    });
    const recordings = [moved, steady].map(
      (spec) => new Recording({ originUrl: plane.originUrl, spec, folder }),
    );
    await run.putOnAir();
    const beganAtMs = performance.now();
    const parts = ['relay', 'origin'] as const;
    const partCpu = (): Promise<number[]> => Promise.all(parts.map((part) => plane.cpuSeconds(part)));
    const steadyCpu = (): Promise<number> => cpuSecondsWithChildren(plane.pid('enc-3'));
    const [partsBefore, steadyBefore] = await Promise.all([partCpu(), steadyCpu()]);
    await run.perform(handoffs, kills);
    const [partsAfter, steadyAfter] = await Promise.all([partCpu(), steadyCpu()]);
    const seconds = (performance.now() - beganAtMs) / 1_000;
    const threads = await sessionThreads(plane.pid('enc-3'));
    const { nextGop } = await plane.channel(moved.id);
    await Promise.all([moved, steady].map(({ id }) => plane.published(id, nextGop + 2)));
    await Promise.all(recordings.map((recording) => recording.stop()));
    await contribution.stop();

    console.log('comparing all that was published with what was sent ...');
    const sent = await readSent(sentFile);
    const [ofMoved, ofSteady] = recordings as [Recording, Recording];
    const continuity = continuityFigures(sent, ofMoved, moved);
    const last = Math.min(...recordings.map(({ entries }) => entries.at(-1)?.gop ?? -1));
    const gops = sent.pictures
      .map(({ ptsTicks }) => ptsTicks)
      .sort((a, b) => a - b)
      .map((ptsTicks) => gopOf(ptsTicks, moved.gopDurationTicks))
      .filter((gop) => gop <= last);
    const byStamp =
      key &&
      (await stampedSoundFigures({
        recording: ofMoved,
        spec: moved,
        key,
        build: await detectFfmpeg(ffmpeg),
      }));
    const top = moved.ladder.reduce((best, r) => (r.widthPx > best.widthPx ? r : best));
    const likeness = [];
    for (const recording of [ofMoved, ofSteady])
      likeness.push(
        await likenessOf({
          ...{ ffmpeg, folder, original: sentFile, encoded: recording.fileOf(top.name) },
          ...{ widthPx: top.widthPx, heightPx: top.heightPx, pictures: gops.length },
        }),
      );
    const seams = seamFigures({ moved: likeness[0]!, steady: likeness[1]!, gops, moves: run.moves });
    const plainSeconds = Math.min(PLAIN_SECONDS, seconds);
    const plain = await plainCpuSeconds({
      ...{ ffmpeg, input: sentFile, ladder: moved.ladder, preset: PRESET, seconds: plainSeconds, threads },
      gopSeconds: ticksToSeconds(moved.gopDurationTicks),
    });
    const { gapsDeclared } = await plane.channel(moved.id);
    const coresOf = (part: number): number => (partsAfter[part]! - partsBefore[part]!) / seconds / 2;
    const overlaps = run.moves.flatMap(({ overlapGops }) => overlapGops ?? []);
    const isSoundExact =
      continuity.audioSamplesLost +
        continuity.audioSamplesRepeated +
        (byStamp
          ? byStamp.audioSamplesLost + byStamp.audioSamplesRepeated + byStamp.audioSamplesInvalid
          : 0) ===
      0;
    const avOffsetChangeMs = Math.max(continuity.avOffsetChangeMs, byStamp?.avOffsetChangeMs ?? 0);
    const result = {
      ...{ picture, handoffs, kills },
      ...continuity,
      soundCheckedBy: byStamp ? 'stamp and bytes' : 'bytes',
      ...byStamp,
      avOffsetChangeMs: rounded(avOffsetChangeMs, 3),
      ...seams,
      // Sound that is the same to the byte has the same distance from the contribution, at a seam and elsewhere.
      seamAudioSnrDropDb: continuity.audioSamplesChecked > 0 && isSoundExact ? 0 : null,
      vbvViolations: violationsOf(ofMoved, moved),
      vbvViolationsSteady: violationsOf(ofSteady, steady),
      gapsDeclared,
      encoderCpuRatio: rounded((steadyAfter - steadyBefore) / seconds / (plain / plainSeconds), 3),
      encoderCores: rounded((steadyAfter - steadyBefore) / seconds, 3),
      relayCores: rounded(coresOf(0), 4),
      originCores: rounded(coresOf(1), 4),
      overlapGopsP50: rounded(percentile(overlaps, 50), 2),
      overlapGopsP99: rounded(percentile(overlaps, 99), 2),
      ...delayFigures(ofMoved, run.moves),
      seed,
    };
    console.log(figureTable(result));
    console.log(JSON.stringify(result));
    const { framesLost, framesRepeated, captionsLost } = continuity;
    const isClean = framesLost + framesRepeated + captionsLost + seams.framesForeign + gapsDeclared === 0;
    return isClean && isSoundExact && avOffsetChangeMs < 1;
  } finally {
    await plane.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

const program = new Command('bench:seam')
  .description(
    'Moves a channel between real encoders and kills them, beside one that is left alone, and compares every picture ' +
      'and every audio sample with the contribution.',
  )
  .option('--input <file>', 'contribution to loop, H.264, HEVC or MPEG-2; default: a clip made here')
  .addOption(
    new Option('--picture <WxH@rate>', 'its size and rate, and those of the largest rendition')
      .argParser(pictureOption)
      .default(DEFAULT_PICTURE, '640x360@25'),
  )
  .option(
    '--ladder <file|preset>',
    'what is made of it; default: three rungs, the size of --picture, a half and a quarter of it',
  )
  .option('--handoffs <n>', 'handoffs to complete', wholeNumberOption(0), 50)
  .option('--kills <n>', 'encoder hosts ended with SIGKILL', wholeNumberOption(0), 20)
  .option('--seed <n>', 'seed of every random choice', wholeNumberOption(0), 1)
  .option('--port-base <n>', 'first of the 20 ports used', wholeNumberOption(1_024, 65_000), 18_200)
  .parse();

exitWith(main(program.opts<Options>()));
