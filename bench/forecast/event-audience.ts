import { seededRandom } from '../../src/domain';

/** An hourly audience that known events drive. */
export interface EventAudience {
  id: string;
  stepSeconds: number;
  startMs: number;
  /** Viewers per hour. */
  viewers: number[];
  /** Announced level of the event that goes on in each hour; 0: none. */
  levels: number[];
}

const HOURS_PER_DAY = 24;
const DAYS_PER_WEEK = 7;
/** A Thursday, 00:00 UTC. */
const START_MS = Date.UTC(2026, 0, 1);
/** Share of an event's draw that is there in the hour before it and in the hour after it. */
const EARLY_SHARE = 0.3;
const LATE_SHARE = 0.25;

/** Standard normal numbers (Box and Muller). */
const normalNumbers = (random: () => number) => (): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** A usual day: low at 4, a shoulder at noon, prime time at 20; stronger evenings on Friday to Sunday. */
const usualShape = (hour: number, weekday: number): number => {
  const evening = Math.exp(-(((hour - 20) / 3) ** 2));
  const noon = Math.exp(-(((hour - 12.5) / 3.5) ** 2));
  const weekend = weekday >= 5 ? 1.3 : 1;
  return 0.12 + 0.45 * noon * (weekday >= 5 ? 1.5 : 1) + weekend * evening;
};

/**
 * Channels whose audience is a daily and weekly habit, a slow drift, and matches or shows at changing hours, three to
 * seven a week, 2 to 4 hours long. What is announced is a level; what an event draws is that level times what this
 * channel's audience makes of it, give or take a quarter. Viewers come in the hour before and leave in the hour after.
 */
export const generateEventAudiences = (options: {
  seed: number;
  channels: number;
  weeks: number;
}): EventAudience[] => {
  const random = seededRandom(options.seed);
  const normal = normalNumbers(random);
  const hours = options.weeks * DAYS_PER_WEEK * HOURS_PER_DAY;
  return Array.from({ length: options.channels }, (_, channel) => {
    const size = 10 ** (2 + 3 * random());
    const worth = 1 + 2 * random();
    const eventsPerDay = (3 + 4 * random()) / DAYS_PER_WEEK;
    const levels = new Array<number>(hours).fill(0);
    const draw = new Float64Array(hours);
    for (let day = 0; day < hours / HOURS_PER_DAY; day++) {
      if (random() > eventsPerDay) continue;
      const begin = day * HOURS_PER_DAY + 12 + Math.floor(9 * random());
      const end = Math.min(hours, begin + 2 + Math.floor(3 * random()));
      const level = Number((0.4 + 1.6 * random()).toFixed(1));
      const drawn = worth * level * Math.exp(0.25 * normal());
      for (let hour = begin; hour < end; hour++) {
        levels[hour] = level;
        draw[hour]! += drawn;
      }
      draw[begin - 1]! += EARLY_SHARE * drawn;
      if (end < hours) draw[end]! += LATE_SHARE * drawn;
    }
    let [drift, noise] = [0, 0];
    const viewers = Array.from({ length: hours }, (_, hour) => {
      drift = 0.999 * drift + 0.01 * normal();
      noise = 0.7 * noise + 0.05 * normal();
      const weekday = (Math.floor(hour / HOURS_PER_DAY) + 3) % DAYS_PER_WEEK;
      const usual = usualShape(hour % HOURS_PER_DAY, weekday);
      return Math.round(size * usual * (1 + draw[hour]!) * Math.exp(drift + noise));
    });
    return { id: `channel-${channel + 1}`, stepSeconds: 3_600, startMs: START_MS, viewers, levels };
  });
};
