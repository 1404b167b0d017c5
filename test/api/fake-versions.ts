import type { VersionsPort } from '../../src/api/versions-port';
import { SwarmError, emptyVersions, type EncoderBuild, type VersionsState } from '../../src/domain';
import { fakeDigest } from './fake-digest';

/** A catalogue in memory behind the API's port; it refuses what the real workflow refuses by name. */
export class FakeVersions {
  state: VersionsState = emptyVersions('local');

  private build(id: string): EncoderBuild {
    const build = this.state.builds.find((known) => known.id === id);
    if (!build) throw new SwarmError('not-found', `The catalogue has no build ${id}.`, 'Add it.');
    return build;
  }

  port(ask: <T>(answer: () => T) => Promise<T>): VersionsPort {
    return {
      state: () => ask(() => this.state),
      add: ({ id, source, digest = fakeDigest(id) }) =>
        ask(() => {
          const build: EncoderBuild = {
            ...{
              id,
              source,
              digest,
              executablePath: `/builds/${id}`,
              ffmpegVersion: '5.1',
              capabilities: [],
            },
            ...{ compatibilityClass: null, probedAtMs: null },
          };
          this.state.builds.push(build);
          return build;
        }),
      remove: (id) =>
        ask(() => {
          const gone = this.build(id);
          this.state.builds = this.state.builds.filter((build) => build !== gone);
        }),
      probe: (id) =>
        ask(() => {
          const build = this.build(id);
          Object.assign(build, { compatibilityClass: 'c-1', probedAtMs: 1 });
          return build;
        }),
      setTarget: ({ buildId }) =>
        ask(() => {
          this.state.targetBuildId = buildId === null ? null : this.build(buildId).id;
        }),
      pin: ({ channelId, buildId }) =>
        ask(() => {
          this.state.pins[channelId] = this.build(buildId).id;
        }),
      unpin: (channelId) =>
        ask(() => {
          if (!this.state.pins[channelId]) throw new SwarmError('not-found', `${channelId} is not pinned.`);
          delete this.state.pins[channelId];
        }),
    };
  }
}
