import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(__dirname, '..', '..', '..');

const LEFT_OUT = new Set([
  'node_modules',
  'dist',
  '.dist-new',
  '.git',
  '.swarm',
  'coverage',
  'chaos-report',
  'reports',
]);

const walk = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : entry.isFile() ? [relative(ROOT, path)] : [];
  });

/** Every file of the project, by its path from the root. */
export const files: readonly string[] = walk(ROOT);

export const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

export interface Page {
  /** From the root of the project. */
  path: string;
  text: string;
}

/** Every page that people read. */
export const pages: readonly Page[] = files
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: textOf(path) }));

export interface Fence {
  language: string;
  lines: string[];
}

/** Fenced blocks of code. */
export const fencesOf = (text: string): Fence[] =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    language,
    lines: body.split('\n').slice(0, -1),
  }));

/** The page without its fenced blocks and comments. */
export const proseOf = (text: string): string =>
  text.replace(/^```[\s\S]*?^```$/gm, '').replace(/<!--[\s\S]*?-->/g, '');

/** Code within sentences. */
export const inlineCodeOf = (text: string): string[] =>
  [...proseOf(text).matchAll(/(`+)([^`][\s\S]*?)\1/g)].map(([, , code = '']) => code.trim());

/** Targets of links and images, those of a title left out. */
export const linksOf = (text: string): string[] =>
  [
    ...proseOf(text)
      .replace(/(`+)[^`][\s\S]*?\1/g, 'code')
      .matchAll(/\]\(([^()\s]+(?:\([^()\s]*\))?)\)/g),
  ].map(([, target = '']) => target);

const slugOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

/** Anchors of the headings of a page, as GitHub makes them. */
export const anchorsOf = (text: string): Set<string> => {
  const seen = new Map<string, number>();
  const anchors = [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)].map(
    ([, heading = '']) => {
      const slug = slugOf(heading.trim());
      const times = seen.get(slug) ?? 0;
      seen.set(slug, times + 1);
      return times === 0 ? slug : `${slug}-${times}`;
    },
  );
  return new Set(anchors);
};
