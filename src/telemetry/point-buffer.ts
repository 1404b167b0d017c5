import type { Point } from './store';

/** A queue of points of limited length; at the limit the oldest are dropped and counted. */
export class PointBuffer {
  private points: Point[] = [];
  dropped = 0;

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.points.length;
  }

  push(points: readonly Point[]): void {
    this.points = this.points.concat(points);
    this.trim();
  }

  take(count: number): Point[] {
    return this.points.splice(0, count);
  }

  /** Gives back what was taken but could not be stored. */
  putBack(points: readonly Point[]): void {
    this.points = [...points, ...this.points];
    this.trim();
  }

  private trim(): void {
    const excess = this.points.length - this.limit;
    if (excess <= 0) return;
    this.points.splice(0, excess);
    this.dropped += excess;
  }
}
