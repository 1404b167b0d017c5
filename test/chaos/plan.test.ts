import { isOfEncoder, kindOf, victimsOf, type Fault } from '../../bench/chaos/faults';
import { drawPlan, faultKinds, freeAgainAtMs, rules } from '../../bench/chaos/plan';
import fc from '../support/fast-check';

const MINUTES_MS = 60_000;
const endOf = (fault: Fault): number => fault.atMs + fault.lastsMs;
const anyPlan = fc.record({
  seed: fc.nat(),
  encoders: fc.integer({ min: 3, max: 6 }),
  lastsMs: fc.integer({ min: MINUTES_MS, max: 6 * MINUTES_MS }),
});

test('the same seed draws the same faults, another seed others', () => {
  const options = { lastsMs: 5 * MINUTES_MS, seed: 7, encoders: 4 };
  expect(drawPlan(options)).toEqual(drawPlan(options));
  expect(drawPlan({ ...options, seed: 8 })).not.toEqual(drawPlan(options));
});

test('30 minutes hold 200 faults or more, and every kind of them', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const plan = drawPlan({ lastsMs: 30 * MINUTES_MS, seed, encoders: 4 });
    expect(plan.length).toBeGreaterThanOrEqual(200);
    // 7 targets killed, 7 stopped, 4 links in 5 ways, 2 disks, 5 clocks twice, 2 files, 4 second processes, 2 ways of an input.
    const kinds = new Set(plan.map(({ action }) => kindOf(action)));
    expect(kinds.size).toBe(54);
    expect(kinds).toEqual(new Set(faultKinds));
  }
});

test('whatever the seed, every fault is bounded, ends before the calm, and lies in order of time', () => {
  fc.assert(
    fc.property(anyPlan, (options) => {
      const plan = drawPlan(options);
      plan.forEach((fault, i) => {
        expect(fault.number).toBe(i + 1);
        expect(fault.lastsMs).toBeLessThanOrEqual(rules.longestMs);
        expect(fault.atMs).toBeLessThan(options.lastsMs - rules.calmMs);
        expect(fault.atMs).toBeGreaterThanOrEqual(plan[i - 1]?.atMs ?? 0);
        expect(fault.encoder === null).toBe(!isOfEncoder(fault.action));
        expect(fault.choice).toBeGreaterThanOrEqual(0);
        expect(fault.choice).toBeLessThan(1);
      });
    }),
    { numRuns: 40 },
  );
});

test('at no moment more than two faults, two of the same victim, or fewer than two encoders left alone', () => {
  fc.assert(
    fc.property(anyPlan, (options) => {
      const plan = drawPlan(options);
      for (const fault of plan) {
        const others = plan.filter((other) => other.number < fault.number);
        const lasting = others.filter((other) => endOf(other) > fault.atMs);
        expect(lasting.length).toBeLessThan(rules.atOnce);
        const held = others.filter((other) => freeAgainAtMs(other) > fault.atMs);
        for (const victim of victimsOf(fault)) expect(held.flatMap(victimsOf)).not.toContain(victim);
        const encoders = new Set([...held, fault].flatMap((f) => f.encoder ?? []));
        if (fault.encoder !== null)
          expect(encoders.size).toBeLessThanOrEqual(options.encoders - rules.encodersLeftAlone);
      }
    }),
    { numRuns: 40 },
  );
});

test('kinds that this machine can not do are left out', () => {
  const without = new Set(['disk full origin', 'clock relay', 'slow gRPC', 'kill encoder']);
  const plan = drawPlan({ lastsMs: 30 * MINUTES_MS, seed: 3, encoders: 4, without });
  const kinds = new Set(plan.map(({ action }) => kindOf(action)));
  for (const kind of without) expect(kinds).not.toContain(kind);
  expect(kinds.size).toBe(50);
});
