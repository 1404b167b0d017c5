import {
  SwarmError,
  channelWithDefaults,
  defaultChannel,
  ladderFor,
  unitsForAudience,
} from '../../src/domain';
import { channelsFromInputs } from '../../src/launch/channels-from-inputs';
import { inputFacts } from '../support/wire';

const url = (id: string) => channelWithDefaults(id, { kind: 'url', url: `/films/${id}.mp4` });

test('each input of its own gives its channel rate and ladder; the others stay as they are', async () => {
  const look = jest.fn((asked: string) =>
    Promise.resolve(
      asked.includes('hd')
        ? inputFacts({ widthPx: 1280, heightPx: 720, frameRate: '30000/1001' })
        : inputFacts({ widthPx: 320, heightPx: 180, frameRate: '25' }),
    ),
  );
  const given = [channelWithDefaults('ch-1'), url('hd'), url('small')];
  const [generated, hd, small] = await channelsFromInputs(given, { look }, 32);
  expect(generated).toEqual({ spec: given[0], notes: [] });
  expect(hd!.spec).toMatchObject({ id: 'hd', input: given[1]!.input, framesPerSecond: '30000/1001' });
  expect(hd!.spec.ladder.at(-1)).toMatchObject({ widthPx: 1280, heightPx: 720 });
  expect(small!.spec.ladder.at(-1)).toMatchObject({ widthPx: 320, heightPx: 180 });
  expect(look).toHaveBeenCalledTimes(2);
});

test('the default channel with sound keeps its ladder, which leaves room for another channel on its encoder', async () => {
  const ch6 = defaultChannel('ch-6');
  const [kept] = await channelsFromInputs([ch6], { look: () => Promise.reject(new Error('no input')) }, 4.8);
  expect(kept).toEqual({ spec: ch6, notes: [] });
  expect(ch6.input).toMatchObject({ kind: 'generated', sound: 'stereo' });
  expect(ladderFor(ch6, 0)).toHaveLength(2);
  expect(unitsForAudience(ch6, 0) + unitsForAudience(defaultChannel('ch-1'), 0)).toBeLessThanOrEqual(4.8);
});

test('what an encoder does not carry is left out, and said', async () => {
  const look = () => Promise.resolve(inputFacts({ widthPx: 1280, heightPx: 720, frameRate: '25' }));
  const [hd] = await channelsFromInputs([url('hd')], { look }, 4.8);
  expect(hd!.spec.ladder.every(({ heightPx }) => heightPx < 720)).toBe(true);
  expect(hd!.notes.join()).toContain('--encoder-units');
});

test.each([
  new SwarmError('input-not-video', 'It is text.'),
  new SwarmError('timeout', 'The source did not answer.'),
])(
  'an input that can not be looked at ($code) stops nothing: its channel is as it was given',
  async (refusal) => {
    const [film] = await channelsFromInputs([url('film')], { look: () => Promise.reject(refusal) }, 32);
    expect(film!.spec).toEqual(url('film'));
  },
);
