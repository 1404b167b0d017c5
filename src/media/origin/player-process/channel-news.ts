import type { ChannelMedia } from '../channel-media';
import type { ListedLedger, ListedPartials } from '../listed-media';
import type { PlayedChannel, PlayedState } from '../played-channel';
import type { LedgerRecord } from '../records';
import type { ChannelNews, PartialsNews } from './messages';

/** What a players' process was told of a channel. */
export interface Told {
  channel: PlayedChannel<ChannelMedia>;
  state: PlayedState;
  ledger: { of: ListedLedger; generation: number; nextGop: number };
  /** GOPs of which it is to be told whether they are stored. */
  touched: Set<number>;
  open: { gop: number; token: number; run: string; partials: number } | null;
  wholeGops: Set<number>;
}

const endOf = (ledger: ListedLedger): number => (ledger.last ? ledger.last.gop + 1 : 0);

/** The same run, which has grown at its end at most. */
const goesOn = (told: Told['ledger'] | undefined, ledger: ListedLedger): boolean =>
  told?.of === ledger && told.generation === ledger.generation;

export const isSameState = (a: PlayedState, b: PlayedState): boolean =>
  a.onAir === b.onAir &&
  a.isCurrent === b.isCurrent &&
  a.gopDurationTicks === b.gopDurationTicks &&
  a.framesPerSecond === b.framesPerSecond &&
  a.token === b.token &&
  a.hasOwner === b.hasOwner &&
  a.nextGop === b.nextGop;

/** Records of a ledger that was told up to `told`, from its beginning where it is another one. */
export const newRecords = (told: Told['ledger'] | undefined, ledger: ListedLedger): LedgerRecord[] =>
  goesOn(told, ledger) ? ledger.range(told!.nextGop, Infinity) : ledger.range(0, Infinity);

export const toldLedger = (ledger: ListedLedger, nextGop = endOf(ledger)): Told['ledger'] => ({
  of: ledger,
  generation: ledger.generation,
  nextGop,
});

const partialsNews = (told: Told | undefined, { open, wholeGops }: ListedPartials): PartialsNews => {
  const before = told?.open;
  const isSame =
    open !== null && before?.gop === open.gop && before.token === open.token && before.run === open.run;
  const from = isSame ? before.partials : 0;
  return {
    open: open && { from, gop: { ...open, bytes: open.bytes.map((parts) => parts.slice(from)) } },
    whole: [...wholeGops].flatMap(([gop, partials]) =>
      told?.wholeGops.has(gop) ? [] : [[gop, [...partials]] as PartialsNews['whole'][number]],
    ),
    wholeGops: [...wholeGops.keys()],
  };
};

/**
 * What a players' process does not know yet of a channel.
 * @param told what it was told; undefined: nothing
 * @param ahead the records that it was told ahead of this
 */
export const newsOf = (
  channel: PlayedChannel<ChannelMedia>,
  told: Told | undefined,
  ahead: Told['ledger'] | undefined,
): { news: ChannelNews; told: Told } => {
  const { id, media } = channel;
  // A channel that was removed and added again is another object.
  const before = told?.channel === channel ? told : undefined;
  const { ledger, partials } = media;
  const state = { ...channel.state };
  const isNewLedger = !goesOn(before?.ledger, ledger);
  const isTold = ahead !== undefined && goesOn(ahead, ledger);
  const touched = before?.touched ?? media.watchStored();
  const seen = before ? [...touched] : media.storedGops;
  touched.clear();
  const open = partials?.open;
  return {
    news: {
      ...{ id, state, directory: media.directory, isNew: before === undefined },
      ledger: {
        isNew: isNewLedger,
        goesOnFromAhead: isTold,
        records: newRecords(isTold ? ahead : before?.ledger, ledger),
        firstGop: ledger.first?.gop ?? null,
      },
      came: seen.filter((gop) => media.has(gop)),
      went: seen.filter((gop) => !media.has(gop)),
      ...(partials && { partials: partialsNews(before, partials) }),
    },
    told: {
      ...{ channel, state, touched },
      ledger: toldLedger(ledger),
      open: open ? { gop: open.gop, token: open.token, run: open.run, partials: open.partials.length } : null,
      wholeGops: new Set(partials?.wholeGops.keys()),
    },
  };
};
