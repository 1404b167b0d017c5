import { dirname, join, normalize } from 'node:path';
import { brokenLinks } from './support/links';
import { anchorsOf, linksOf, pages } from './support/pages';

test('there are pages to look at', () => {
  expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'docs/README.md']));
  expect(pages.length).toBeGreaterThan(50);
});

test.each(pages)('every link of $path leads somewhere in the project', (page) => {
  expect(brokenLinks(page)).toEqual([]);
});

test('a link that leads nowhere is found, of each kind', () => {
  const text = [
    '# A page',
    '[gone](gone.md) [fine](../README.md) [web](https://example.org/x)',
    '[no heading](../README.md#nowhere) [heading](../README.md#try-it) [own](#a-page) [not own](#b-page)',
    '[outside](../../elsewhere.md) [root](/etc/hosts) ![image](images/none.png) `[code](no-link.md)`',
    '```\n[fenced](no-link.md)\n```',
  ].join('\n\n');
  expect(brokenLinks({ path: 'docs/page.md', text })).toEqual([
    'docs/page.md: gone.md leads nowhere',
    'docs/page.md: ../README.md#nowhere has no such heading',
    'docs/page.md: #b-page has no such heading',
    'docs/page.md: ../../elsewhere.md leads out of the project',
    'docs/page.md: /etc/hosts leads out of the project',
    'docs/page.md: images/none.png leads nowhere',
  ]);
});

test('anchors are made as GitHub makes them', () => {
  expect([
    ...anchorsOf('# What `x-y` is, *now*?\n\n## Limits\n\n## Limits\n\n```\n# no heading\n```\n'),
  ]).toEqual(['what-x-y-is-now', 'limits', 'limits-1']);
});

/** Each page of docs/ has a link from another page. */
test('no page is left alone', () => {
  const linked = new Set(pages.flatMap(({ path, text }) => targetsOf(path, text)));
  const alone = pages
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/') && path !== 'docs/README.md' && !linked.has(path));
  expect(alone).toEqual([]);
});

const targetsOf = (path: string, text: string): string[] =>
  linksOf(text)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .map((target) => normalize(join(dirname(path), target.replace(/#.*$/, ''))));
