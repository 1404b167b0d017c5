import './support/mocks';
import type { Scenario } from './support/scenarios';
import { searchFaults } from './support/search';
import type { Sabotage } from './support/world';

/** Takes one safeguard away at a time: the search must notice. */
test.each<[string, Scenario, Sabotage, RegExp]>([
  ['the fence of the origin', 'handoff', { noFence: true }, /was accepted after GOP/],
  ['the secret of the owner', 'handoff', { noSecrets: true }, /a stranger could publish GOPs/],
  ['the release of sessions', 'handoff', { noRelease: true }, /is left over on/],
  [
    'the control cycle that finds what was lost',
    'handoff',
    { noSecondChance: true },
    /is left over on|off air/,
  ],
  ['the end of cordons', 'rollout', { noUncordon: true }, /is still cordoned|the rollout is rolling-back/],
  ['drains before a host is ended', 'rollout', { noDrain: true }, /was restarted with ch-. on it/],
  ['the way back', 'rollback', { noWayBack: true }, /rolled-back, but enc-. runs bad|rolling-back/],
  ['the reserve of the canary', 'rollback', { openCanary: true }, /2 channels were on the bad build/],
])(
  'without %s invariants break',
  async (_, scenario, sabotage, sentence) => {
    const { failures } = await searchFaults(scenario, { pairs: 'none', sabotage, stopAtFailure: sentence });
    expect(failures.join('\n')).toMatch(sentence);
  },
  240_000,
);
