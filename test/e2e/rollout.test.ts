import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { operations, type Answer, type RequestOf, type Operation } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
import { OriginClient } from '../../src/contracts/origin';
import {
  isOver,
  type ChannelSpec,
  type BuildSource,
  type EncoderBuild,
  type RolloutState,
} from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { startSwarm, type RunningSwarm } from '../../src/launch/swarm';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { StepReporter } from '../../src/setup';
import { verifierFfmpegPaths, verifyPlaylists, type VerifyReport } from '../../src/verify';
import { claimPortBase } from '../support/ports';

/** GOPs of one second, one rung. */
const channels: ChannelSpec[] = ['ch-1', 'ch-2'].map((id) => {
  const spec = channelWithDefaults(id);
  return { ...spec, gopDurationTicks: 90_000, ladder: spec.ladder.slice(0, 1), viewersPerRung: [] };
});

describe('a real swarm of two encoders', () => {
  let stateDir: string;
  let swarm: RunningSwarm;
  const call = <O extends Operation>(operation: O, request: RequestOf<O>): Promise<Answer<O>> =>
    callApi(swarm.environment.SWARM_API_URL, operation, request, { timeoutMs: 60_000 });

  let portBase: number;
  const verified = async (): Promise<VerifyReport> =>
    verifyPlaylists({
      playlists: channels.map((c) => `${swarm.environment.SWARM_ORIGIN_URL}/hls/${c.id}/index.m3u8`),
      key: await loadOrCreateStampKey(stateDir),
      ffmpegPaths: await verifierFfmpegPaths(swarm.environment),
      windowSeconds: 600,
    });
  const start = (): Promise<RunningSwarm> =>
    startSwarm({
      ...{ stateDir, portBase },
      env: { ...process.env, SWARM_AUDIENCE_ANCHOR: 'off' },
      encoders: [
        { id: 'enc-1', zone: 'a' },
        { id: 'enc-2', zone: 'b' },
      ],
      encoderCapacityUnits: 6,
      channels,
      reporter: new StepReporter(process.stderr),
      onEvent: () => undefined,
    });

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-rollout-'));
    portBase = await claimPortBase();
    swarm = await start();
  }, 180_000);
  afterAll(async () => {
    await swarm?.stop();
    await rm(stateDir, { recursive: true, force: true });
  }, 60_000);

  test('is upgraded to another real build under load, and no frame is lost or repeated', async () => {
    const addBuild = async (id: string, source: BuildSource): Promise<EncoderBuild> => {
      await call(operations.addBuild, { body: { id, source } });
      return call(operations.probeBuild, { params: { id } });
    };
    await addBuild('debian', { kind: 'path', path: swarm.environment.FFMPEG });
    const other = await addBuild('npm-2018', {
      kind: 'package',
      ecosystem: 'npm',
      name: '@ffmpeg-installer/ffmpeg',
      version: '1.1.0',
    });

    // Whether a busy machine makes the new build look worse is not the question here (test/versions/verdict is about
    // that): it takes overwhelming evidence to go back, and an undecided verdict is answered as an operator would.
    const policy = {
      ...{ soakSeconds: 1, compareSeconds: 0.5, qualityEvery: 2, askAfterSeconds: 60 },
      ...{ falseAlarmRate: 1e-9, speedMargin: 1, cpuMargin: 10 },
    };
    await call(operations.startRollout, { body: { buildId: other.id, policy } });
    let state: RolloutState | null;
    do {
      await sleep(500);
      state = await call(operations.getRollout, {}).catch(() => null);
      const decide =
        state?.phase === 'holding' && call(operations.decideRollout, { body: { decision: 'continue' } });
      // It may have gone on meanwhile.
      if (decide) await decide.catch(() => undefined);
    } while (!state || !isOver(state));
    expect({ phase: state.phase, failure: state.failure }).toEqual({ phase: 'completed', failure: null });
    expect(state.verdict?.metrics.quality.comparisons).toBeGreaterThan(5);
    expect(
      Math.abs(state.verdict!.metrics.quality.newMean! - state.verdict!.metrics.quality.oldMean!),
    ).toBeLessThan(0.5);
    const { targetBuildId } = await call(operations.getVersions, {});
    expect(targetBuildId).toBe('npm-2018');

    const report = await verified();
    expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });
    expect(report.framesChecked).toBeGreaterThan(25 * 20 * channels.length);
  }, 400_000);

  test('goes on after a restart with the same sessions, before anybody has decided anything', async () => {
    const origin = new OriginClient(swarm.environment.SWARM_ORIGIN_URL);
    await swarm.stop();
    swarm = await start();
    for (const { id } of channels) {
      const { nextGop } = await origin.channel(id);
      await origin.wait(id, nextGop + 1, 20_000);
      const ledger = (await origin.wholeLedger(id)).filter(({ gapReason }) => gapReason === undefined);
      const firstAnew = ledger.findIndex(({ publishedAtMs }) => publishedAtMs >= swarm.startedAtMs);
      const [before, after] = [ledger[firstAnew - 1]!, ledger[firstAnew]!];
      const { token, encoderId, sessionId } = before;
      expect(after).toMatchObject({ gop: before.gop + 1, token, encoderId, sessionId });
    }
    const report = await verified();
    expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });
  }, 180_000);
});
