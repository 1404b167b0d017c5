import { escape, type IPoint } from 'influx';
import type { Point } from './store';

/** A value inside an InfluxQL statement, and a name of a measurement, tag or field. */
export const text = (value: string): string => escape.stringLit(value);
export const name = (value: string): string => escape.quoted(value);

export const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Values that line protocol has no words for are left out. */
export const isStorable = (value: unknown): boolean => typeof value !== 'number' || Number.isFinite(value);

export const toInfluxPoint = ({ measurement, tags, fields, atMs }: Point): IPoint => ({
  measurement,
  tags: Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== '')),
  fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => isStorable(value))),
  timestamp: new Date(Math.round(atMs)),
});
