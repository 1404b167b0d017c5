import { table } from '../platform/terminal/table';
import type { Measures } from './measures';
import type { SimulationResult } from './simulate';

const fixed = (value: number | null, digits: number): string | null =>
  value === null ? null : value.toFixed(digits);
const share = (value: number | null): string | null =>
  value === null ? null : `${(value * 100).toFixed(1)} %`;

const row = (name: string, m: Measures): (string | number | null)[] => [
  name,
  fixed(m.overloadedMinutes, 1),
  fixed(m.encoderHours, 1),
  fixed(m.handoffsPerChannelDay, 2),
  fixed(m.lateGops, 0),
  m.movesThatPrevented,
  share(m.movesBeforeOverloadShare),
  fixed(m.leadTimeMinutes, 1),
  m.falseMoves,
  fixed(m.waitingMinutes, 1),
  m.peakEncoders,
];

/** A simulation as a table: one row per policy, and one for what really happened where that is known. */
export const simulationLines = (result: SimulationResult, asItWas?: Measures): string[] => [
  ...table(
    [
      'policy',
      'overloaded min',
      'encoder h',
      'handoffs/ch-day',
      'late GOPs',
      'prevented',
      'in time',
      'lead min',
      'false',
      'waiting min',
      'peak',
    ],
    [
      ...(asItWas ? [row('as it was', asItWas)] : []),
      ...result.runs.map(({ policy, measures }) => row(policy, measures)),
    ],
  ),
  '',
  `  ${result.channels} channels over ${Number(result.hours.toFixed(2))} h, seed ${result.seed}; ${result.ladderChangesPerChannelDay.toFixed(2)} changes of ladder per channel and day under every policy.`,
];
