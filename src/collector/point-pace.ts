/**
 * How often series are written, so that a second brings no more points than a bound. In a small cell each series has a point
 * at each poll; in a large one each has its turn every few polls, and the turns are spread evenly.
 */
export class PointPace {
  private poll = 0;
  private stride = 1;

  /** @param mostPoints of one poll */
  constructor(private readonly mostPoints: number) {}

  /** Begins a poll that would write so many points if every series had one. */
  begin(points: number): void {
    this.poll += 1;
    this.stride = Math.max(1, Math.ceil(points / this.mostPoints));
  }

  /** Whether the series in that place of its list is written in this poll. */
  isDue(place: number): boolean {
    return (place + this.poll) % this.stride === 0;
  }
}
