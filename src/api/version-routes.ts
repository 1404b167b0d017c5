import { Router } from 'express';
import { operations, type RunningVersion } from '../contracts/api';
import type { VersionsState } from '../domain';
import { askedBy } from '../platform/asking';
import type { Observer } from './observe';
import type { ApiPorts } from './ports';
import { serve } from './serve';

/** What every encoder says that it runs, side by side; one that does not answer holds up no other. */
const runningVersions = async (
  observer: Observer,
  { builds, targetBuildId }: VersionsState,
): Promise<RunningVersion[]> => {
  const target = builds.find((build) => build.id === targetBuildId);
  return (await observer.encoderInfos()).map(({ id, info }) => {
    const digest = info?.buildDigest;
    return {
      encoderId: id,
      buildDigest: digest ?? null,
      buildId: builds.find((build) => build.digest === digest)?.id ?? null,
      inLine: digest === undefined || !target ? null : digest === target.digest,
    };
  });
};

/** Routes below /api/versions. */
export const createVersionRoutes = ({ versions }: Pick<ApiPorts, 'versions'>, observer: Observer): Router => {
  const router = Router();
  serve(router, operations.getVersions, async () => {
    const state = await versions.state();
    return { ...state, encoders: await runningVersions(observer, state) };
  });
  serve(router, operations.addBuild, ({ body: { digest, ...rest } }) =>
    versions.add({ ...rest, ...(digest !== undefined && { digest }) }),
  );
  serve(router, operations.setTarget, async ({ body: { buildId } }) => {
    await versions.setTarget({ buildId, requestedBy: askedBy() });
    return { targetBuildId: buildId };
  });
  serve(router, operations.pin, async ({ params: { id: channelId }, body: { buildId } }) => {
    await versions.pin({ channelId, buildId });
    return { channelId, buildId };
  });
  serve(router, operations.unpin, async ({ params }) => {
    await versions.unpin(params.id);
    return null;
  });
  serve(router, operations.probeBuild, ({ params }) => versions.probe(params.id));
  serve(router, operations.removeBuild, async ({ params }) => {
    await versions.remove(params.id);
    return null;
  });
  return router;
};
