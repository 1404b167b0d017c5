import { SwarmError, movePathInWords, sentence, unmetInWords } from '../../src/domain';
import { cutTo } from '../../src/domain/words';

test.each([
  ['it is late', 'it is late.'],
  ['It is late.', 'It is late.'],
  ['Why?', 'Why?'],
])('%j as a sentence has one full stop', (text, expected) => {
  expect(sentence(text)).toBe(expected);
});

test.each([
  ["ch-1 can't be read: no such file.", "ch-1 can't be read: no such file."],
  ["ch-1 can't be read: no such file..", "ch-1 can't be read: no such file."],
  [
    'enc-1 does not start: it ended with "exit 1".. It runs 7.1.',
    'enc-1 does not start: it ended with "exit 1". It runs 7.1.',
  ],
  // What is no full stop stays as it is.
  ['Waiting...', 'Waiting...'],
  ['/srv/media/.. is no folder of ours.', '/srv/media/.. is no folder of ours.'],
  ['Use a .. b.', 'Use a .. b.'],
])('an error that quotes another one ends with one full stop: %s', (message, expected) => {
  expect(new SwarmError('internal', message).message).toBe(expected);
});

test.each([
  [{ channelId: 'ch-1', encoderId: 'enc-2', why: 'it is full' }, 'ch-1 on enc-2: it is full.'],
  [{ encoderId: 'enc-2', why: 'it is full.' }, 'enc-2: it is full.'],
  [{ why: 'channels will need 12.00 units' }, 'channels will need 12.00 units.'],
])('a need that was not met: %j', (unmet, expected) => {
  expect(unmetInWords(unmet)).toBe(expected);
});

test.each([
  ['enc-1', 'enc-2', 'enc-1 → enc-2'],
  ['enc-1', 'enc-1', 'stays on enc-1'],
  // Refused before it knew where its channel is: that channel may well be on air.
  [null, 'enc-2', 'to enc-2'],
  [null, null, 'to another encoder'],
  ['enc-1', null, 'away from enc-1'],
])('a move from %s to %s is said to go %s', (fromEncoderId, toEncoderId, expected) => {
  expect(movePathInWords({ fromEncoderId, toEncoderId })).toBe(expected);
});

test.each([
  ['a short text stays as it is', 'abc', 'abc'],
  ['one of just the length, too', 'abcde', 'abcde'],
  ['a longer one is cut, and says so', 'abcdef', 'abcd…'],
])('%s', (_, given, expected) => expect(cutTo(5, given)).toBe(expected));

test('an error that quotes megabytes of a third party fits into a signal', () => {
  const error = new SwarmError('internal', 'x'.repeat(4_000_000), 'y'.repeat(4_000_000));
  expect(JSON.stringify(error.toBody()).length).toBeLessThan(3_000);
  expect(error.message).toMatch(/^x+…$/);
  expect(error.hint).toMatch(/^y+…$/);
});
