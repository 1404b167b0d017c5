import type { EnsembleMember } from '../forecast';

/** A member that falls silent where it fails, so that the others forecast without it. */
export const guardedMember = (member: EnsembleMember, onError: (error: Error) => void): EnsembleMember => {
  const orElse = <T>(work: () => T, otherwise: () => T): T => {
    try {
      return work();
    } catch (error) {
      onError(error as Error);
      return otherwise();
    }
  };
  return {
    name: member.name,
    forecast: (series) =>
      orElse(
        () => member.forecast(series),
        () => series.map(() => null),
      ),
    ...(member.hindcast && {
      hindcast: (series, origins) =>
        orElse(
          () => member.hindcast!(series, origins),
          () => null,
        ),
    }),
  };
};
