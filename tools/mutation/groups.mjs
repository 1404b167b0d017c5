// @ts-check
/**
 * What the product's promises rest on, in groups, each with the tests that its mutants are shown to: quick ones that
 * state a rule directly, without servers and encoders. Not those that search at random for a broken rule: they run in
 * whole for each mutant, and what only they find deserves a test of its own.
 *
 * @typedef {{ mutate: string[], tests: string[] }} Group
 * @type {Record<string, Group>}
 */
export const groups = {
  /** Ownership, and what is let in as a GOP. */
  ownership: {
    mutate: ['src/media/origin/ownership.ts', 'src/media/origin/verify-gop.ts'],
    tests: ['test/origin/{ownership-rules,verify-gop}.test.ts'],
  },
  /** The verdict on a stream. */
  judge: {
    mutate: ['src/verify/judge.ts'],
    tests: ['test/verify/{frame-clock,judge}.test.ts'],
  },
  /** The verdict on a build. */
  verdict: {
    mutate: ['src/versions/{e-values,verdict}.ts'],
    tests: ['test/versions/{e-values,verdict-rules}.test.ts'],
  },
  /** What must outlast a power cut. */
  durable: {
    mutate: [
      'src/platform/durable-file.ts',
      'src/media/origin/{ledger,segment-store}.ts',
      'src/media/relay/{channel-files,gop-journal,ring-store}.ts',
    ],
    tests: [
      'test/platform/durable-file.test.ts',
      'test/durability/forced-to-disk.test.ts',
      'test/fleet/record-file.test.ts',
      'test/origin/ledger.test.ts',
      'test/relay/{channel-files,gop-journal,ring-store}.test.ts',
    ],
  },
  /** The relay's ring, the encoder's hold. */
  rings: {
    mutate: ['src/media/relay/{gop-ledgers,unit-ring}.ts', 'src/media/encoder/held-gops.ts'],
    tests: ['test/relay/{gop-ledgers,unit-ring}.test.ts', 'test/encoder/held-gops.test.ts'],
  },
  stamp: {
    mutate: ['src/media/stamp/{layout,payload,stamp}.ts'],
    tests: ['test/stamp/stamp-rules.test.ts'],
  },
  /** Who is lost. */
  sentinel: {
    mutate: ['src/collector/sentinel.ts'],
    tests: ['test/collector/sentinel.test.ts'],
  },
  fitness: {
    mutate: ['src/fitness/*.ts'],
    tests: ['test/fitness/terms.test.ts', 'test/fitness/evaluator.test.ts'],
  },
  /** How wide forecasts are. */
  calibration: {
    mutate: ['src/forecast/{calibration,width-tracker}.ts'],
    tests: ['test/forecast/{calibration,widening}.test.ts'],
  },
  /** Where channels go. */
  planner: {
    mutate: ['src/planner/*.ts'],
    // In this order: what takes long is last, as most mutants fail before.
    tests: [
      'test/planner/{admission,choose-target,constraints,departures,draft,ladders,letting-go,make-plan}.test.ts',
      'test/planner/{neighbourhood,order,placement-table,placements,redundancy,relief}.test.ts',
      'test/planner/{scale-decision,scale-maths,small-rules,swarm-tracker,threshold-rule,unmet}.test.ts',
      'test/planner/{explanations,planner-updates,rearrangement,target-order}.test.ts',
      'test/planner/large-fleet.test.ts',
    ],
  },
  sagas: {
    mutate: ['workflows/kit/compensations.ts', 'workflows/moves/*.ts'],
    tests: [
      'test/workflows/{channel-change,channel-life,channel-rules,handoff-rules,recovery-rules}.test.ts',
    ],
  },
};
