import {
  SPLICE_TOLERANCE_TICKS,
  SwarmError,
  TICKS_PER_SECOND,
  cutsAmong,
  type Splice,
  type SpliceRequest,
} from '../../domain';
import { spliceInsertSection, unwrapTicks, type SpliceMessage } from '../mpegts';

/** Splices that are known at one time: a channel has one or two. */
const MOST_SPLICES = 32;
/** A message that names a time farther ahead than this means another one. */
const FARTHEST_TICKS = 12 * 3600 * TICKS_PER_SECOND;
/** How far ahead an operator's splice is set if he does not say: as far as SCTE 35 (§11.1) asks of a sender. */
const USUAL_NOTICE_MS = 4_000;

/**
 * segmentation_type_id (SCTE 35 §10.3.3.1, table 23) of what takes a viewer out of the programme: break, advertisement
 * and placement opportunity of provider and distributor, blocks of advertisements. Each ends with the number after it.
 */
const BREAK_STARTS = new Set([0x22, 0x30, 0x32, 0x34, 0x36, 0x44, 0x46]);

/** Where a channel stands, in channel time. */
export interface PlanClock {
  /** The newest picture. */
  nowTicks: number;
  /** The first GOP that is not sealed. */
  openTicks: number;
}

type Insert = Extract<SpliceMessage, { command: 'insert'; cancelled: false }>;
type Signal = Extract<SpliceMessage, { command: 'signal' }>;

const isOpen = ({ kind, endTicks }: Splice, atTicks: number): boolean =>
  kind === 'break' && (endTicks === undefined || endTicks > atTicks);

/**
 * What is to be cut in a channel, and why: breaks and marks from the contribution's SCTE-35 messages and from operators.
 * Pure: the caller keeps it on the disk.
 */
export class SplicePlan {
  private splices: Splice[];
  /** Messages taken since the start, and those that were set aside: malformed, too late, or too many. */
  readonly counts = { taken: 0, setAside: 0 };

  constructor(known: readonly Splice[] = []) {
    this.splices = [...known];
  }

  get known(): readonly Splice[] {
    return this.splices;
  }

  /** Takes a message of the contribution; false: it changes nothing. */
  take(message: SpliceMessage, section: Buffer, clock: PlanClock): boolean {
    if (message.command === 'other') return false;
    const before = JSON.stringify(this.splices);
    const isTaken =
      message.command === 'signal'
        ? this.takeSignal(message, section.toString('hex'), clock)
        : message.cancelled
          ? this.cancel(({ eventId, typeId }) => eventId === message.eventId && typeId === undefined, clock)
          : this.takeInsert(message, section.toString('hex'), clock);
    this.counts[isTaken ? 'taken' : 'setAside'] += 1;
    return JSON.stringify(this.splices) !== before;
  }

  /** Takes what another relay knows of the same channel; false: nothing of it is new. */
  adopt(splices: readonly Splice[]): boolean {
    const before = JSON.stringify(this.splices);
    for (const splice of splices) {
      const known = this.splices.find(({ id }) => id === splice.id);
      if (known) this.put({ ...splice, ...known });
      else if (this.splices.length < MOST_SPLICES) this.splices.push(splice);
    }
    return JSON.stringify(this.splices) !== before;
  }

  /** A message that could not be read. */
  setAside(): void {
    this.counts.setAside += 1;
  }

  /**
   * Takes what an operator asks for.
   * @throws SwarmError conflict where there is no break to end, or the time has passed; at-capacity-limit
   */
  ask(request: SpliceRequest, clock: PlanClock, wallMs: number): Splice {
    const aheadMs = request.atMs === undefined ? (request.inMs ?? USUAL_NOTICE_MS) : request.atMs - wallMs;
    if (aheadMs * 90 > FARTHEST_TICKS)
      throw new SwarmError('conflict', 'That time is more than 12 h ahead.', 'Ask for it later.');
    if (aheadMs < 0)
      throw new SwarmError(
        'conflict',
        'That time has passed.',
        'Give a time that is still to come, or none.',
      );
    const ticks = clock.nowTicks + Math.max(SPLICE_TOLERANCE_TICKS + 1, Math.round(aheadMs * 90));
    return request.kind === 'out' ? this.askOut(request, ticks) : this.askReturn(request, ticks);
  }

  /** Times at which segments are to begin, from a channel time on, ascending. */
  cutTicks(fromTicks: number): number[] {
    const times = this.splices.flatMap(({ atTicks, endTicks }) => [atTicks, endTicks ?? atTicks]);
    return [...new Set(times)].filter((ticks) => ticks >= fromTicks).sort((a, b) => a - b);
  }

  /**
   * A GOP is complete: what falls into it is moved to the picture at which it takes place. Returns what the GOP's ledger
   * says: the splices in force at some time in it, as far as they have come to pass.
   * @param ptsTicks of its pictures, ascending
   */
  settle(
    fromTicks: number,
    toTicks: number,
    ptsTicks: readonly number[],
  ): { cutTicks?: number[]; splices?: Splice[] } {
    const cutTicks = cutsAmong(ptsTicks, this.cutTicks(fromTicks));
    const placed = (ticks: number): number =>
      ticks < fromTicks || ticks >= toTicks
        ? ticks
        : (ptsTicks.find((pts) => pts >= ticks - SPLICE_TOLERANCE_TICKS) ?? toTicks);
    this.splices = this.splices.map((splice) => ({
      ...splice,
      atTicks: placed(splice.atTicks),
      ...(splice.endTicks !== undefined && { endTicks: placed(splice.endTicks) }),
    }));
    const splices = this.splices
      .filter(
        ({ kind, atTicks, endTicks = Infinity }) =>
          atTicks < toTicks && (kind === 'mark' ? atTicks >= fromTicks : endTicks >= fromTicks),
      )
      .map((splice) => passed(splice, toTicks));
    return { ...(cutTicks.length > 0 && { cutTicks }), ...(splices.length > 0 && { splices }) };
  }

  /** Forgets what is over before a channel time. Returns false if there is nothing. */
  forgetBefore(ticks: number): boolean {
    const kept = this.splices.filter(({ kind, atTicks, endTicks = Infinity }) =>
      kind === 'mark' ? atTicks >= ticks : endTicks >= ticks,
    );
    const isChanged = kept.length < this.splices.length;
    this.splices = kept;
    return isChanged;
  }

  private takeInsert(message: Insert, command: string, clock: PlanClock): boolean {
    const { eventId, out, durationTicks, autoReturn } = message;
    const time = timeOf(message.ptsTicks, clock);
    if (!time) return false;
    const { ticks, namedTicks } = time;
    const isInsert = (splice: Splice): boolean => splice.typeId === undefined;
    if (!out) {
      const open = this.splices.filter((splice) => isInsert(splice) && isOpen(splice, clock.nowTicks));
      const ended = open.findLast((splice) => splice.eventId === eventId) ?? open.at(-1);
      if (ended) this.put({ ...ended, endTicks: Math.max(ended.atTicks, ticks), endCommand: command });
      return ended !== undefined || this.mark({ eventId, command }, ticks);
    }
    const planned = durationTicks === undefined ? {} : { plannedTicks: durationTicks };
    const end = durationTicks !== undefined && autoReturn ? { endTicks: namedTicks + durationTicks } : {};
    return this.begin({ eventId, ...planned, ...end, command }, ticks, clock);
  }

  private takeSignal(message: Signal, command: string, clock: PlanClock): boolean {
    for (const id of message.cancelledEventIds)
      this.cancel(({ eventId, typeId }) => eventId === id && typeId !== undefined, clock);
    const time = timeOf(message.ptsTicks, clock);
    if (!time) return false;
    const { ticks, namedTicks } = time;
    if (message.segmentations.length === 0)
      return message.cancelledEventIds.length > 0 || this.mark({ eventId: 0, command }, ticks);
    const taken = message.segmentations.map(({ eventId, typeId, durationTicks }) => {
      const planned =
        durationTicks === undefined
          ? {}
          : { plannedTicks: durationTicks, endTicks: namedTicks + durationTicks };
      if (BREAK_STARTS.has(typeId)) return this.begin({ eventId, typeId, ...planned, command }, ticks, clock);
      const ended = BREAK_STARTS.has(typeId - 1)
        ? this.splices.findLast(
            (splice) =>
              splice.eventId === eventId && splice.typeId === typeId - 1 && isOpen(splice, clock.nowTicks),
          )
        : undefined;
      if (ended) this.put({ ...ended, endTicks: Math.max(ended.atTicks, ticks), endCommand: command });
      return ended !== undefined || this.mark({ eventId, typeId, command }, ticks);
    });
    return taken.some((one) => one);
  }

  /**
   * A break begins. One that is announced again (SCTE 35 asks senders to repeat themselves) is the same: its time may
   * change until it begins.
   */
  private begin(splice: Omit<Splice, 'id' | 'kind' | 'atTicks'>, atTicks: number, clock: PlanClock): boolean {
    const { eventId, typeId } = splice;
    const known = this.splices.findLast(
      (s) => s.kind === 'break' && s.eventId === eventId && s.typeId === typeId && isOpen(s, clock.nowTicks),
    );
    if (known) {
      if (known.atTicks > clock.nowTicks) this.put({ id: known.id, ...splice, kind: 'break', atTicks });
      return true;
    }
    // It would be over before it begins.
    if (splice.endTicks !== undefined && splice.endTicks <= atTicks) return false;
    return this.add({ ...splice, kind: 'break', atTicks });
  }

  private mark(splice: Pick<Splice, 'eventId' | 'typeId' | 'command'>, ticks: number): boolean {
    const isKnown = this.splices.some(
      (s) =>
        s.kind === 'mark' &&
        s.atTicks === ticks &&
        s.eventId === splice.eventId &&
        s.typeId === splice.typeId,
    );
    return isKnown || this.add({ ...splice, kind: 'mark', atTicks: ticks });
  }

  private add(splice: Omit<Splice, 'id'>): boolean {
    if (this.splices.length >= MOST_SPLICES) return false;
    const type = splice.typeId === undefined ? 'insert' : splice.typeId.toString(16).padStart(2, '0');
    this.splices.push({ id: `${type}-${splice.eventId}-${splice.atTicks}`, ...splice });
    return true;
  }

  private put(splice: Splice): void {
    this.splices = this.splices.map((known) => (known.id === splice.id ? splice : known));
  }

  /** Only what has not begun can be cancelled (SCTE 35 §9.7.3.1). */
  private cancel(isMeant: (splice: Splice) => boolean, { nowTicks }: PlanClock): boolean {
    const kept = this.splices.filter((splice) => !isMeant(splice) || splice.atTicks <= nowTicks);
    const isCancelled = kept.length < this.splices.length;
    this.splices = kept;
    return isCancelled;
  }

  private askOut({ eventId, durationMs }: Extract<SpliceRequest, { kind: 'out' }>, atTicks: number): Splice {
    const inUse = new Set(this.splices.map((splice) => splice.eventId));
    let id = eventId ?? Math.floor(Date.now() / 1000) % 2 ** 31;
    while (eventId === undefined && inUse.has(id)) id += 1;
    if (inUse.has(id))
      throw new SwarmError('conflict', `There is a break ${id} already.`, 'Give another event id, or none.');
    const durationTicks = durationMs === undefined ? undefined : durationMs * 90;
    const command = spliceInsertSection({ eventId: id, out: true, ptsTicks: atTicks, durationTicks });
    const end =
      durationTicks === undefined ? {} : { plannedTicks: durationTicks, endTicks: atTicks + durationTicks };
    if (!this.add({ kind: 'break', eventId: id, atTicks, ...end, command: command.toString('hex') }))
      throw new SwarmError(
        'at-capacity-limit',
        `${MOST_SPLICES} splices are known already.`,
        'Wait until one of them is over.',
      );
    return this.splices.at(-1)!;
  }

  private askReturn({ eventId }: SpliceRequest, ticks: number): Splice {
    const open = this.splices.filter((splice) => isOpen(splice, ticks) && splice.atTicks < ticks);
    const ended = open.findLast((splice) => eventId === undefined || splice.eventId === eventId);
    if (!ended)
      throw new SwarmError(
        'conflict',
        eventId === undefined ? 'No break is on at that time.' : `Break ${eventId} is not on at that time.`,
        'A break begins with --out.',
      );
    const command = spliceInsertSection({ eventId: ended.eventId, out: false, ptsTicks: ticks });
    const splice = { ...ended, endTicks: ticks, endCommand: command.toString('hex') };
    this.put(splice);
    return splice;
  }
}

/** The first picture after the newest one. */
const atOnce = ({ nowTicks }: PlanClock): number => nowTicks + SPLICE_TOLERANCE_TICKS + 1;

/**
 * Channel time that a message names, and when that can be done: what comes too late is done at once. Undefined if it is
 * no time that can be meant.
 */
const timeOf = (
  ptsTicks: number | undefined,
  clock: PlanClock,
): { namedTicks: number; ticks: number } | undefined => {
  const namedTicks = ptsTicks === undefined ? atOnce(clock) : unwrapTicks(ptsTicks, clock.nowTicks);
  if (Math.abs(namedTicks - clock.nowTicks) > FARTHEST_TICKS) return undefined;
  return { namedTicks, ticks: namedTicks < clock.openTicks ? atOnce(clock) : namedTicks };
};

/** A splice as it can be told when the channel has come to a time: an end still to come may change. */
const passed = (splice: Splice, ticks: number): Splice => {
  if (splice.endTicks === undefined || splice.endTicks < ticks) return splice;
  const { endTicks: _endTicks, endCommand: _endCommand, ...open } = splice;
  return open;
};
