import loadHighs from 'highs';
import type { ChannelObservation, EncoderObservation, SwarmSnapshot } from '../../src/domain';
import type { PlacementAudit } from './placement-audit';

type Highs = Awaited<ReturnType<typeof loadHighs>>;

/** Time limit of the solver; what it has proven until then counts. */
const TIME_LIMIT_SECONDS = 60;

export interface Optimum {
  /** Is there a placement within all limits and constraints? Null: the time limit came first. */
  feasible: boolean | null;
  /** Proven lower bound of the objective; equal to the optimum unless the time limit came first. */
  value: number;
  proven: boolean;
}

/** Lines of the model in CPLEX LP format. */
class Model {
  private readonly lines: string[] = [];

  constructor(
    private readonly snapshot: SwarmSnapshot,
    private readonly audit: PlacementAudit,
  ) {
    this.assignments();
    this.limits();
    this.groups();
  }

  private variable(c: number, e: number): string {
    return `x_${c}_${e}`;
  }

  private mayHave(channel: ChannelObservation, encoder: EncoderObservation): boolean {
    return channel.owner?.encoderId === encoder.id
      ? this.audit.pinBreaches(channel, encoder).length === 0
      : this.audit.allows(channel, encoder);
  }

  /** Calls back for each place that a channel may have. */
  private places(visit: (c: number, e: number, stays: boolean) => void): void {
    this.snapshot.channels.forEach((channel, c) =>
      this.snapshot.encoders.forEach((encoder, e) => {
        if (this.mayHave(channel, encoder)) visit(c, e, channel.owner?.encoderId === encoder.id);
      }),
    );
  }

  private collect(keyOf: (c: number, e: number, stays: boolean) => string | null): Map<string, string[]> {
    const sums = new Map<string, string[]>();
    this.places((c, e, stays) => {
      const key = keyOf(c, e, stays);
      if (key !== null) sums.set(key, [...(sums.get(key) ?? []), this.variable(c, e)]);
    });
    return sums;
  }

  private assignments(): void {
    for (const [c, terms] of this.collect((one) => String(one)))
      this.lines.push(` one_${c}: ${terms.join(' + ')} = 1`);
  }

  private limits(): void {
    this.snapshot.encoders.forEach((encoder, e) => {
      const channels = this.snapshot.channels.flatMap((c, i) => (this.mayHave(c, encoder) ? [i] : []));
      if (channels.length === 0) return;
      const names = channels.map((c) => this.variable(c, e));
      for (let k = 0; k < this.audit.steps; k++) {
        const terms = channels.map((c, i) => `${this.needs(c)[k] ?? 0} ${names[i]}`);
        this.lines.push(
          ` load_${e}_${k}: ${terms.join(' + ')} - ${this.audit.limit(encoder.id)} y_${e} <= 1e-6`,
        );
      }
      this.lines.push(` sessions_${e}: ${names.join(' + ')} - ${encoder.maxSessions} y_${e} <= 0`);
    });
  }

  private needs(c: number): number[] {
    return this.audit.needs(this.snapshot.channels[c]?.spec.id ?? '');
  }

  private groups(): void {
    const groupOf = (c: number): string | undefined =>
      this.snapshot.channels[c]?.spec.placement?.redundancyGroup;
    const sums = this.collect((c, e) =>
      groupOf(c) === undefined ? null : `${groupOf(c)}_${this.snapshot.encoders[e]?.zone}`,
    );
    for (const [key, terms] of sums)
      this.lines.push(` apart_${key.replace(/-/g, '_')}: ${terms.join(' + ')} <= 1`);
  }

  /** Where no moves are wanted: those that stay. */
  staying(): string[] {
    return this.collect((_, _e, stays) => (stays ? 'all' : null)).get('all') ?? [];
  }

  encodersUsed(): string[] {
    return this.snapshot.encoders.map((_, e) => `y_${e}`);
  }

  text(objective: string, more: string[] = []): string {
    const binaries = [...this.collect(() => 'all').values()].flat();
    const all = [...binaries, ...this.encodersUsed()].join(' ');
    return `${objective}\nSubject To\n${[...this.lines, ...more].join('\n')}\nBinaries\n ${all}\nEnd\n`;
  }
}

/** The exact optima of small problems: mixed-integer programs, solved by HiGHS. */
export class ExactSolver {
  private constructor(private readonly highs: Highs) {}

  static async load(): Promise<ExactSolver> {
    return new ExactSolver(await loadHighs());
  }

  /** Fewest channels that must move so that every encoder is within its limit and no constraint is broken. */
  fewestMoves(snapshot: SwarmSnapshot, audit: PlacementAudit): Optimum {
    const model = new Model(snapshot, audit);
    const open = model.encodersUsed().map((y, e) => ` open_${e}: ${y} = 1`);
    const answer = this.solve(model.text(`Maximize\n stay: ${model.staying().join(' + ')}`, open));
    return { ...answer, value: snapshot.channels.length - answer.value };
  }

  /** Fewest encoders that carry all channels, whatever moves that takes; of two or more zones two stay in use. */
  fewestEncoders(snapshot: SwarmSnapshot, audit: PlacementAudit): Optimum {
    const model = new Model(snapshot, audit);
    const zones = [...new Set(snapshot.encoders.map((e) => e.zone))];
    const inUse = zones.map((zone, z) => {
      const members = snapshot.encoders.flatMap((e, i) => (e.zone === zone ? [`y_${i}`] : []));
      return ` zone_${z}: ${members.join(' + ')} - z_${z} >= 0`;
    });
    const spread = ` zones: ${zones.map((_, z) => `z_${z}`).join(' + ')} >= ${Math.min(2, zones.length)}`;
    const bounded = zones.map((_, z) => ` most_${z}: z_${z} <= 1`);
    return this.solve(
      model.text(`Minimize\n used: ${model.encodersUsed().join(' + ')}`, [...inUse, spread, ...bounded]),
    );
  }

  private solve(text: string): Optimum {
    const { Status, ObjectiveValue } = this.highs.solve(text, {
      output_flag: false,
      time_limit: TIME_LIMIT_SECONDS,
      mip_rel_gap: 0,
      mip_abs_gap: 0.5,
    });
    const proven = Status === 'Optimal';
    const feasible = proven ? true : Status === 'Infeasible' ? false : null;
    return { feasible, value: Math.round(ObjectiveValue), proven };
  }
}
