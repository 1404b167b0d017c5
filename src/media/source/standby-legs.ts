import { PRIMARY, SLATE, backupName, ticksToSeconds, type Standby, type UrlInput } from '../../domain';
import { startInputOf, type InputTools, type StartInput } from './contribution-inputs';
import { InputLeg, type InputLegOptions } from './input-leg';
import type { SourceChannelSpec } from './kept-channel';
import type { ChoiceRules } from './leg-choice';
import { slateFile } from './slate';

const LOSS_MS = 800;
const BACK_AFTER_SECONDS = 30;
/** How late pictures may be in the relay. */
const SPARE_MS = 1_000;

/** By which the budget knows each input of a channel. */
export const legIdsOf = ({ id, standby }: SourceChannelSpec): string[] => [
  id,
  ...(standby?.backups ?? []).map((_, i) => `${id}/${backupName(i)}`),
  ...(standby?.slate === undefined ? [] : [`${id}/${SLATE}`]),
];

/** All inputs of a channel that are named by a URL, the slate among them. */
export const urlInputsOf = ({ input, standby }: SourceChannelSpec): UrlInput[] => [
  ...(input.kind === 'url' ? [input] : []),
  ...(standby?.backups ?? []),
  ...(standby?.slate === undefined || standby.slate === 'plain' ? [] : [standby.slate]),
];

export const rulesOf = ({ standby = {}, gopDurationTicks }: SourceChannelSpec): ChoiceRules => {
  const { backAfterSeconds = BACK_AFTER_SECONDS } = standby;
  return {
    backAfterMs: backAfterSeconds === null ? null : backAfterSeconds * 1_000,
    leastSoundMs: ticksToSeconds(gopDurationTicks) * 1_000 + SPARE_MS,
  };
};

/** A slate is made when it is wanted first. */
const slateStart =
  (
    spec: SourceChannelSpec,
    slate: NonNullable<Standby['slate']>,
    tools: InputTools & { stateDir: string },
  ): StartInput =>
  async (nextGop, signal, onFrames) => {
    const url = await slateFile(slate, spec, tools, signal);
    return startInputOf({ ...spec, input: { kind: 'url', url } }, tools)(nextGop, signal, onFrames);
  };

/** Opens all inputs of a channel, in the order of preference. @param startPrimary with what a look at it has found */
export const openLegs = (
  spec: SourceChannelSpec,
  tools: InputTools & { stateDir: string },
  common: Pick<InputLegOptions, 'heldBytes' | 'onChange'> & {
    startPrimary: StartInput;
    onFrames: (name: string, count: number) => void;
  },
): InputLeg[] => {
  const { standby = {} } = spec;
  const { backups = [], slate, lossMs = LOSS_MS } = standby;
  const { heldBytes, onChange, startPrimary } = common;
  const leg = (
    name: string,
    input: UrlInput | SourceChannelSpec['input'],
    startInput: StartInput,
  ): InputLeg =>
    new InputLeg({
      ...{ name, startInput, heldBytes, onChange, lossMs },
      ...{ ffmpeg: tools.ffmpeg, log: tools.log },
      isSlate: name === SLATE,
      spec: { ...spec, input },
      limits: name === SLATE ? {} : standby,
      onFrames: (count) => common.onFrames(name, count),
    });
  const startOf = (input: UrlInput): StartInput => startInputOf({ ...spec, input }, tools, undefined, true);
  return [
    leg(PRIMARY, spec.input, startPrimary),
    ...backups.map((input, i) => leg(backupName(i), input, startOf(input))),
    ...(slate === undefined
      ? []
      : [
          leg(SLATE, slate === 'plain' ? { kind: 'url', url: slate } : slate, slateStart(spec, slate, tools)),
        ]),
  ];
};
