import { SwarmError } from '../domain';

/** Runs tasks one after the other, in the order in which they came. A task that fails stops no other. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;

  /** @param owner whose tasks they are, such as `origin`, for the refusal once it is stopping */
  constructor(private readonly owner: string) {}

  /** @throws what the task throws; SwarmError unavailable once closed */
  run<T>(task: () => Promise<T>): Promise<T> {
    if (this.closed) {
      return Promise.reject(
        new SwarmError('unavailable', `The ${this.owner} is stopping.`, 'Ask again in a moment.'),
      );
    }
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Runs a last task after all that were queued; later ones are refused. */
  close(task: () => Promise<void>): Promise<void> {
    const result = this.run(task);
    this.closed = true;
    return result;
  }
}
