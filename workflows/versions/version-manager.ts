import {
  allHandlersFinished,
  condition,
  defineQuery,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  AddBuildRequest,
  EncoderBuild,
  PinRequest,
  SetTargetRequest,
  SynchronisationFault,
  VersionsState,
} from '../../src/domain';
import { emptyVersions, versionsControl } from '../../src/domain/version-manager';
import { causeOf, refusal, throwAsRefusal, refusalFor } from '../kit/failures';
import { whileThereIsRoom } from '../kit/history-bound';
import { beginNextRun, heedWake, isNewBuildOut } from '../kit/next-run';
import { failFast60s, local8s } from '../kit/steps';
import {
  validateAdd,
  validatePin,
  validateProbe,
  validateRemove,
  validateTarget,
  validateUnpin,
} from './version-rules';

const addUpdate = defineUpdate<EncoderBuild, [AddBuildRequest]>(versionsControl.add);
const removeUpdate = defineUpdate<void, [string]>(versionsControl.remove);
const probeUpdate = defineUpdate<EncoderBuild, [string]>(versionsControl.probe);
const setTargetUpdate = defineUpdate<void, [SetTargetRequest]>(versionsControl.setTarget);
const pinUpdate = defineUpdate<void, [PinRequest]>(versionsControl.pin);
const unpinUpdate = defineUpdate<void, [string]>(versionsControl.unpin);
const haltUpdate = defineUpdate<void, [SynchronisationFault]>(versionsControl.halt);
const stateQuery = defineQuery<VersionsState>(versionsControl.state);

/** Fetching a package may take minutes on a slow line. */
const RESOLVE_TIMEOUT = '6 minutes';

export interface VersionsInput {
  cell: string;
  carried?: VersionsState;
}

/**
 * The Central Version Manager of a cell: the catalogue of encoder builds with their measured classes, the build that
 * the cell should run, and the builds that channels are pinned to. Runs for as long as the cell exists.
 */
export const versions = (input: VersionsInput): Promise<never> => new Versions(input).run();

class Versions {
  private readonly state: VersionsState;
  private readonly beingAdded = new Set<string>();

  constructor({ cell, carried }: VersionsInput) {
    this.state = carried ?? emptyVersions(cell);
  }

  async run(): Promise<never> {
    const { state } = this;
    setHandler(stateQuery, () => state);
    setHandler(addUpdate, (request) => this.add(request), {
      validator: whileThereIsRoom((request: AddBuildRequest | undefined) =>
        validateAdd(state, this.beingAdded, request),
      ),
    });
    setHandler(removeUpdate, (id) => this.remove(id), {
      validator: whileThereIsRoom((id: string | undefined) => validateRemove(state, id)),
    });
    setHandler(probeUpdate, (id) => this.probe(id), {
      validator: whileThereIsRoom((id: string | undefined) => validateProbe(state, id)),
    });
    setHandler(setTargetUpdate, (request) => this.setTarget(request), {
      validator: whileThereIsRoom((request: SetTargetRequest | undefined) => validateTarget(state, request)),
    });
    setHandler(pinUpdate, (request) => this.pin(request), {
      validator: whileThereIsRoom((request: PinRequest | undefined) => validatePin(state, request)),
    });
    setHandler(unpinUpdate, (id) => this.unpin(id), {
      validator: whileThereIsRoom((id: string | undefined) => validateUnpin(state, id)),
    });
    setHandler(haltUpdate, (fault) => {
      // A target that was set meanwhile starts over.
      if (state.targetBuildId === fault.buildId) state.fault = fault;
      this.show();
    });
    this.show();
    heedWake(versionsControl.wake);
    const isDue = (): boolean => workflowInfo().continueAsNewSuggested || isNewBuildOut();
    await condition(() => isDue() && allHandlersFinished());
    return beginNextRun<typeof versions>({ cell: state.cell, carried: state });
  }

  private async add(request: AddBuildRequest): Promise<EncoderBuild> {
    const { state } = this;
    this.beingAdded.add(request.id);
    try {
      const build = await failFast60s.resolveBuild.executeWithOptions(
        { summary: `find build ${request.id}`, startToCloseTimeout: RESOLVE_TIMEOUT },
        [request],
      );
      const same = state.builds.find((known) => known.digest === build.digest);
      if (same) {
        throw refusal(
          'conflict',
          `Build ${request.id} is the same executable as build ${same.id}.`,
          `Use ${same.id}.`,
        );
      }
      state.builds = [...state.builds, build];
      this.show();
      return build;
    } catch (error) {
      return throwAsRefusal(error);
    } finally {
      this.beingAdded.delete(request.id);
    }
  }

  private async remove(buildId: string): Promise<void> {
    const { state } = this;
    const { digest } = this.build(buildId);
    const running = await local8s.encodersRunning({ digest }).catch(throwAsRefusal);
    if (running.length > 0) {
      throw refusal(
        'conflict',
        `Build ${buildId} runs on ${running.join(', ')}.`,
        'Bring those encoders to another build first.',
      );
    }
    // The answer took a moment, in which the build may have become wanted.
    validateRemove(state, buildId);
    state.builds = state.builds.filter((build) => build.id !== buildId);
    delete state.probeFaults[buildId];
    this.show();
  }

  private async probe(buildId: string): Promise<EncoderBuild> {
    const { state } = this;
    const build = this.build(buildId);
    state.probing[buildId] = { done: 0, total: 1 };
    try {
      const cases = await local8s.listProbeCases();
      const total = cases.length;
      const measured = [];
      for (const [done, caseName] of cases.entries()) {
        state.probing[buildId] = { done, total };
        this.show();
        measured.push(
          await failFast60s.probeCase.executeWithOptions({ summary: `${buildId} encodes ${caseName}` }, [
            { build, caseName },
          ]),
        );
      }
      const { compatibilityClass, ...probe } = await local8s.classify({ cases: measured });
      const probed: EncoderBuild = { ...build, compatibilityClass, probe, probedAtMs: Date.now() };
      state.builds = state.builds.map((known) => (known.id === buildId ? probed : known));
      delete state.probeFaults[buildId];
      return probed;
    } catch (error) {
      const cause = causeOf(error);
      // What could not be tried says nothing about the build.
      if (cause.code === 'encoder-incompatible') this.unfit(buildId, cause.message);
      throw refusalFor(cause);
    } finally {
      delete state.probing[buildId];
      this.show();
    }
  }

  /** A build that fails its probe is of no class, whatever an earlier probe said. */
  private unfit(buildId: string, why: string): void {
    const { state } = this;
    state.probeFaults[buildId] = why;
    state.builds = state.builds.map((known) => {
      if (known.id !== buildId) return known;
      const { probe: _before, ...build } = known;
      return { ...build, compatibilityClass: null, probedAtMs: null };
    });
  }

  private async setTarget({ buildId }: SetTargetRequest): Promise<void> {
    const { state } = this;
    if (buildId !== null) {
      await local8s.requireInstalled({ build: this.build(buildId) }).catch(throwAsRefusal);
    }
    state.targetBuildId = buildId;
    state.fault = null;
    this.show();
  }

  private async pin({ channelId, buildId }: PinRequest): Promise<void> {
    const { state } = this;
    await local8s.requireChannel({ channelId }).catch(throwAsRefusal);
    state.pins = { ...state.pins, [channelId]: buildId };
    this.show();
  }

  private async unpin(channelId: string): Promise<void> {
    const { [channelId]: _lifted, ...others } = this.state.pins;
    this.state.pins = others;
    this.show();
  }

  private build(buildId: string): EncoderBuild {
    return this.state.builds.find((build) => build.id === buildId) as EncoderBuild;
  }

  private show(): void {
    const { cell, builds, targetBuildId, pins, probing, probeFaults, fault } = this.state;
    setCurrentDetails(
      [
        `### Versions of ${cell}`,
        `- target: ${targetBuildId ?? 'none'}`,
        ...(fault ? [`- **synchronisation has halted**: ${fault.encoderId}: ${fault.why}`] : []),
        ...builds.map((b) => {
          const { done, total } = probing[b.id] ?? { done: 0, total: 0 };
          const state = total > 0 ? `probing, ${done} of ${total}` : (probeFaults[b.id] ?? 'not probed');
          return `- ${b.id}: ${b.ffmpegVersion}, ${b.compatibilityClass ?? state}`;
        }),
        ...Object.entries(pins).map(([channelId, buildId]) => `- ${channelId} is pinned to ${buildId}`),
      ].join('\n'),
    );
  }
}
