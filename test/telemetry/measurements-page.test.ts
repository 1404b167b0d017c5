import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FieldType } from 'influx';
import { measurementSchemas } from '../../src/telemetry/measurements';

/** What others write has to have these types: the page is their contract, the table is the program's. */
const page = readFileSync(join(__dirname, '..', '..', 'docs', 'reference', 'measurements.md'), 'utf8');

const WORDS = [
  ['fractions', FieldType.FLOAT],
  ['whole numbers', FieldType.INTEGER],
  ['text', FieldType.STRING],
  ['yes or no', FieldType.BOOLEAN],
] as const;
const listed = (word: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`${word} ${names.map((name) => `\`${name}\``).join(', ')}`];

test('the page names every field of every measurement, with its type', () => {
  const found = page.split('\n').filter((line) => /^- `\w+`: tags /.test(line));
  const expected = measurementSchemas.map(({ measurement, tags, fields }) => {
    const ofType = (type: FieldType): string[] => Object.keys(fields).filter((name) => fields[name] === type);
    const all = [listed('tags', tags), ...WORDS.map(([word, type]) => listed(word, ofType(type)))];
    return `- \`${measurement}\`: ${all.flat().join('; ')}.`;
  });
  expect(found).toEqual(expected);
});
