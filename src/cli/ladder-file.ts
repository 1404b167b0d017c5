import { readFile, stat } from 'node:fs/promises';
import { LineCounter, isNode, parseDocument, type Document } from 'yaml';
import {
  LADDER_PRESETS,
  SwarmError,
  copyOfPreset,
  ladderFileSchema,
  ladderOf,
  ladderPresetNames,
  type Ladder,
  type LadderFile,
  type LadderPreset,
} from '../domain';

const MOST_BYTES = 64 * 1024;
const HINT =
  'The fields are in docs/reference/ladder.md; `encoder-swarm channel ladder 720p` prints one to begin with.';

const isPreset = (text: string): text is LadderPreset => Object.hasOwn(LADDER_PRESETS, text);

const refuse = (path: string, faults: readonly string[]): SwarmError =>
  new SwarmError('bad-request', `${path} is no ladder: ${faults.join('; ')}.`, HINT);

const placeInWords = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  );

/** The field's line; that of what holds it, where it is missing. */
const lineOf = (document: Document, lines: LineCounter, path: readonly PropertyKey[]): number => {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
};

/** @throws SwarmError bad-request for an alias that leads nowhere, or to too much */
const valueOf = (path: string, document: Document): unknown => {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw refuse(path, [(error as Error).message]);
  }
};

/** @throws SwarmError bad-request that names each field at fault: its line, its place, what is there and what is right */
export const parseLadder = (path: string, text: string): Ladder => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  if (document.errors.length > 0)
    throw refuse(
      path,
      document.errors.map((e) => e.message.split('\n')[0]!),
    );
  const parsed = ladderFileSchema.safeParse(valueOf(path, document));
  if (parsed.success) return ladderOf(parsed.data);
  throw refuse(
    path,
    parsed.error.issues.map(({ path: place, message }) => {
      const found: unknown = place.length > 0 ? document.getIn(place) : document.toJS();
      const what: unknown = isNode(found) ? found.toJSON() : found;
      const shown = what === undefined ? 'missing' : `${JSON.stringify(what).slice(0, 60)} is wrong`;
      return `line ${lineOf(document, lines, place)}, ${placeInWords(place) || 'file'}: ${shown} (${message})`;
    }),
  );
};

/**
 * A ladder by the name of a preset, or of a file in YAML or JSON.
 * @throws SwarmError bad-request, not-found
 */
export const readLadder = async (given: string): Promise<Ladder> => {
  if (isPreset(given)) return copyOfPreset(given);
  const presets = ladderPresetNames.join(', ');
  const found = await stat(given).catch(() => null);
  if (!found?.isFile()) {
    throw new SwarmError(
      'not-found',
      `${given} is neither a file nor a preset.`,
      `Name a file in YAML or JSON, or one of ${presets}.`,
    );
  }
  if (found.size > MOST_BYTES)
    throw refuse(given, [`it has ${found.size} bytes, at most ${MOST_BYTES} are read`]);
  return parseLadder(given, await readFile(given, 'utf8'));
};

/** A ladder as its file says it. */
export const ladderFileOf = ({ ladder, viewersPerRung }: Ladder): LadderFile => ({
  renditions: ladder.map((rendition, i) => ({
    ...rendition,
    fromViewers: i === 0 ? 0 : (viewersPerRung[i - 1] ?? 0),
  })),
});
