import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FieldType } from 'influx';
import { measurementSchemas } from '../../src/telemetry/measurements';

/** What others write has to have these types: the page is their contract, the table is the program's. */
const page = readFileSync(join(__dirname, '..', '..', 'docs', 'reference', 'measurements.md'), 'utf8');

const COLUMNS = [FieldType.FLOAT, FieldType.INTEGER, FieldType.STRING, FieldType.BOOLEAN];
const cell = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

test('the page names every field of every measurement, with its type', () => {
  const rows = [...page.matchAll(/^\| (`\w+` .*) \|$/gm)].map(([, row]) =>
    row!.split('|').map((text) => text.trim()),
  );
  const expected = measurementSchemas.map(({ measurement, tags, fields }) => [
    `\`${measurement}\``,
    cell(tags),
    ...COLUMNS.map((type) => cell(Object.keys(fields).filter((name) => fields[name] === type))),
  ]);
  expect(rows).toEqual(expected);
});
