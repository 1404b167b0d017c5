import { policySchema, type Policy } from '../../src/domain';

/** Nothing but the goals counts: all moves in one plan, no rest, no stabilisation, no price on a handoff. */
export const EXACT_POLICY: Policy = policySchema.parse({
  maxMovesPerCycle: 1_000,
  maxMovesPerEncoder: 1_000,
  minEncoders: 1,
  maxEncoders: 100,
  restSeconds: 0,
  scaleInStabilisationSeconds: 0,
  handoffCostEncoderSeconds: 0,
  reserveFraction: 0,
});
