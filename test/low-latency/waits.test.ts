import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { PlayerWaits } from '../../src/media/origin/blocking-reload';
import { ChangeSignal } from '../../src/media/origin/change-signal';
import type { PlayedChannel } from '../../src/media/origin/played-channel';

/** Players that wait in vain. */

const changes = new ChangeSignal();
const channel = {
  ...{ id: 'ch-1', targetSeconds: 0.02, mayCome: () => true },
  nextChange: (signal: AbortSignal) => changes.next(signal),
} as unknown as PlayedChannel;
const wait = (waits: PlayerWaits): Promise<void> =>
  waits.untilPublic({ ip: '10.0.0.1' } as Request, new EventEmitter() as unknown as Response, channel, {
    ...{ gop: 1, index: 0, token: 1 },
  });

test('who waits for what does not come is told so', async () => {
  await expect(wait(new PlayerWaits(4))).rejects.toMatchObject({
    ...{ code: 'unavailable', message: 'What was asked for did not come in time.' },
  });
});

test('who gives way to others is told that there are too many', async () => {
  const waits = new PlayerWaits(1);
  const first = expect(wait(waits)).rejects.toMatchObject({ message: /^Too many players wait/ });
  await expect(wait(waits)).rejects.toMatchObject({ message: /in time/ });
  await first;
});
