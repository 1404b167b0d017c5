import { OwnLateness } from '../../src/collector/own-lateness';
import { ManualClock } from '../support/manual-clock';

/** A clock whose timers run late, as those of a starved process. */
class BusyClock extends ManualClock {
  private heldMs = 0;

  override now(): number {
    return super.now() + this.heldMs;
  }

  /** The process does not run for so long; then what is due does. */
  hold(forMs: number): void {
    this.heldMs += forMs;
    this.advance(0);
  }
}

let clock: BusyClock;
let lateness: OwnLateness;
beforeEach(() => {
  clock = new BusyClock();
  lateness = new OwnLateness(clock);
  lateness.start();
});

test('a process that runs in time is not late', () => {
  const mark = lateness.mark();
  clock.advance(5_000);
  expect(lateness.since(mark)).toBe(0);
});

test('while it was held up it was late, also before its timer has run again', () => {
  const mark = lateness.mark();
  clock.hold(900);
  expect(lateness.since(mark)).toBeGreaterThanOrEqual(800);
  clock.advance(200);
  expect(lateness.since(mark)).toBeGreaterThanOrEqual(800);
});

test('what was before a mark does not count after it, and is forgotten', () => {
  const first = lateness.mark();
  clock.hold(900);
  clock.advance(200);
  expect(lateness.since(lateness.mark())).toBe(0);
  clock.advance(20_000);
  clock.hold(100);
  clock.advance(200);
  expect(lateness.since(first)).toBeLessThan(200);
});
