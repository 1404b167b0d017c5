import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { Parser } from 'm3u8-parser';
import type { Browser, Page } from 'playwright-core';
import { playerUrl } from '../../src/config/config';
import { cmafPlaylistUrl, dashManifestUrl, masterPlaylistUrl } from '../../src/contracts/origin';
import { channelWithDefaults, framesPerSecondOf, type ChannelSpec } from '../../src/domain';
import { alwaysOnLadder } from '../../src/domain/ladder';
import { ticksToMs } from '../../src/domain/media-time';
import { percentile } from '../../src/domain/statistics';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { connectTemporal } from '../../src/temporal/client';
import { startBenchSwarm } from '../lib/bench-swarm';
import { CHROMIUM, launchBrowser } from '../lib/browser';
import { exitWith } from '../lib/command';
import { HandoffRun } from '../lib/handoff-run';
import { keepEncoders } from '../lib/keep-encoders';
import { rounded } from '../lib/statistics';
import { drawTable, figureTable } from '../lib/table';
import { fragmentCost } from './fragment-cost';
import { judgePlayer, type PlayerFigures, type Watched } from './judge';
import { servePage } from './page-server';

const ROOT = join(__dirname, '..', '..', '..');
const ENCODERS = 3;
const ENCODER_CAPACITY_UNITS = 6;
/** Players start, and after the last move each plays so many GOPs on. */
const SETTLE_GOPS = 5;
const START_LIMIT_MS = 60_000;
const COST_GOPS = 20;
const RENDITION = '180p';

interface Options {
  handoffs: number;
  kills: number;
  seed: number;
  portBase: number;
  chromium: string;
}

/** One channel with pictures and sound, whose ladder does not change of its own accord. */
const channel = (): ChannelSpec => ({
  ...channelWithDefaults('ch-1', { kind: 'generated', widthPx: 640, heightPx: 360, sound: 'stereo' }),
  ...alwaysOnLadder([
    { name: RENDITION, widthPx: 320, heightPx: 180, preset: 'ultrafast', crf: 26, maxBitrateKbps: 400 },
  ]),
});

/** Resolves once every player has shown pictures. */
const untilAllPlay = async (page: Page): Promise<void> => {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const watched = await page.evaluate<Watched[]>('window.watched()');
    if (watched.length > 0 && watched.every(({ shown }) => shown.length > 1)) return;
    if (Date.now() > deadline) {
      const silent = watched.filter(({ shown }) => shown.length <= 1);
      throw new Error(
        `not all players play: ${silent.map((w) => `${w.name} (${w.errors.join()})`).join(', ')}`,
      );
    }
    await sleep(200);
  }
};

/** When the first picture of the channel was captured, by the origin's playlist. */
const captureStart = async (url: string, spec: ChannelSpec): Promise<number> => {
  const parser = new Parser();
  parser.push(await (await fetch(`${url}/hls/${spec.id}/${RENDITION}/index.m3u8`)).text());
  parser.end();
  const { mediaSequence = 0, segments } = parser.manifest;
  return segments[0]!.dateTimeObject!.getTime() - mediaSequence * ticksToMs(spec.gopDurationTicks);
};

const lastSegments = async (url: string, id: string): Promise<{ gop: number; segment: Buffer }[]> => {
  const folder = `${url}/hls/${id}/${RENDITION}`;
  const playlist = await (await fetch(`${folder}/index.m3u8`)).text();
  const names = [...playlist.matchAll(/^(\d+)\.ts\?.*$/gm)].slice(-COST_GOPS);
  return Promise.all(
    names.map(async ([name, gop]) => ({
      gop: Number(gop),
      segment: Buffer.from(await (await fetch(`${folder}/${name}`)).arrayBuffer()),
    })),
  );
};

const shown = (figures: PlayerFigures[]): string =>
  drawTable(
    [
      'player',
      'shown',
      'dropped',
      'missing',
      'repeated',
      'wrong',
      'stalls > GOP',
      'longest stall ms',
      'errors',
      'latency ms',
    ],
    figures.map((f) => [
      ...[f.player, f.framesShown, f.framesDropped, f.framesMissing, f.framesRepeated, f.framesWrong],
      ...[f.stallsOverGop, f.longestStallMs, f.mediaErrors, f.latencyMsP50],
    ]),
  );

const play = async (browser: Browser, options: Options): Promise<boolean> => {
  const spec = channel();
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-bench-'));
  const served = await servePage(ROOT);
  const swarm = await startBenchSwarm({
    ...{ stateDir, portBase: options.portBase, channels: [spec] },
    ...{ encoderCount: ENCODERS, encoderCapacityUnits: ENCODER_CAPACITY_UNITS },
  });
  const { environment } = swarm;
  const url = playerUrl(environment);
  const temporal = await connectTemporal(environment);
  try {
    await keepEncoders(temporal.client, environment.SWARM_CELL, { least: ENCODERS, most: ENCODERS });
    const { client } = temporal;
    const run = new HandoffRun({ swarm, client, channels: [spec], seed: options.seed, log: console.log });
    await run.untilOnAir();
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.log(`page: ${error.message}`));
    await page.goto(served.url);
    if (!(await page.evaluate('window.canPlay()')))
      throw new Error('This browser decodes no H.264 or AAC. Give another one with --chromium.');
    const places = {
      hlsTs: masterPlaylistUrl(url, spec.id),
      hlsFmp4: cmafPlaylistUrl(url, spec.id),
      dash: dashManifestUrl(url, spec.id),
    };
    await page.evaluate(`window.play(${JSON.stringify(places)})`);
    await untilAllPlay(page);
    const gopMs = ticksToMs(spec.gopDurationTicks);
    await sleep(SETTLE_GOPS * gopMs);
    const { moves, kills, attemptsFailed } = await run.perform(options.handoffs, options.kills);
    await run.untilOnAir();
    await sleep(SETTLE_GOPS * gopMs);
    const watched = await page.evaluate<Watched[]>('window.watched()');
    for (const { name, errors, others } of watched) {
      for (const error of errors) console.log(`${name}: ${error}`);
      if (others.length > 0) console.log(`${name} mended by itself: ${[...new Set(others)].join(', ')}`);
    }
    const clock = {
      ...{ framesPerSecond: framesPerSecondOf(spec.framesPerSecond), gopMs },
      beganAtMs: await captureStart(url, spec),
    };
    const figures = watched.map((w) => judgePlayer(w, clock));
    const segments = await lastSegments(url, spec.id);
    const costOf = async (track: 'video' | 1): Promise<number | null> =>
      rounded(await fragmentCost(segments, spec.gopDurationTicks, track), 2);
    const total = (of: (f: PlayerFigures) => number): number => figures.reduce((sum, f) => sum + of(f), 0);
    const result = {
      players: figures.length,
      handoffs: moves.length,
      kills,
      handoffsRefusedOrCompensated: attemptsFailed,
      stallsOverGop: total((f) => f.stallsOverGop),
      mediaErrors: total((f) => f.mediaErrors),
      framesMissing: total((f) => f.framesMissing),
      framesRepeated: total((f) => f.framesRepeated),
      framesWrong: total((f) => f.framesWrong),
      framesShown: total((f) => f.framesShown),
      framesDropped: total((f) => f.framesDropped),
      longestStallMs: Math.max(...figures.map((f) => f.longestStallMs)),
      latencyMsP50: percentile(
        figures.flatMap((f) => f.latencyMsP50 ?? []),
        50,
      ),
      pictureFragmentCpuMs: await costOf('video'),
      soundFragmentCpuMs: await costOf(1),
      seed: options.seed,
    };
    console.log(shown(figures));
    console.log(figureTable(result));
    console.log(JSON.stringify({ ...result, byPlayer: figures }));
    return (
      result.stallsOverGop + result.mediaErrors === 0 &&
      result.framesMissing + result.framesRepeated + result.framesWrong === 0 &&
      moves.length === options.handoffs &&
      figures.every((f) => f.framesShown > 0)
    );
  } finally {
    await temporal.close();
    await swarm.stop();
    await served.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
};

const main = async (options: Options): Promise<boolean> => {
  const { handoffs, kills, seed } = options;
  console.log(
    `players bench: ${handoffs} handoffs, ${kills} kills, seed ${seed}. ` +
      `Repeat: npm run bench:players -- --handoffs ${handoffs} --kills ${kills} --seed ${seed}`,
  );
  if (!existsSync(options.chromium))
    throw new Error(`No browser at ${options.chromium}: install chromium, or give its path with --chromium.`);
  const browser = await launchBrowser(options.chromium);
  try {
    return await play(browser, options);
  } finally {
    await browser.close();
  }
};

const wholeNumber = wholeNumberOption(0);

const program = new Command('bench:players')
  .description(
    'Plays a channel with hls.js, dash.js and Shaka in Chromium while it is moved and encoders are killed.',
  )
  .option('--handoffs <n>', 'handoffs to complete', wholeNumber, 20)
  .option('--kills <n>', 'encoder hosts or their ffmpeg ended with SIGKILL', wholeNumber, 5)
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 18_000)
  .option('--chromium <path>', 'browser', CHROMIUM)
  .parse();

exitWith(main(program.opts<Options>()));
