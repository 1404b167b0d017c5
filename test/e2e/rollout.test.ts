import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { operations, type Answer, type RequestOf, type Operation } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
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
import { verifierFfmpegPaths, verifyPlaylists } from '../../src/verify';
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

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-rollout-'));
    swarm = await startSwarm({
      stateDir,
      portBase: await claimPortBase(),
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

    const report = await verifyPlaylists({
      playlists: channels.map((c) => `${swarm.environment.SWARM_ORIGIN_URL}/hls/${c.id}/index.m3u8`),
      key: await loadOrCreateStampKey(stateDir),
      ffmpegPaths: await verifierFfmpegPaths(swarm.environment),
      windowSeconds: 600,
    });
    expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });
    expect(report.framesChecked).toBeGreaterThan(25 * 20 * channels.length);
  }, 400_000);
});
