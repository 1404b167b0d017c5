import { z } from 'zod';
import { ladderUnits, type ChannelSpec } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';

/** Which cell is simulated; the same for the process of its data plane and for the one that measures. */
export const cellSchema = z.object({
  channels: z.int().min(1),
  encoders: z.int().min(1),
});
export type CellSize = z.infer<typeof cellSchema>;

/** The room that encoders have beside what the channels need: a handoff finds a target, and none makes room for it. */
const ROOM = 2.5;

/** One rung whatever the audience: no ladder changes of its own accord, and all moves cost the same. */
export const channelOfCell = (i: number): ChannelSpec => {
  const spec = channelWithDefaults(`ch-${i + 1}`);
  return { ...spec, ladder: spec.ladder.slice(0, 1), viewersPerRung: [] };
};

export const encoderOfCell = (i: number): string => `enc-${i + 1}`;

/** Channels are dealt to encoders in turn. */
export const encoderOfChannel = (i: number, { encoders }: CellSize): string => encoderOfCell(i % encoders);

export const sizeOfEncoders = ({
  channels,
  encoders,
}: CellSize): { capacityUnits: number; maxSessions: number } => {
  const each = Math.ceil(channels / encoders);
  const spec = channelOfCell(0);
  return {
    capacityUnits: Math.ceil(ROOM * each * ladderUnits(spec.ladder, spec.framesPerSecond)) + 2,
    maxSessions: Math.ceil(ROOM * each) + 4,
  };
};
