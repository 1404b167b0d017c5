import { Slots } from '../../src/platform/slots';

/** Work that ends when it is told to. */
const held = (): { work: () => Promise<string>; end: () => void; began: () => boolean } => {
  let begun = false;
  let end: () => void = () => undefined;
  const done = new Promise<string>((resolve) => (end = () => resolve('done')));
  return {
    work: () => {
      begun = true;
      return done;
    },
    end: () => end(),
    began: () => begun,
  };
};
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('so many run at once; others wait in turn, and are let in as places become free', async () => {
  const slots = new Slots('probes run', { atOnce: 2, waiting: 10 });
  const works = [held(), held(), held(), held()];
  const answers = works.map(({ work }) => slots.run(work));
  await settled();
  expect(works.map(({ began }) => began())).toEqual([true, true, false, false]);
  works[1]!.end();
  await settled();
  expect(works.map(({ began }) => began())).toEqual([true, true, true, false]);
  for (const { end } of works) end();
  expect(await Promise.all(answers)).toEqual(['done', 'done', 'done', 'done']);
});

test('work that fails gives its place free', async () => {
  const slots = new Slots('probes run', { atOnce: 1, waiting: 10 });
  await expect(slots.run(() => Promise.reject(new Error('no video')))).rejects.toThrow('no video');
  expect(await slots.run(() => Promise.resolve('next'))).toBe('next');
});

test('too many that wait are refused', async () => {
  const slots = new Slots('probes run', { atOnce: 1, waiting: 1 });
  const first = held();
  const running = slots.run(first.work);
  const waiting = slots.run(() => Promise.resolve('second'));
  await expect(slots.run(() => Promise.resolve('third'))).rejects.toMatchObject({
    code: 'unavailable',
    message: 'Too many probes run at the same time.',
  });
  first.end();
  expect(await Promise.all([running, waiting])).toEqual(['done', 'second']);
});
