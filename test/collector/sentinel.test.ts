import { Sentinel, type OwnedChannel, type SentinelEvent } from '../../src/collector/sentinel';
import type { EncoderTelemetry, SessionInfo } from '../../src/domain';
import { channelOn, defaultSwarm, sessionOf } from '../planner/swarm-fixtures';

const session = (id: string, over: Partial<SessionInfo> = {}): SessionInfo =>
  sessionOf(channelOn(defaultSwarm().channels[0]!.spec, 'enc-1'), { sessionId: id, ...over });
const telemetry = (...sessions: SessionInfo[]): EncoderTelemetry => ({
  atMs: 0,
  cpuCores: 0,
  memoryMiB: 0,
  networkKbps: 0,
  unitsUsed: 0,
  sessions,
});
const owned = (id: string, sessionId: string, encoderId = 'enc-1'): OwnedChannel => ({
  id,
  owner: { encoderId, sessionId },
});

let events: SentinelEvent[];
let sentinel: Sentinel;
const alive = (...sessions: SessionInfo[]): void => {
  sentinel.fleetSays('enc-1', 'first', true, 0);
  sentinel.answered('enc-1', telemetry(...sessions), 0);
};
/** One poll's answer, with the owners as the origin tells them. */
const poll = (atMs: number, channels: OwnedChannel[], ...sessions: SessionInfo[]): void => {
  const before = sentinel.sessionsBefore('enc-1');
  sentinel.answered('enc-1', telemetry(...sessions), atMs);
  sentinel.compareOwners('enc-1', telemetry(...sessions), before, channels, atMs);
};
beforeEach(() => {
  events = [];
  sentinel = new Sentinel((event) => events.push(event));
});

describe('an encoder is lost', () => {
  const lost = (evidence: RegExp) => [
    {
      signal: 'encoderLost',
      payload: { encoderId: 'enc-1', evidence: expect.stringMatching(evidence), atMs: expect.any(Number) },
    },
  ];

  test('after two misses and a second of silence, once', () => {
    alive();
    sentinel.missed('enc-1', 'no answer', 500);
    sentinel.missed('enc-1', 'no answer', 900);
    expect(events).toEqual([]);
    sentinel.missed('enc-1', 'no answer', 1_100);
    sentinel.missed('enc-1', 'no answer', 2_100);
    expect(events).toEqual(lost(/no answer/));
    expect(sentinel.lostEncoders).toEqual(['enc-1']);
  });

  test('not after one long miss, nor after misses that an answer interrupts', () => {
    alive();
    sentinel.missed('enc-1', 'no answer', 5_000);
    sentinel.answered('enc-1', telemetry(), 5_100);
    sentinel.missed('enc-1', 'no answer', 9_000);
    expect(events).toEqual([]);
  });

  test('at once where other evidence says the same', () => {
    alive();
    sentinel.missed('enc-1', 'its health watch broke', 10, true);
    expect(events).toEqual(lost(/health watch/));
  });

  test('when the fleet restarts it, or has started it anew', () => {
    alive();
    sentinel.fleetSays('enc-1', 'first', false, 10);
    expect(events).toEqual(lost(/restarting/));
    events.length = 0;
    sentinel.fleetSays('enc-1', 'second', true, 3_000);
    expect(events).toEqual([]);
    sentinel.answered('enc-1', telemetry(), 3_500);
    sentinel.fleetSays('enc-1', 'third', true, 4_000);
    expect(events).toEqual(lost(/started anew/));
  });

  test('when it leaves the fleet while it owns a channel, and only then', () => {
    alive();
    sentinel.fleetHasOnly(new Set(), new Set(), 10);
    expect(events).toEqual([]);
    alive();
    sentinel.fleetHasOnly(new Set(), new Set(['enc-1']), 10);
    expect(events).toEqual(lost(/left the fleet/));
  });

  test('when all sessions that own channels have vanished between two polls', () => {
    alive();
    poll(1_000, [owned('ch-1', 's1'), owned('ch-2', 's2')], session('s1'), session('s2'));
    poll(2_000, [owned('ch-1', 's1'), owned('ch-2', 's2')]);
    expect(events).toEqual(lost(/2 sessions vanished/));
    events.length = 0;
    poll(3_000, [owned('ch-1', 's1'), owned('ch-2', 's2')]);
    expect(events).toEqual([]);
  });

  test('never, if it was not seen alive; and afresh once it is', () => {
    sentinel.fleetSays('enc-1', 'first', true, 0);
    sentinel.missed('enc-1', 'starting', 5_000);
    sentinel.missed('enc-1', 'starting', 9_000, true);
    expect(events).toEqual([]);
    alive();
    sentinel.missed('enc-1', 'gone', 10_000, true);
    sentinel.answered('enc-1', telemetry(), 11_000);
    expect(sentinel.lostEncoders).toEqual([]);
    sentinel.missed('enc-1', 'gone again', 12_000, true);
    expect(events).toHaveLength(2);
  });
});

describe('a session has failed', () => {
  const failed = session('s1', { state: 'failed', failure: { code: 'internal', message: 'ffmpeg exited' } });

  test('when it owns a channel and its encoder says so, once', () => {
    alive();
    poll(1_000, [owned('ch-1', 's1')], failed, session('s2'));
    poll(2_000, [owned('ch-1', 's1')], failed, session('s2'));
    expect(events).toEqual([
      {
        signal: 'sessionFailed',
        payload: {
          channelId: 'ch-1',
          encoderId: 'enc-1',
          sessionId: 's1',
          code: 'internal',
          message: 'ffmpeg exited',
          atMs: 1_000,
        },
      },
    ]);
  });

  test('not when another session owns the channel by now', () => {
    alive();
    poll(1_000, [owned('ch-1', 's2', 'enc-2')], failed);
    expect(events).toEqual([]);
  });

  test('when its encoder never knew it, after a grace in which a handoff may explain it', () => {
    alive();
    poll(1_000, [owned('ch-1', 'old')]);
    poll(3_900, [owned('ch-1', 'old')]);
    expect(events).toEqual([]);
    poll(4_000, [owned('ch-1', 'old')]);
    poll(5_000, [owned('ch-1', 'old')]);
    expect(events).toMatchObject([{ signal: 'sessionFailed', payload: { code: 'unknown-session' } }]);
    poll(6_000, [owned('ch-1', 'new')], session('new'));
    poll(7_000, [owned('ch-1', 'older')], session('new'));
    poll(9_900, [owned('ch-1', 'older')], session('new'));
    expect(events).toHaveLength(1);
  });
});
