/** Defaults of the Kubernetes Horizontal Pod Autoscaler (autoscaling/v2). */
export const HPA_DEFAULTS = {
  /** averageUtilization of the CPU where none is given. */
  targetUtilisation: 0.8,
  tolerance: 0.1,
  scaleDownStabilisationSeconds: 300,
  /** Scale-up: the larger of these two per period. */
  scaleUpFactor: 2,
  scaleUpPods: 4,
  periodSeconds: 15,
} as const;

/**
 * The formula of the Horizontal Pod Autoscaler: ceil(replicas x current / target), within a tolerance of no change.
 * Pods that are not ready count as idle when that would lower a scale-up, and are left out otherwise.
 *
 * Source: Kubernetes documentation, Horizontal Pod Autoscaling, "Algorithm details".
 *
 * @param utilisations of the ready replicas, 1 = all that one may carry
 * @param unready replicas that were asked for and are not ready
 * @param replicas the number asked for now
 */
export const desiredReplicas = (
  utilisations: readonly number[],
  unready: number,
  replicas: number,
  { targetUtilisation, tolerance } = HPA_DEFAULTS,
): number => {
  if (utilisations.length === 0) return replicas;
  const sum = utilisations.reduce((total, u) => total + u, 0);
  const ratio = sum / utilisations.length / targetUtilisation;
  if (ratio <= 1 || unready === 0) {
    return Math.abs(ratio - 1) <= tolerance ? replicas : Math.ceil(ratio * utilisations.length - 1e-9);
  }
  const counted = utilisations.length + unready;
  const damped = sum / counted / targetUtilisation;
  return damped < 1 || damped - 1 <= tolerance ? replicas : Math.ceil(damped * counted - 1e-9);
};

/** What one period's scale-up may reach: twice as many, or four more. */
export const scaleUpLimit = (replicas: number): number =>
  Math.max(replicas * HPA_DEFAULTS.scaleUpFactor, replicas + HPA_DEFAULTS.scaleUpPods);

/** Scale-down goes to no less than the highest recommendation of the last 300 s. */
export class ScaleDownWindow {
  private recommendations: { atMs: number; replicas: number }[] = [];

  stabilised(replicas: number, atMs: number): number {
    this.recommendations.push({ atMs, replicas });
    const since = atMs - HPA_DEFAULTS.scaleDownStabilisationSeconds * 1000;
    this.recommendations = this.recommendations.filter((r) => r.atMs > since);
    return Math.max(...this.recommendations.map((r) => r.replicas));
  }
}
