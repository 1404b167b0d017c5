/** Why an encoder takes no new work. */
export interface Cordon {
  draining: boolean;
  /** A person, or the id of a workflow. */
  by: string;
  atMs: number;
  /** Channels that may come nevertheless. */
  exceptChannels?: string[];
  /** The cordon of people beneath that of a workflow: it stays when the workflow lifts its own. */
  people?: Omit<Cordon, 'people'>;
}

export interface CordonRequest {
  encoderId: string;
  requestedBy: string;
  /** Channels that may come to the encoder nevertheless, as to a canary. */
  exceptChannels?: string[];
}

/** By encoder id. */
export type Cordons = Record<string, Cordon>;

/** Workflows that cordon encoders for as long as they work on them. */
const isWorkflow = (by: string): boolean => /^(rollout|synchronise|scale-in)\//.test(by);

/** People's cordon of an encoder, whether or not a workflow has it in its hands as well. */
const ofPeople = (cordon: Cordon | undefined): Cordon | undefined =>
  cordon && isWorkflow(cordon.by) ? cordon.people : cordon;

/** With one more cordon, or another one. What people asked for and what a workflow needs are kept apart. */
export const withCordon = (
  cordons: Cordons,
  { encoderId, requestedBy, exceptChannels }: CordonRequest,
  options: { draining: boolean; atMs: number },
): Cordons => {
  const known = cordons[encoderId];
  const cordon: Cordon = { ...options, by: requestedBy, ...(exceptChannels && { exceptChannels }) };
  if (isWorkflow(requestedBy)) {
    const people = ofPeople(known);
    return { ...cordons, [encoderId]: { ...cordon, ...(people && { people }) } };
  }
  const isHeld = known !== undefined && isWorkflow(known.by);
  return { ...cordons, [encoderId]: isHeld ? { ...known, people: cordon } : cordon };
};

/**
 * With a cordon lifted. A workflow lifts its own. People lift that of people, whoever it was, and a workflow's where
 * there is no other: one that was terminated leaves it behind.
 */
export const withoutCordon = (cordons: Cordons, { encoderId, requestedBy }: CordonRequest): Cordons => {
  const { [encoderId]: known, ...others } = cordons;
  if (!known) return cordons;
  const { people, ...own } = known;
  if (!isWorkflow(requestedBy)) return people ? { ...others, [encoderId]: own } : others;
  if (!isWorkflow(known.by)) return cordons;
  return people ? { ...others, [encoderId]: people } : others;
};

/** Without anything for an encoder, such as one that has left. */
export const withoutEncoder = (cordons: Cordons, encoderId: string): Cordons => {
  const { [encoderId]: _gone, ...others } = cordons;
  return others;
};
