/** How far clocks of a time zone are ahead of UTC: by the IANA database of the runtime. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** No zone changes its clocks and back again within this time. */
const STEADY_MS = 7 * DAY_MS;

const formatters = new Map<string, Intl.DateTimeFormat>();

const formatterOf = (timeZone: string): Intl.DateTimeFormat => {
  const known = formatters.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  formatters.set(timeZone, made);
  return made;
};

const OFFSET = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/;

/** Milliseconds ahead of UTC at a moment; negative west of Greenwich. */
export const offsetMsAt = (timeZone: string, atMs: number): number => {
  const [, sign, hours, minutes, seconds = '0'] = OFFSET.exec(formatterOf(timeZone).format(atMs)) ?? [];
  if (sign === undefined) return 0;
  const ms = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS + Number(seconds) * 1_000;
  return sign === '-' ? -ms : ms;
};

/**
 * Offsets of the steps from `startMs` on, in milliseconds. Asks the database once a week of them, and where its clocks
 * change until the step is found.
 */
export const offsetsMsOf = (
  timeZone: string,
  { startMs, stepMs, steps }: { startMs: number; stepMs: number; steps: number },
): Float64Array => {
  const offsets = new Float64Array(steps);
  const at = (step: number): number => offsetMsAt(timeZone, startMs + step * stepMs);
  const fill = (from: number, to: number, first: number, last: number): void => {
    if (first === last || to - from <= 1) {
      offsets.fill(first, from, to);
      offsets[to] = last;
      return;
    }
    const middle = (from + to) >> 1;
    const between = at(middle);
    fill(from, middle, first, between);
    fill(middle, to, between, last);
  };
  const stride = Math.max(1, Math.floor(STEADY_MS / stepMs));
  let from = 0;
  let first = steps > 0 ? at(0) : 0;
  if (steps > 0) offsets[0] = first;
  while (from < steps - 1) {
    const to = Math.min(from + stride, steps - 1);
    const last = at(to);
    fill(from, to, first, last);
    [from, first] = [to, last];
  }
  return offsets;
};

/**
 * Moments at which a clock of the zone shows a local time, in their order: two in an hour that it repeats, none in one
 * that it skips.
 *
 * @param localMs the local time, as if it were UTC
 */
export const momentsOfLocal = (timeZone: string, localMs: number): number[] => {
  // Whatever the offset is, it is one of those half a day before and after.
  const offsets = [localMs - DAY_MS / 2, localMs + DAY_MS / 2].map((ms) => offsetMsAt(timeZone, ms));
  const moments = [...new Set(offsets)].map((offset) => localMs - offset);
  return moments.filter((ms) => offsetMsAt(timeZone, ms) === localMs - ms).sort((a, b) => a - b);
};
