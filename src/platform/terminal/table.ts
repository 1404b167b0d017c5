import Table from 'cli-table3';

/** A plain table: aligned columns, no frame, so that it can be read, copied and piped. */
export const table = (head: string[], rows: (string | number | null)[][]): string[] => {
  if (rows.length === 0) return ['  none'];
  const chars = Object.fromEntries(
    ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
      .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
      .map((name) => [name, '']),
  );
  const made = new Table({
    head: head.map((title) => title.toUpperCase()),
    chars: { ...chars, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  made.push(...rows.map((row) => row.map((value) => (value === null ? '-' : String(value)))));
  return made
    .toString()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd());
};

export const units = (value: number | null): string | null => (value === null ? null : value.toFixed(2));
export const milliseconds = (value: number | null): string | null =>
  value === null ? null : `${Math.round(value)} ms`;
export const seconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1000))} s`;
