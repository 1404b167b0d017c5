import type { ChannelChange, ChannelWorkflowState, MoveResult } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain';
import { changeChannel } from '../../workflows/moves/channel-change';

const state = {
  spec: channelWithDefaults('news'),
  ownerEncoderId: 'enc-1',
  rungs: 1,
} as ChannelWorkflowState;
const input = { kind: 'url', url: 'http://camera/live.ts' } as const;

const changed = async (change: ChannelChange): Promise<string[]> => {
  const steps: string[] = [];
  await changeChannel(state, change, {
    register: (spec) => Promise.resolve(void steps.push(`register ${spec.input.kind}`)),
    handoff: ({ spec }) => {
      steps.push(`handoff ${spec.deinterlace ?? 'none'}`);
      return Promise.resolve({ outcome: 'completed' } as MoveResult);
    },
  });
  return steps;
};

test('another input alone moves no session', async () => {
  expect(await changed({ input })).toEqual(['register url']);
});

test('another deinterlacing comes with a handoff, after the input that needs it', async () => {
  expect(await changed({ input, deinterlace: 'frame' })).toEqual(['register url', 'handoff frame']);
  expect(await changed({ deinterlace: 'none' })).toEqual([]);
});
