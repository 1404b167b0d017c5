import Table from 'cli-table3';

/** A table with a frame; what is null is shown as `-`. */
export const drawTable = (head: string[], rows: (string | number | null)[][]): string => {
  const drawn = new Table({ head, style: { head: [], border: [], compact: true } });
  drawn.push(...rows.map((row) => row.map((cell) => String(cell ?? '-'))));
  return drawn.toString();
};

/** The figures of a result, a line each. */
export const figureTable = (result: object): string =>
  drawTable(
    ['figure', 'value'],
    Object.entries(result).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
