import { TICKS_PER_SECOND, gopStartTicks } from '../../domain';
import type { LedgerRecord, RecordedSplice } from './records';
import { element } from './xml-element';

/**
 * Splices in a DASH manifest: events of a period (ISO/IEC 23009-1, 5.10.2) that carry the SCTE-35 message as it is, by
 * ANSI/SCTE 214-1, 6.8.4 (urn:scte:scte35:2014:xml+bin).
 */
const SCHEME = 'urn:scte:scte35:2014:xml+bin';
const SCTE_35 = 'http://www.scte.org/schemas/35/2016';

const signal = (hex: string): string =>
  element('Signal', { xmlns: SCTE_35 }, [
    element('Binary', {}, [Buffer.from(hex, 'hex').toString('base64')]),
  ]);

interface Event {
  ticks: number;
  durationTicks?: number;
  id: number;
  command: string;
}

const eventsOf = ({
  kind,
  eventId,
  atTicks,
  endTicks,
  plannedTicks,
  command,
  endCommand,
}: RecordedSplice): Event[] => {
  const lasts = endTicks === undefined ? plannedTicks : endTicks - atTicks;
  const begin = {
    ticks: atTicks,
    ...(kind === 'break' && lasts !== undefined && { durationTicks: lasts }),
    ...{ id: eventId, command },
  };
  if (endTicks === undefined || endCommand === undefined) return [begin];
  return [begin, { ticks: endTicks, id: eventId, command: endCommand }];
};

/**
 * The events of a period; none where there is no splice. What began before the period stands at its beginning, with
 * what is left of it.
 * @param records of the period
 * @param periodGop first GOP of the period
 */
export const spliceEvents = (
  records: readonly LedgerRecord[],
  periodGop: number,
  { gopDurationTicks }: { gopDurationTicks: number },
): string[] => {
  const offset = gopStartTicks(periodGop, gopDurationTicks);
  const latest = new Map(records.flatMap(({ splices = [] }) => splices.map((s) => [s.id, s] as const)));
  const events = [...latest.values()].flatMap(eventsOf).map(({ ticks, durationTicks, id, command }) => {
    const early = Math.max(0, offset - ticks);
    return element(
      'Event',
      {
        presentationTime: Math.max(ticks, offset) - offset,
        duration: durationTicks === undefined ? undefined : Math.max(0, durationTicks - early),
        id,
      },
      [signal(command)],
    );
  });
  if (events.length === 0) return [];
  return [element('EventStream', { schemeIdUri: SCHEME, timescale: TICKS_PER_SECOND }, events)];
};
