import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { allowed } from './allowed';
import { duplicatesAmong, shapesIn, type DeclaredShape } from './shapes';

const rooms = ['src', 'activities', 'workflows', 'bench', 'tools'];

/** Every shape that the program declares. */
export const declaredShapes = (root: string): DeclaredShape[] =>
  rooms
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => `${room}/${path}`),
    )
    .flatMap((file) => shapesIn(file, readFileSync(join(root, file), 'utf8')));

/** Shapes that are declared more than once without leave, each in a line of words. */
export const secondDeclarations = (shapes: readonly DeclaredShape[]): string[] =>
  duplicatesAmong(shapes.filter(({ file, name }) => !(`${file} ${name}` in allowed))).map(
    (same) =>
      `${same.map(({ file, line, name }) => `${name} (${file}:${line})`).join(' and ')} have the same fields: ` +
      `${same[0]!.fields.join(', ')}.`,
  );

/** Leave that nothing needs any more. */
export const needlessLeave = (shapes: readonly DeclaredShape[]): string[] => {
  const duplicated = new Set(
    duplicatesAmong(shapes).flatMap((same) => same.map(({ file, name }) => `${file} ${name}`)),
  );
  return Object.keys(allowed).filter((key) => !duplicated.has(key));
};
