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
    expect(events).toEqual(lost(/restarted/));
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

  test('with the words and the moment of what was seen', () => {
    const told = (): unknown => events.splice(0).map(({ payload }) => payload);
    alive();
    sentinel.fleetSays('enc-1', 'first', true, 5);
    expect(told()).toEqual([]);
    sentinel.fleetSays('enc-1', 'first', false, 10);
    expect(told()).toEqual([{ encoderId: 'enc-1', evidence: 'the fleet is restarting it', atMs: 10 }]);
    alive();
    sentinel.fleetSays('enc-1', 'second', true, 20);
    expect(told()).toEqual([{ encoderId: 'enc-1', evidence: 'it was restarted', atMs: 20 }]);
    alive();
    events.length = 0;
    sentinel.fleetHasOnly(new Set(), new Set(['enc-1']), 30);
    expect(told()).toEqual([{ encoderId: 'enc-1', evidence: 'it left the fleet', atMs: 30 }]);
    alive();
    poll(40, [owned('ch-1', 's1')], session('s1'));
    poll(50, [owned('ch-1', 's1')]);
    expect(told()).toEqual([
      { encoderId: 'enc-1', evidence: 'its 1 sessions vanished: the host was restarted', atMs: 50 },
    ]);
  });

  test('at exactly a second of silence, with two misses; one miss is too few however long it is', () => {
    alive();
    sentinel.missed('enc-1', 'no answer', 10_000);
    expect(events).toEqual([]);
    alive();
    sentinel.answered('enc-1', telemetry(), 20_000);
    sentinel.missed('enc-1', 'no answer', 20_500);
    sentinel.missed('enc-1', 'no answer', 20_999);
    expect(events).toEqual([]);
    sentinel.answered('enc-1', telemetry(), 30_000);
    sentinel.missed('enc-1', 'no answer', 30_500);
    sentinel.missed('enc-1', 'no answer', 31_000);
    expect(events).toEqual(lost(/no answer/));
  });

  test('and one by one: the others stay as they are', () => {
    alive();
    sentinel.fleetSays('enc-2', 'first', true, 0);
    sentinel.answered('enc-2', telemetry(), 0);
    sentinel.missed('enc-1', 'gone', 10, true);
    expect(sentinel.lostEncoders).toEqual(['enc-1']);
    expect([sentinel.isAlive('enc-1'), sentinel.isAlive('enc-2')]).toEqual([false, true]);
    sentinel.fleetHasOnly(new Set(['enc-2']), new Set(['enc-1', 'enc-2']), 20);
    expect(events).toHaveLength(1);
    expect(sentinel.lostEncoders).toEqual([]);
    expect(sentinel.isAlive('enc-2')).toBe(true);
  });
});

describe('what is known of an encoder', () => {
  test('of which the fleet did not tell is nothing, whatever it answers', () => {
    sentinel.answered('enc-9', telemetry(session('s1')), 0);
    sentinel.missed('enc-9', 'no answer', 5_000, true);
    sentinel.compareOwners('enc-9', telemetry(), new Set(['s1']), [owned('ch-1', 's1', 'enc-9')], 6_000);
    expect(sentinel.isAlive('enc-9')).toBe(false);
    expect(sentinel.sessionsBefore('enc-9')).toEqual(new Set());
    expect([sentinel.lostEncoders, events]).toEqual([[], []]);
  });

  test('are its sessions at the last answer but those that were released', () => {
    alive(session('s1'), session('s2', { state: 'released' }), session('s3', { state: 'failed' }));
    expect(sentinel.sessionsBefore('enc-1')).toEqual(new Set(['s1', 's3']));
  });

  test('is forgotten when it starts anew, leaves, or is lost', () => {
    alive(session('s1'));
    sentinel.fleetSays('enc-1', 'second', true, 10);
    expect(sentinel.isAlive('enc-1')).toBe(false);
    expect(sentinel.sessionsBefore('enc-1')).toEqual(new Set());
    alive(session('s1'));
    sentinel.missed('enc-1', 'gone', 20, true);
    expect(sentinel.sessionsBefore('enc-1')).toEqual(new Set());
    alive(session('s1'));
    sentinel.fleetHasOnly(new Set(['enc-2']), new Set(), 30);
    expect(sentinel.sessionsBefore('enc-1')).toEqual(new Set());
    expect(sentinel.isAlive('enc-1')).toBe(false);
  });
});

describe('sessions that vanished are no loss of the encoder', () => {
  const two = [owned('ch-1', 's1'), owned('ch-2', 's2')];

  test('while another session that owns a channel is there', () => {
    alive();
    poll(1_000, two, session('s1'), session('s2'));
    poll(2_000, two, session('s2'));
    expect(events).toEqual([]);
  });

  test('while another that owns a channel is known, though it was released', () => {
    alive();
    poll(1_000, two, session('s1'), session('s2'));
    poll(2_000, two, session('s2', { state: 'released' }));
    expect(events).toEqual([]);
  });

  test('while a session that owns nothing is there; one that was released is none', () => {
    alive();
    poll(1_000, two, session('s1'), session('s2'));
    poll(2_000, two, session('new'));
    expect(events).toEqual([]);
    poll(3_000, two, session('s1'), session('s2'));
    poll(4_000, two, session('new', { state: 'released' }));
    expect(events).toMatchObject([{ signal: 'encoderLost' }]);
  });

  test('where it did not have them before, or owns nothing', () => {
    alive();
    poll(1_000, two, session('other'));
    poll(2_000, two);
    expect(events).toEqual([]);
    poll(3_000, [], session('other'));
    poll(4_000, []);
    expect(events).toEqual([]);
  });

  test('an encoder that was restarted is alive, and its lost sessions are reported after their grace period', () => {
    alive();
    poll(1_000, two, session('s1'), session('s2'));
    poll(2_000, two);
    expect(sentinel.isAlive('enc-1')).toBe(true);
    poll(3_000, two);
    poll(5_900, two);
    expect(events).toHaveLength(1);
    poll(6_000, two);
    expect(events.slice(1)).toMatchObject([
      { signal: 'sessionFailed', payload: { channelId: 'ch-1', sessionId: 's1' } },
      { signal: 'sessionFailed', payload: { channelId: 'ch-2', sessionId: 's2' } },
    ]);
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

  test('with the words of its encoder, or with its own where it has none', () => {
    alive();
    poll(1_000, [owned('ch-1', 's1')], session('s1', { state: 'failed' }));
    expect(events).toMatchObject([
      { payload: { code: 'session-failed', message: 'the session failed', atMs: 1_000 } },
    ]);
    events.length = 0;
    poll(2_000, [owned('ch-2', 'old')], session('new'));
    poll(5_000, [owned('ch-2', 'old')], session('new'));
    expect(events.map(({ payload }) => payload)).toEqual([
      {
        ...{ channelId: 'ch-2', encoderId: 'enc-1', sessionId: 'old', atMs: 5_000 },
        ...{ code: 'unknown-session', message: 'enc-1 has no session old, which owns ch-2' },
      },
    ]);
  });

  test('each of several on one encoder, and not those that go on', () => {
    alive();
    const channels = [owned('ch-1', 's1'), owned('ch-2', 's2'), owned('ch-3', 's3')];
    poll(1_000, channels, failed, session('s2'), session('s3', { state: 'failed' }));
    expect(events.map(({ payload }) => 'channelId' in payload && payload.channelId)).toEqual([
      'ch-1',
      'ch-3',
    ]);
  });

  test('the grace begins anew once its encoder knew it in between', () => {
    alive();
    poll(1_000, [owned('ch-1', 's1')], session('other'));
    poll(3_000, [owned('ch-1', 's1')], session('other'), session('s1'));
    poll(4_500, [owned('ch-1', 's1')], session('other'));
    poll(7_400, [owned('ch-1', 's1')], session('other'));
    expect(events).toEqual([]);
    poll(7_500, [owned('ch-1', 's1')], session('other'));
    expect(events).toHaveLength(1);
  });

  test('the grace of a session does not begin anew with what another encoder says, whatever its name begins with', () => {
    alive();
    sentinel.fleetSays('enc-10', 'first', true, 0);
    const say = (encoderId: string, atMs: number): void =>
      sentinel.compareOwners(
        encoderId,
        telemetry(session('other')),
        new Set(),
        [owned('ch-1', 'old', 'enc-10')],
        atMs,
      );
    say('enc-10', 1_000);
    say('enc-1', 2_000);
    say('enc-10', 4_000);
    expect(events).toMatchObject([{ payload: { encoderId: 'enc-10', code: 'unknown-session' } }]);
  });

  test('a channel without an owner, or of another encoder, is none of its own', () => {
    alive();
    poll(1_000, [{ ...owned('ch-1', 's1'), owner: null }, owned('ch-2', 'x', 'enc-2')], session('other'));
    poll(9_000, [{ ...owned('ch-1', 's1'), owner: null }, owned('ch-2', 'x', 'enc-2')], session('other'));
    expect(events).toEqual([]);
  });

  test('of the last thousand failures none is told twice; what failed before those is forgotten', () => {
    alive();
    const fail = (...numbers: number[]): number => {
      events.length = 0;
      const sessions = numbers.map((n) => session(`s${n}`, { state: 'failed' }));
      poll(1_000, numbers.map((n) => owned(`ch-${n}`, `s${n}`)), ...sessions); // prettier-ignore
      return events.length;
    };
    const all = Array.from({ length: 1_000 }, (_, i) => i);
    expect(fail(...all)).toBe(1_000);
    expect(fail(0, 999)).toBe(0);
    expect(fail(1_000)).toBe(1);
    expect(fail(1, 999, 1_000)).toBe(0);
    expect(fail(0)).toBe(1);
  });
});
