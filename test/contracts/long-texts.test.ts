import { describeAnswerSchema, sessionAnswerSchema } from '../../src/contracts/encoder/answers';

const session = {
  ...{ sessionId: 's-1', channelId: 'ch-1', state: 'FAILED', token: 0, renditions: ['180p'], units: 1 },
  ...{ fromGop: 0, lastEncodedGop: -1, lastPublishedGop: -1, ready: false, realTimeRatio: 1, lateGops: 0 },
  ...{ cpuCores: 0, failureCode: 'session-failed', failureMessage: 'ffmpeg ended.' },
};
const description = {
  ...{ encoderId: 'enc-1', region: 'eu', zone: 'a', version: '1', ffmpegVersion: '7.1' },
  ...{ capacityUnits: 6, maxSessions: 8, buildDigest: '' },
};

test('what a host says of a failure is cut to what a signal can carry', () => {
  const said = { ...session, failureMessage: 'x'.repeat(4_000_000) };
  const { failure } = sessionAnswerSchema.parse(said);
  expect(failure?.message).toHaveLength(500);
  expect(failure?.message.endsWith('…')).toBe(true);
  expect(sessionAnswerSchema.parse(session).failure?.message).toBe('ffmpeg ended.');
});

test('a version of megabytes is cut, a name of megabytes is none', () => {
  const long = 'x'.repeat(4_000_000);
  expect(describeAnswerSchema.parse({ ...description, ffmpegVersion: long }).ffmpegVersion).toHaveLength(500);
  for (const field of ['encoderId', 'region', 'zone', 'version'])
    expect(describeAnswerSchema.safeParse({ ...description, [field]: long }).success).toBe(false);
  for (const field of ['sessionId', 'channelId', 'failureCode'])
    expect(sessionAnswerSchema.safeParse({ ...session, [field]: long }).success).toBe(false);
  expect(sessionAnswerSchema.safeParse({ ...session, renditions: [long] }).success).toBe(false);
});

test('what a host claims to carry is cut to what a machine can', () => {
  const claimed = { ...description, capacityUnits: 1e9, maxSessions: 1e9 };
  expect(describeAnswerSchema.parse(claimed)).toMatchObject({ capacityUnits: 1_000, maxSessions: 1_000 });
  expect(describeAnswerSchema.parse(description)).toMatchObject({ capacityUnits: 6, maxSessions: 8 });
});
