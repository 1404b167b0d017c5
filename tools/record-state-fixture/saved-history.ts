import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { temporal } from '@temporalio/proto';

export type History = temporal.api.history.v1.IHistory;
export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** Ending of the files: gzipped temporal.api.history.v1.History. */
export const HISTORY_SUFFIX = '.history.gz';

/** Names and paths of the machine that recorded a history are nobody's business. */
const anonymous = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  const fields = value as Record<string, unknown>;
  for (const [name, inner] of Object.entries(fields)) {
    if (name === 'identity') fields[name] = 'recorder';
    else if (name === 'stackTrace') fields[name] = '';
    else anonymous(inner);
  }
};

/** A history as it is saved, without what names the machine that recorded it. */
export const encodeHistory = async ({ events }: History): Promise<Buffer> => {
  const history = { events: events ?? [] };
  anonymous(history);
  const bytes = temporal.api.history.v1.History.encode(history).finish();
  return promisify(gzip)(bytes, { level: 9 });
};

/** @throws Error where the bytes are no saved history */
export const decodeHistory = async (
  bytes: Uint8Array,
): Promise<{ workflowId: string; workflowType: string; history: History }> => {
  const history = temporal.api.history.v1.History.decode(await promisify(gunzip)(bytes));
  const { workflowId, workflowType } = history.events[0]?.workflowExecutionStartedEventAttributes ?? {};
  return { workflowId: workflowId ?? '', workflowType: workflowType?.name ?? '', history };
};
