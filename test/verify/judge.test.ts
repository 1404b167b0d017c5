import { judge, type Expectation, type ShownFrame } from '../../src/verify/judge';

/** GOPs 2 to 4 of 5 frames each: frames 10 to 24. */
const expected = (over: Partial<Expectation> = {}): Expectation => ({
  firstGop: 2,
  lastGop: 4,
  gaps: new Set(),
  framesPerGop: 5,
  ...over,
});
const frames = (from: number, to: number): ShownFrame[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ counter: from + i, place: from + i }));
const all = frames(10, 24);
const sound = { lost: 0, repeated: 0, invalid: 0, problems: [] };

test('every frame once and in order is sound', () => {
  expect(judge(all, expected())).toEqual(sound);
});

test('the run of one GOP, and of none that was declared a gap, is sound', () => {
  expect(judge(frames(10, 14), expected({ lastGop: 2 }))).toEqual(sound);
  expect(judge([...frames(10, 14), ...frames(20, 24)], expected({ gaps: new Set([3]) }))).toEqual(sound);
});

describe('lost', () => {
  test.each([
    ['the first frame', 10, 10, 'frame 10 (GOP 2): missing'],
    ['the last frame', 24, 24, 'frame 24 (GOP 4): missing'],
    ['a frame amid a GOP', 12, 12, 'frame 12 (GOP 2): missing'],
    ['frames of one GOP', 11, 13, 'frames 11-13 (GOP 2): missing'],
    ['a run across GOPs', 14, 20, 'frames 14-20 (GOPs 2-4): missing'],
  ])('%s', (_, from, to, problem) => {
    const shown = all.filter(({ place }) => place < from || place > to);
    expect(judge(shown, expected())).toEqual({ ...sound, lost: to - from + 1, problems: [problem] });
  });

  test('nothing shown: all frames but those of a gap', () => {
    expect(judge([], expected({ gaps: new Set([3]) }))).toEqual({
      ...sound,
      lost: 10,
      problems: ['frames 10-14 (GOP 2): missing', 'frames 20-24 (GOP 4): missing'],
    });
  });

  test('is counted in full, but at most four places are told', () => {
    const shown = all.filter(({ place }) => place % 2 === 1);
    expect(judge(shown, expected())).toEqual({
      ...sound,
      lost: 8,
      problems: [
        ...[10, 12, 14, 16].map((n) => `frame ${n} (GOP ${Math.floor(n / 5)}): missing`),
        'missing: 4 more places',
      ],
    });
    const four = all.filter(({ place }) => ![10, 12, 14, 16].includes(place));
    expect(judge(four, expected()).problems).toHaveLength(4);
  });
});

describe('repeated', () => {
  test('a frame shown again counts once for each time', () => {
    const shown = [...frames(10, 12), ...frames(12, 12), ...frames(12, 12), ...frames(13, 24)];
    expect(judge(shown, expected())).toEqual({
      ...sound,
      repeated: 2,
      problems: ['frame 12 (GOP 2): shown again, 2 times'],
    });
  });

  test('once is told without a number; a GOP shown again as a run of its frames', () => {
    const one = [...frames(10, 12), ...frames(12, 24)];
    expect(judge(one, expected()).problems).toEqual(['frame 12 (GOP 2): shown again']);
    const gop = [...frames(10, 14), ...frames(10, 14), ...frames(15, 24)];
    expect(judge(gop, expected())).toEqual({
      ...sound,
      repeated: 5,
      problems: ['frames 10-14 (GOP 2): shown again'],
    });
  });

  test('a frame repeated amid a run that is repeated is a place of its own', () => {
    const shown = [
      ...frames(10, 13),
      ...frames(11, 12),
      ...frames(12, 12),
      ...frames(13, 13),
      ...frames(14, 24),
    ];
    expect(judge(shown, expected())).toEqual({
      ...sound,
      repeated: 4,
      problems: ['frames 11-12 (GOP 2): shown again', 'frames 12-13 (GOP 2): shown again'],
    });
    const twiceThenNext = [
      ...frames(10, 12),
      ...frames(12, 12),
      ...frames(12, 12),
      ...frames(13, 13),
      ...frames(13, 24),
    ];
    expect(judge(twiceThenNext, expected()).problems).toEqual([
      'frame 12 (GOP 2): shown again, 2 times',
      'frame 13 (GOP 2): shown again',
    ]);
  });
});

test('the first frame of a run that was repeated, repeated once more, is a place of its own', () => {
  const shown = [...frames(10, 13), ...frames(11, 13), ...frames(11, 11), ...frames(14, 24)];
  expect(judge(shown, expected()).problems).toEqual([
    'frames 11-13 (GOP 2): shown again',
    'frame 11 (GOP 2): shown again',
  ]);
});

describe('invalid', () => {
  test('a frame that proves nothing, and the frame whose place it takes is lost', () => {
    const shown = all.map((f) => (f.place === 12 ? { counter: null, place: 12, fault: 'wrong HMAC' } : f));
    expect(judge(shown, expected())).toEqual({
      lost: 1,
      repeated: 0,
      invalid: 1,
      problems: ['frame 12 (GOP 2): missing', 'frame 12 (GOP 2): wrong HMAC'],
    });
    const unnamed = all.map((f) => (f.place === 12 ? { counter: null, place: 12 } : f));
    expect(judge(unnamed, expected()).problems).toContain('frame 12 (GOP 2): unreadable');
  });

  test('a genuine frame with a fault is shown, not lost', () => {
    const shown = all.map((f) => (f.place === 12 ? { ...f, fault: 'late' } : f));
    expect(judge(shown, expected())).toEqual({
      ...sound,
      invalid: 1,
      problems: ['frame 12 (GOP 2): late'],
    });
  });

  test('frames in the wrong order are shown, but invalid', () => {
    const shown = [...frames(10, 12), ...frames(15, 19), ...frames(13, 14), ...frames(20, 24)];
    expect(judge(shown, expected())).toEqual({
      ...sound,
      invalid: 2,
      problems: ['frames 13-14 (GOP 2): out of order, shown after a later frame'],
    });
  });

  test('a frame that is late and faulty is counted once', () => {
    const shown = [...frames(10, 12), ...frames(14, 24), { counter: 13, place: 13, fault: 'late' }];
    expect(judge(shown, expected())).toEqual({
      ...sound,
      invalid: 1,
      problems: ['frame 13 (GOP 2): out of order, shown after a later frame'],
    });
  });

  test.each([
    ['before the first GOP', 9, 'frame 9 (GOP 1): shown outside of GOPs 2-4'],
    ['after the last GOP', 25, 'frame 25 (GOP 5): shown outside of GOPs 2-4'],
  ])('a frame %s; it makes none of the others late', (_, counter, problem) => {
    const extra = { counter, place: counter };
    expect(judge([extra, ...all], expected())).toEqual({ ...sound, invalid: 1, problems: [problem] });
  });

  test('a frame of a GOP that was declared a gap', () => {
    const shown = [...frames(10, 15), ...frames(20, 24)];
    expect(judge(shown, expected({ gaps: new Set([3]) }))).toEqual({
      ...sound,
      invalid: 1,
      problems: ['frame 15 (GOP 3): shown, though declared a gap'],
    });
  });
});

test('frame 0 of GOP 0 is a frame like any other', () => {
  expect(judge(frames(0, 4), expected({ firstGop: 0, lastGop: 0 }))).toEqual(sound);
});
