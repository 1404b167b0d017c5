import {
  channelWithDefaults,
  policySchema,
  rolloutPolicySchema,
  type EncoderBuild,
  type EncoderObservation,
  type SessionInfo,
} from '../../src/domain/index';
import { readingOf } from '../../src/versions/build-readings';
import { planRollout, type RolloutSituation } from '../../src/versions/rollout-plan';

const build = (id: string, more: Partial<EncoderBuild> = {}): EncoderBuild => ({
  id,
  digest: id.padEnd(64, '0'),
  source: { kind: 'path', path: `/opt/${id}` },
  executablePath: `/opt/${id}`,
  ffmpegVersion: '5.1',
  capabilities: [],
  compatibilityClass: 'c-1',
  probedAtMs: 1,
  ...more,
});

const session = (channelId: string, more: Partial<SessionInfo> = {}): SessionInfo => ({
  sessionId: `${channelId}-1`,
  channelId,
  state: 'publishing',
  token: 1,
  renditions: ['144p'],
  units: 1,
  fromGop: 0,
  lastEncodedGop: 10,
  lastPublishedGop: 10,
  ready: true,
  realTimeRatio: 1,
  lateGops: 0,
  ...more,
});

const encoder = (
  id: string,
  sessions: SessionInfo[],
  more: Partial<EncoderObservation> = {},
): EncoderObservation => ({
  id,
  grpcAddress: '127.0.0.1:1',
  region: 'eu',
  zone: 'a',
  version: '1',
  ffmpegVersion: '5.1',
  buildDigest: build('older').digest,
  capacityUnits: 8,
  maxSessions: 8,
  reachable: true,
  cordoned: false,
  draining: false,
  troubles: 0,
  telemetry: {
    atMs: 1,
    cpuCores: 0.1 * sessions.length,
    memoryMiB: 100,
    networkKbps: 100,
    unitsUsed: sessions.reduce((sum, s) => sum + s.units, 0),
    sessions,
  },
  ...more,
});

const channelIds = ['ch-1', 'ch-2', 'ch-3', 'ch-4', 'ch-5', 'ch-6', 'ch-7', 'ch-8'];
const situation = (more: Partial<RolloutSituation> = {}): RolloutSituation => ({
  request: {
    buildId: 'newer',
    requestId: 'r-1',
    requestedBy: 'test',
    policy: rolloutPolicySchema.parse({}),
  },
  builds: [build('older'), build('newer')],
  encoders: [
    encoder(
      'enc-1',
      ['ch-1', 'ch-2', 'ch-3', 'ch-4'].map((id) => session(id)),
    ),
    encoder(
      'enc-2',
      ['ch-5', 'ch-6', 'ch-7'].map((id) => session(id)),
      { zone: 'b' },
    ),
    encoder('enc-3', [session('ch-8')]),
  ],
  swarm: {
    cell: 'test',
    cycle: 1,
    policy: policySchema.parse({}),
    channels: channelIds.map((id) => channelWithDefaults(id)),
    cordons: {},
    lowDemandSinceMs: null,
    lastCycle: null,
  },
  owners: new Map(channelIds.map((id, i) => [id, i < 4 ? 'enc-1' : i < 7 ? 'enc-2' : 'enc-3'])),
  fitness: [],
  ...more,
});

describe('the plan of a rollout', () => {
  test('the canary carries least, and gets its own channels first, up to its share', () => {
    const plan = planRollout(situation());
    expect(plan.encoders.map((e) => [e.wave, e.encoderId, e.from.buildId])).toEqual([
      ['canary', 'enc-3', 'older'],
      ['least-fit', 'enc-1', 'older'],
      ['rest', 'enc-2', 'older'],
    ]);
    expect(plan.canaryChannels).toEqual(['ch-8', 'ch-1']);
    expect(plan).toMatchObject({ build: { buildId: 'newer' }, movesAtOnce: 1, skipped: [] });
    // A self-test, and one move of a channel beside it.
    expect(plan.spareUnits).toBeCloseTo(0.35 * 8 - 1);
  });

  test('who is silent, runs it already, or carries a pinned channel is left as it is', () => {
    const { encoders, swarm } = situation();
    const [first, second, third] = encoders as [EncoderObservation, EncoderObservation, EncoderObservation];
    const plan = planRollout(
      situation({
        encoders: [
          first,
          { ...second, reachable: false },
          { ...third, buildDigest: build('newer').digest },
          encoder('enc-4', [], { zone: 'b' }),
        ],
        swarm: {
          ...swarm,
          channels: swarm.channels.map((c) =>
            c.id === 'ch-1' ? { ...c, placement: { buildId: 'older' } } : c,
          ),
        },
      }),
    );
    expect(plan.encoders.map((e) => e.encoderId)).toEqual(['enc-4']);
    expect(plan.skipped.map((s) => `${s.encoderId} ${s.why}`)).toEqual([
      'enc-1 carries ch-1, which is pinned to it',
      'enc-2 does not answer',
      'enc-3 runs newer already',
    ]);
    expect(plan.canaryChannels).not.toContain('ch-1');
  });

  test.each<[string, Partial<RolloutSituation>, string, RegExp]>([
    ['an unknown build', { builds: [build('older')] }, 'not-found', /no build newer; it has older/],
    [
      'a build that was not probed',
      { builds: [build('older'), build('newer', { compatibilityClass: null })] },
      'conflict',
      /was not probed/,
    ],
    [
      'a container image',
      { builds: [build('older'), { ...build('newer'), executablePath: undefined }] },
      'conflict',
      /container image/,
    ],
    [
      'a build of another class',
      { builds: [build('older'), build('newer', { compatibilityClass: 'c-2' })] },
      'encoder-incompatible',
      /allows no discontinuity/,
    ],
    ['no way back', { builds: [build('newer')] }, 'conflict', /there would be no way back/],
    ['one encoder', { encoders: [encoder('enc-1', [])] }, 'conflict', /Only one encoder answers/],
    [
      'nothing to do',
      {
        encoders: ['enc-1', 'enc-2'].map((id) => encoder(id, [], { buildDigest: build('newer').digest })),
      },
      'conflict',
      /No encoder is to be upgraded: enc-1 runs newer already/,
    ],
  ])('%s is refused with cause and hint', (_, more, code, message) => {
    const plan = (): unknown => planRollout(situation(more));
    expect(plan).toThrow(message);
    const refusal = expect.objectContaining({ code, hint: expect.any(String) as string }) as Error;
    expect(plan).toThrow(refusal);
  });

  test('another class is taken where the policy allows a discontinuity', () => {
    const { swarm } = situation();
    const builds = [build('older'), build('newer', { compatibilityClass: 'c-2' })];
    const policy = policySchema.parse({ allowDiscontinuity: true });
    expect(planRollout(situation({ builds, swarm: { ...swarm, policy } })).encoders).toHaveLength(3);
  });
});

describe('readings', () => {
  test('a build is read by its own encoders and channels', () => {
    const encoders = [
      encoder('enc-1', [session('ch-1', { realTimeRatio: 20 }), session('ch-2', { realTimeRatio: 0.5 })]),
      encoder('enc-2', []),
    ];
    const channels = [
      { channelId: 'ch-1', encoderId: 'enc-1', waitingGops: 0.1 },
      { channelId: 'ch-2', encoderId: 'enc-1', waitingGops: 1.2 },
      { channelId: 'ch-3', encoderId: 'enc-9', waitingGops: 5 },
    ];
    const reading = readingOf(encoders, channels, new Set(['enc-2', 'enc-9']));
    expect(reading).toMatchObject({ quality: null, speed: 0.75, lateness: 0.5, losses: 0.5 });
    expect(reading.cpu).toBeCloseTo(0.1);
  });

  test('nothing there, nothing read', () => {
    expect(readingOf([], [], new Set())).toEqual({
      quality: null,
      speed: null,
      lateness: null,
      losses: null,
      cpu: null,
    });
  });
});
