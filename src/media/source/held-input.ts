import type { Writable } from 'node:stream';
import type { RelayChannel } from '../../contracts/relay';
import { SwarmError, ticksOf, type FrameRate } from '../../domain';
import type { RunningInput } from './contribution-inputs';
import { ContributionSpool } from './contribution-spool';

/** Where a relay wants a contribution to go on. */
export type ResumePoint = Pick<RelayChannel, 'nextGop' | 'resumeSourceTicks'>;

/** An input that runs on while the relay is away, as what it brings can't be had again. */
export class HeldInput {
  private readonly spool: ContributionSpool;
  private readonly toleranceTicks: number;
  /** GOP for which its first picture was meant. */
  private firstGop: number | null = null;
  private over = false;
  /** Rejects when what ffmpeg brings is not a transport stream. */
  readonly failure: Promise<never>;

  constructor(
    readonly running: RunningInput,
    rate: FrameRate,
    maxBytes: () => number,
  ) {
    this.spool = new ContributionSpool(maxBytes);
    this.toleranceTicks = ticksOf(1, rate) / 2;
    const { output, exited } = running.ffmpeg;
    const garbage = new Promise<never>((_resolve, reject) => {
      output.on('data', (chunk: Buffer) => {
        try {
          this.spool.push(chunk);
        } catch (error) {
          reject(new SwarmError('input-ended', `The input broke: ${(error as Error).message}`));
        }
      });
    });
    this.failure = Promise.race([garbage, running.failure]);
    this.failure.catch(() => undefined);
    void exited.then(() => {
      this.over = true;
      this.spool.end();
    });
  }

  /** False once ffmpeg has ended: nothing more will come. */
  get runs(): boolean {
    return !this.over;
  }

  /** Goes on at the relay with the pictures of its next GOP. Settles as ContributionSpool.sendTo. */
  sendTo(stream: Writable, relay: ResumePoint, signal: AbortSignal): Promise<never> {
    const group = this.groupFor(relay);
    this.firstGop ??= relay.nextGop;
    return this.spool.sendTo(stream, group, signal);
  }

  private groupFor({ nextGop, resumeSourceTicks }: ResumePoint): number {
    // Nothing of this input was sealed yet: the relay's clock is that of another one.
    if (this.firstGop === null || nextGop === this.firstGop) return this.spool.oldest;
    if (resumeSourceTicks === null) return this.spool.newest;
    return this.spool.groupAt(resumeSourceTicks, this.toleranceTicks);
  }
}
