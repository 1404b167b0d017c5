import { LiveInput } from '../../bench/chaos/live-input';
import { until } from '../support/until';

/** Reads the input until it breaks off. */
const read = (url: string) => {
  const reading = { bytes: 0, isOver: false };
  void (async () => {
    try {
      const { body } = await fetch(url);
      for await (const chunk of body as AsyncIterable<Uint8Array>) reading.bytes += chunk.length;
    } catch {
      // Broken off, or not let in.
    }
    reading.isOver = true;
  })();
  return reading;
};

test('a live input is read, goes away, comes back, falls silent and goes on', async () => {
  const input = await LiveInput.start('ffmpeg');
  try {
    const first = read(input.url);
    await until('it is read', () => first.bytes > 0);
    expect(input.hasReaders).toBe(true);

    let comeBack = input.leave('away');
    await until('its reader is cut off', () => first.isOver);
    const refused = read(input.url);
    await until('new ones are cut off too', () => refused.isOver);
    expect(refused.bytes).toBe(0);
    comeBack();
    await expect(input.untilRead(50)).rejects.toThrow('was not read again');
    const second = read(input.url);
    await input.untilRead(20_000, 200);

    comeBack = input.leave('silent');
    const held = read(input.url);
    await expect(input.untilRead(400, 100)).rejects.toThrow('was not read again');
    expect(held.bytes).toBe(0);
    expect([second.isOver, held.isOver]).toEqual([false, false]);
    const before = second.bytes;
    comeBack();
    await input.untilRead(20_000, 200);
    await until('both are sent pictures', () => second.bytes > before && held.bytes > 0);
  } finally {
    await input.stop();
  }
});
