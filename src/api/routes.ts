import { Router } from 'express';
import { changeWithInput, newChannel } from '../channels/new-channel';
import { publicApiUrl, type Environment } from '../config/config';
import { linksOf } from '../config/links';
import { originFor } from '../config/public-origin';
import { operations, type Forecasts, type Status } from '../contracts/api';
import type { StandbyInfo } from '../contracts/source-standby';
import {
  changedSpec,
  mapStandby,
  requireEncodable,
  requireLadder,
  requireStandbyFits,
  type ChannelChange,
  type CycleResult,
} from '../domain';
import { ModelStore } from '../models';
import { deadlinesMs, keptMs } from '../observation/deadlines';
import { KeptReading, valueOf } from '../observation/kept-reading';
import { askedBy } from '../platform/asking';
import { systemClock, type Clock } from '../platform/clock';
import type { Logger } from '../platform/logger';
import { PlaySigner } from '../playback';
import { onAirOf, requirePlaceable } from './admission';
import { AuditLog, auditFile } from './audit';
import { requestHandoff } from './commands';
import { explain } from './explain';
import { createForecastRoutes, createHistoryRoutes } from './forecast-routes';
import { forecastsOf } from './forecasts';
import type { ApiGate } from './identity/api-gate';
import { jsonBody } from './json-body';
import { createModelRoutes, netStatus } from './model-routes';
import { runUrl } from './move-records';
import { Observer, type Observation } from './observe';
import { openApiDocument } from './openapi';
import { plannedFrom } from './planned-from';
import type { ApiPorts } from './ports';
import { statusAt } from './public-origin';
import { createRolloutRoutes } from './rollout-routes';
import { noteCommands, routeOf, serve } from './serve';
import { createSessionRoutes } from './session-routes';
import { statusOf } from './status';
import { StatusEvents } from './status-stream';
import { createVersionRoutes } from './version-routes';

const BODY_LIMIT = '64kb';

export interface ApiRoutes {
  router: Router;
  stop(): void;
}

/** @throws Error where the source does not keep to its contract */
const switched = (
  channelId: string,
  standby: StandbyInfo | undefined,
): { channelId: string; standby: StandbyInfo } => {
  if (!standby) throw new Error('the source does not say what is on air');
  return { channelId, standby };
};

/** Routes under /api. */
export const createRoutes = (
  environment: Environment,
  ports: ApiPorts,
  options: { log: Logger; clock?: Clock | undefined; gate?: ApiGate | undefined; signer?: PlaySigner },
): ApiRoutes => {
  const { log, clock = systemClock, gate, signer = PlaySigner.unsigned() } = options;
  const cell = environment.SWARM_CELL;
  const originAt = originFor(environment);
  const stepSeconds = environment.SWARM_STEP_SECONDS;
  const observer = new Observer(ports, { cell, stepSeconds }, clock);
  const models = new ModelStore(environment.SWARM_STATE_DIR, cell);
  const context = {
    cell,
    urls: {
      api: environment.SWARM_API_URL,
      temporal: environment.TEMPORAL_UI_URL,
      origin: originAt(undefined),
    },
    links: linksOf(environment),
    cycleUrl: (workflowId: string) =>
      runUrl(environment.TEMPORAL_UI_URL, environment.TEMPORAL_NAMESPACE, workflowId),
  };
  const look = new KeptReading<{ seen: Observation; status: Status }>(
    'The swarm',
    async () => {
      const seen = await observer.observe();
      return { seen, status: statusOf(seen, { ...context, net: await netStatus(models) }) };
    },
    { keptMs: keptMs.status, deadlineMs: deadlinesMs.status },
    clock,
  );
  const lookNow = async (): Promise<{ seen: Observation; status: Status }> => valueOf(await look.get());
  const status = async (): Promise<Status> => (await lookNow()).status;
  const charts = new KeptReading<Forecasts>(
    'InfluxDB',
    async () => {
      const { seen, status } = await lookNow();
      return forecastsOf(ports, seen, status, { cell, stepSeconds });
    },
    { keptMs: Math.min(keptMs.charts, stepSeconds * 1000), deadlineMs: deadlinesMs.status },
    clock,
  );
  /** Does what an operator asked for, and lets the next look see its effect. */
  const command = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } finally {
      observer.invalidate();
      look.invalidate();
    }
  };
  /** As it may be told: the source gets the secrets of its inputs, and nobody else. */
  const toldOf = async <C extends ChannelChange>(change: C): Promise<C> => {
    const { source } = ports.parts;
    const { input, standby } = change;
    return {
      ...change,
      ...(input && { input: await source.keepSecretsOf(input) }),
      ...(standby && { standby: await mapStandby(standby, (each) => source.keepSecretsOf(each)) }),
    };
  };
  const statusFor = async (originUrl: string): Promise<Status> => statusAt(await status(), originUrl, signer);
  const events = new StatusEvents(statusFor, originAt, clock);
  const router = Router();
  const parts = { cell, stepSeconds, ports, look: lookNow };
  const audit = new AuditLog(auditFile(environment.SWARM_STATE_DIR), log);
  router.use(noteCommands((entry) => audit.note(entry)));
  router.use(createHistoryRoutes(parts), ...jsonBody(BODY_LIMIT));

  router.use(createSessionRoutes(environment, gate));
  serve(router, operations.getAudit, async ({ query }) => audit.latest(query.limit));
  serve(router, operations.getStatus, (_, { host }) => statusFor(originAt(host)));
  router.get(routeOf(operations.streamStatus), events.handler);
  router.use(createForecastRoutes(parts));
  serve(router, operations.listChannels, async (_, { host }) => (await statusFor(originAt(host))).channels);
  serve(router, operations.listEncoders, async () => (await status()).encoders);
  serve(router, operations.listMoves, ({ query }) => ports.orchestration.moves(query));
  serve(router, operations.getForecasts, async () => {
    const { value, fault } = await charts.get();
    if (!value) throw fault ?? new Error('no forecasts');
    return value;
  });
  router.use(createModelRoutes(models, ports));
  serve(router, operations.explain, ({ params }) => {
    const from = (cycle: CycleResult): Promise<string[]> =>
      plannedFrom(ports.telemetry.planning, { cell, cycle, nowMs: Date.now() });
    return explain(ports.orchestration, params.subject, from);
  });
  const document = { ...openApiDocument(publicApiUrl(environment)) };
  serve(router, operations.getDocument, async () => document);

  serve(router, operations.addChannel, async ({ body }) => {
    const limitsOf = async (): Promise<number[]> =>
      (await status()).encoders.flatMap((e) => (e.cordoned || e.limitUnits === null ? [] : [e.limitUnits]));
    const { spec, notes } = await newChannel(body, ports.inputs, limitsOf);
    const obstacle = requirePlaceable((await lookNow()).seen, spec, cell);
    requireStandbyFits(spec);
    const told = await toldOf(spec);
    await command(ports.orchestration.addChannel(told));
    const source = (await observer.sources())?.find(({ id }) => id === spec.id);
    return { ...told, notes, onAir: onAirOf(spec, { obstacle, source }) };
  });
  serve(router, operations.updateChannel, async ({ params, body }) => {
    const { spec } = await ports.orchestration.channelState(params.id);
    const whole = await changeWithInput(spec, body, ports.inputs);
    requireStandbyFits(changedSpec(spec, whole));
    const change = await toldOf(whole);
    const changed = changedSpec(spec, change);
    requireLadder(changed);
    if (body.ladder) requireEncodable(changed);
    if (body.ladder ?? body.placement) requirePlaceable((await lookNow()).seen, changed, cell);
    await command(ports.orchestration.updateChannel(params.id, change));
    return changed;
  });
  serve(router, operations.switchInput, async ({ params, body }) => {
    const request = { ...body, requestedBy: askedBy() };
    const { standby } = await command(ports.parts.source.switchInput(params.id, request));
    return switched(params.id, standby);
  });
  serve(router, operations.cancelSwitches, async ({ params }) => {
    const { standby } = await command(ports.parts.source.cancelSwitches(params.id));
    return switched(params.id, standby);
  });
  serve(router, operations.removeChannel, async ({ params }) => {
    await command(ports.orchestration.removeChannel(params.id));
    return null;
  });
  serve(router, operations.splice, ({ params, body }) => ports.parts.relay.splice(params.id, body));
  serve(router, operations.signPlayUrls, async ({ params, body }, { host }) => {
    await ports.orchestration.channelState(params.id);
    return signer.sign(originAt(host), params.id, body.lifeMs);
  });
  serve(router, operations.handoff, ({ params, body }) =>
    command(requestHandoff(ports.orchestration, params.id, body)),
  );
  router.use(createVersionRoutes(ports, observer));
  router.use(createRolloutRoutes(ports.rollouts));
  for (const change of ['cordon', 'uncordon', 'drain'] as const) {
    serve(router, operations[change], async ({ params }) => {
      await command(ports.orchestration.setCordon(params.id, change));
      return { encoderId: params.id, done: change };
    });
  }
  return { router, stop: () => events.stop() };
};
