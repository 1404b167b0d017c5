import { outageHeld, type OutageFigures } from '../../bench/overload/control-plane-outage';
import { BUFFER_POINTS } from '../../src/telemetry/influx-store';

const sound: OutageFigures = {
  silent: 'temporal and influxdb',
  outageSeconds: 300,
  lastDecisionAgeSeconds: 302,
  resumedAfterSeconds: 4.7,
  collectorBufferedPoints: 8_187,
  collectorDroppedPoints: 0,
  signalsWaiting: 0,
  workerMiBBefore: 325,
  workerMiBAfter: 241,
  collectorMiBBefore: 100,
  collectorMiBAfter: 141,
  framesChecked: 56_050,
  framesLost: 0,
  gapsDeclared: 0,
};

test('an outage that cost nothing held', () => expect(outageHeld(sound)).toBe(true));

test.each<[string, Partial<OutageFigures>]>([
  ['a lost frame', { framesLost: 1 }],
  ['a gap', { gapsDeclared: 1 }],
  ['nothing checked', { framesChecked: 0 }],
  ['no decision afterwards', { resumedAfterSeconds: null }],
  ['more points than the buffer may have', { collectorBufferedPoints: BUFFER_POINTS + 1 }],
  ['more reports than may wait', { signalsWaiting: 101 }],
  ['no decisions while InfluxDB alone was silent', { silent: 'influxdb' }],
])('%s: it did not', (_name, more) => expect(outageHeld({ ...sound, ...more })).toBe(false));

test('with Temporal alive, decisions go on', () => {
  expect(outageHeld({ ...sound, silent: 'influxdb', lastDecisionAgeSeconds: 5 })).toBe(true);
});
