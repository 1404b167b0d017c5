import type { FleetEncoder } from '../contracts/fleet';
import type { Cordons, EncoderObservation } from '../domain';
import { Slots } from '../platform/slots';
import { choiceAgeMs } from './deadlines';
import type { EncoderDirectory } from './encoder-directory';
import { freshOrNull } from './kept-reading';
import type { EncoderReadings, PartReadings } from './part-readings';

/** Encoders that are asked at the same moment. The time of an answer runs from then on, however large the fleet. */
const ASKED_AT_ONCE = 128;

type ReadEncoder = (readings: EncoderReadings) => ReturnType<EncoderReadings['combined']['get']>;
type Probe = Omit<EncoderObservation, 'cordoned' | 'draining' | 'troubles'>;

/** Looks at every encoder of the fleet, those of a small one at once; a silent one costs the deadline, once. */
export class EncoderProbe {
  private readonly slots = new Slots('encoders are asked', { atOnce: ASKED_AT_ONCE, waiting: Infinity });

  constructor(
    private readonly directory: EncoderDirectory,
    private readonly readings: Pick<PartReadings, 'encoder' | 'keepOnly'>,
  ) {}

  /**
   * @param cordons may still be on their way: the encoders are asked meanwhile
   * @param options.fresh asks all of them now; else looks of the same moment share one, which in a large fleet is a longer one
   */
  async observe(
    cordons: Cordons | Promise<Cordons>,
    troublesOf: (encoderId: string) => number,
    options: { deadlineMs: number; fresh?: boolean },
  ): Promise<EncoderObservation[]> {
    const { deadlineMs, fresh = false } = options;
    // An encoder that another worker has just seen to answer is no request any more: it must not be missing here.
    if (fresh) await this.directory.refresh();
    const fleet = await this.directory.list();
    this.readings.keepOnly(fleet);
    // A host that starts for the first time is a request under way, not an encoder that went silent.
    const expected = fleet.filter((encoder) => encoder.state !== 'starting' || this.hasEverAnswered(encoder));
    const look: ReadEncoder = ({ combined }) =>
      fresh
        ? combined.now({ deadlineMs })
        : combined.get({
            ...{ deadlineMs, insists: true },
            // One that was silent is asked again as soon as in a small fleet.
            ...(!combined.last.fault && { maxAgeMs: choiceAgeMs(expected.length) }),
          });
    const [probes, inForce] = await Promise.all([
      Promise.all(expected.map((encoder) => this.probe(encoder, look))),
      cordons,
    ]);
    return probes.map((probe) => ({
      ...probe,
      cordoned: inForce[probe.id] !== undefined,
      draining: inForce[probe.id]?.draining ?? false,
      troubles: troublesOf(probe.id),
    }));
  }

  /**
   * Asks those encoders once more that a decision rests on and that were silent, and waits longer for them: a
   * connection to a host that was restarted comes back within a second or two, and a busy host answers late.
   */
  async insist(
    observed: EncoderObservation[],
    isNeeded: (encoder: EncoderObservation, hasEverAnswered: boolean) => boolean,
    deadlineMs: number,
  ): Promise<EncoderObservation[]> {
    const isSilent = (e: EncoderObservation): boolean => !e.reachable && isNeeded(e, this.hasEverAnswered(e));
    if (!observed.some(isSilent)) return observed;
    const fleet = new Map((await this.directory.list()).map((encoder) => [encoder.id, encoder]));
    const look: ReadEncoder = ({ combined }) => combined.apart({ deadlineMs, waitForReady: true });
    return Promise.all(
      observed.map(async (seen) => {
        const encoder = isSilent(seen) && fleet.get(seen.id);
        return encoder ? { ...seen, ...(await this.probe(encoder, look)) } : seen;
      }),
    );
  }

  private hasEverAnswered(encoder: Pick<FleetEncoder, 'id' | 'grpcAddress'>): boolean {
    return this.readings.encoder(encoder).combined.last.value !== null;
  }

  private async probe(encoder: FleetEncoder, look: ReadEncoder): Promise<Probe> {
    const readings = this.readings.encoder(encoder);
    // Also what seems constant is asked each time: a build that was changed a moment ago decides over a handoff.
    const seen = freshOrNull(await this.slots.run(() => look(readings)));
    return seen
      ? { ...seen.info, reachable: true, telemetry: seen.telemetry }
      : { ...readings.infoOr(encoder), reachable: false };
  }
}
