/**
 * How long one look at the swarm waits for each part, in milliseconds: for the control cycle, the API and the collector
 * alike. A part that takes longer counts as silent.
 */
export const deadlinesMs = {
  /** Origin, relay, source, encoders, disks of the media path, moves under way: one silent part costs no more. */
  observe: 800,
  /** Encoders for the choice of one target. */
  choose: 500,
  /** An encoder that a choice can't do without is asked once more, for so long: the other answer is to refuse. */
  insist: 2_500,
  /** An encoder whose health watch broke: a quick answer shows that it lives. */
  confirm: 500,
  /** An encoder that has just answered, before people are told that it does not. */
  confirmSilence: 2_000,
  /** The fleet agent; its last list stays valid. */
  fleet: 700,
  /** Owners at the origin where something is done to them: it can't be done without. */
  owners: 2_000,
  /** Telemetry store; decisions go on with what was read last. */
  telemetry: 800,
  /** Temporal and the telemetry store for people: no decision waits for that. */
  shown: 2_000,
  /** A whole status, or its charts, for a page. */
  status: 5_000,
  /** Snapshots that are stored; the cycle goes on without. */
  planningRecord: 800,
  /** Central Version Manager; its last answer stays valid. */
  versions: 400,
  /** Policy, cordons and channels of the swarm's workflow: a worker that is new replays it first. */
  swarm: 2_500,
} as const;

/** To ask an encoder costs its asker and a large fleet's network about so much. */
const CHOICE_MS_PER_ENCODER = 5;

/**
 * How old a look at so many encoders may be for a choice. Choices follow one another without a pause in a large cell, and
 * would ask all encoders again and again; what was decided since is known without asking (PendingPlacements).
 */
export const choiceAgeMs = (encoders: number): number =>
  Math.max(keptMs.choice, CHOICE_MS_PER_ENCODER * encoders);

/** A list of channels takes longer to make, to bring and to read the longer it is: about ten times what that takes. */
const LIST_MS_PER_CHANNEL = 0.2;

/** How long a list of so many channels is waited for. */
export const listDeadlineMs = (channels: number): number =>
  deadlinesMs.observe + Math.round(LIST_MS_PER_CHANNEL * channels);

/** Up to so many channels, each choice has a list of its own. */
const CHANNELS_LISTED_ANEW = 500;
/** As often as a control cycle reads it. */
const OLDEST_LIST_MS = 5_000;

/** How old the list of so many channels may be for a choice, which reads its own channel anew in any case. */
export const listAgeMs = (channels: number): number =>
  channels <= CHANNELS_LISTED_ANEW ? 0 : OLDEST_LIST_MS;

/**
 * For how long each reading is taken as it is, in milliseconds, by those who do not ask again. Each a little less than
 * the period at which it is looked at: once a second for the media path, every two for what changes with the cycle.
 */
export const keptMs = {
  origin: 900,
  relay: 900,
  fleet: 900,
  encoderTelemetry: 900,
  /** The same until the host is restarted. */
  encoderInfo: 10_000,
  source: 1_900,
  storage: 1_900,
  swarm: 1_900,
  moves: 1_900,
  forecast: 1_900,
  viewers: 1_900,
  /** Changes once a forecast step. */
  feedback: 5_000,
  /** Decays over minutes. */
  troubles: 4_000,
  /** Choices made at the same moment, as after the loss of an encoder, share one look. */
  choice: 250,
  /** A status, for pages and callers that ask at the same moment. */
  status: 500,
  charts: 2_000,
} as const;
