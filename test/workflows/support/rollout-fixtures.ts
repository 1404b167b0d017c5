import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Activities } from '../../../activities';
import {
  noEvidence,
  rolloutPolicySchema,
  type InstalledBuild,
  type RolloutState,
  type Verdict,
} from '../../../src/domain';
import { judgeBuild } from '../../../src/versions/verdict';
import { originChannel } from '../../support/wire';
import type { FakeActivities } from './fake-activities';

const build = (buildId: string): InstalledBuild => ({
  buildId,
  executablePath: `/opt/${buildId}/ffmpeg`,
  digest: buildId.padEnd(64, '0'),
});
export const [older, newer] = [build('older'), build('newer')];

/** Just enough of the origin for the activities that ask who owns what. */
export const startOwnersServer = async (swarm: FakeActivities): Promise<{ server: Server; url: string }> => {
  const server = createServer((_req, res) => {
    const known = [...swarm.owners].map(([id, { token, owner }]) =>
      originChannel({ id, token, owner, nextGop: swarm.nextGop, lastPublishedAtMs: Date.now() }),
    );
    res.setHeader('content-type', 'application/json').end(JSON.stringify(known));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

/** The first encoder is the canary, in zone a; the others follow, in zone b. */
export const planFor =
  (encoderIds: readonly string[], canaryChannels: () => string[]): Activities['planRollout'] =>
  async () => ({
    build: newer,
    encoders: encoderIds.map((encoderId, i) => ({
      encoderId,
      zone: i === 0 ? 'a' : 'b',
      wave: i === 0 ? 'canary' : 'rest',
      from: older,
      status: 'waiting' as const,
    })),
    skipped: [],
    canaryChannels: canaryChannels(),
    movesAtOnce: 1,
    spareUnits: 2,
  });

/** A verdict as real comparisons would have given it. */
export const verdictOf = (
  outcome: Verdict['outcome'],
): { evidence: RolloutState['evidence']; verdict: Verdict } => {
  const evidence = noEvidence();
  if (outcome !== 'undecided') {
    for (const metric of Object.values(evidence)) metric.comparisons = 100;
  }
  if (outcome === 'worse') evidence.quality.worse = 100;
  const verdict = judgeBuild(evidence, rolloutPolicySchema.parse({}), Date.now());
  if (verdict.outcome !== outcome) throw new Error(`This evidence is ${verdict.outcome}.`);
  return { evidence, verdict };
};
