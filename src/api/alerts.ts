import type { Alert } from '../contracts/api';
import type { LatestFeedback } from '../domain';

const nameOf = ({ kind, id }: LatestFeedback): string =>
  kind === 'viewers' ? `viewers of ${id}` : `CDN load of region ${id}`;

/** One alert for each series whose forecast errors have shifted and not settled yet. */
export const alertsOf = (feedback: readonly LatestFeedback[]): Alert[] => {
  const bySubject = new Map<string, LatestFeedback[]>();
  for (const series of feedback) {
    if (series.alarmSteps <= 0) continue;
    const subject = `${series.kind}/${series.id}`;
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), series]);
  }
  return [...bySubject]
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([subject, leads]) => {
      const [first] = leads as [LatestFeedback];
      const ahead = leads.map(({ lead }) => lead).sort((a, b) => a - b);
      const widest = Math.max(...leads.flatMap(({ widthLow, widthHigh }) => [widthLow, widthHigh]));
      return {
        kind: 'forecast-drift',
        subject,
        message:
          `Forecasts of the ${nameOf(first)} drift: their errors have shifted ` +
          `(${ahead.join(', ')} steps ahead); the band is ${widest.toFixed(1)} times its usual width.`,
        atMs: Math.max(...leads.map(({ targetMs }) => targetMs)),
      };
    });
};
