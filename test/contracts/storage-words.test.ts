import { storageProblems, type StorageReport } from '../../src/contracts/health';

const full = (part: string, replicaOf?: 'relay' | 'origin'): StorageReport => ({
  ...{ part, state: 'full', sinceMs: 1, message: 'Make room.', affected: ['ch-1'], damaged: [] },
  ...(replicaOf && { replicaOf }),
});

test.each([
  ['a relay that is alone', full('relay'), 'what arrives is in memory only'],
  ['one of several relays', full('relay-2', 'relay'), 'what arrives is in memory only'],
  ['an origin that is alone', full('origin'), 'nothing new is published until there is room'],
  ['one of several origins', full('north', 'origin'), 'the other origins go on with what it shares'],
  ['any other part', full('worker'), 'what is new is not kept over a restart'],
])('what a full disk of %s means is told', (_what, report, effect) => {
  expect(storageProblems(report)).toEqual([
    expect.stringMatching(`^The disk of the ${report.part} is full \\(ch-1\\): ${effect}.*Make room\\.$`),
  ]);
});

test('one of several that does not answer is told of', () => {
  const away = { ...full('relay-2', 'relay'), state: 'ok' as const, isAway: true };
  expect(storageProblems(away)).toEqual(['relay-2 does not answer: the others go on without it.']);
});
