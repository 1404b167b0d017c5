/** What dies, and how. Pure: which parts that are is decided by who leads at that moment. */

/** Parts of a swarm of several origins that play a part here, by the names of their processes. */
export interface Roles {
  /** The origin that leads most channels. */
  leadingOrigin: string;
  otherOrigins: readonly string[];
  etcdLeader: string;
  etcdFollowers: readonly string[];
  /** The first one is the one that sessions read from as long as it answers. */
  relays: readonly string[];
}

type Victims = (roles: Roles, choose: <T>(of: readonly T[]) => T) => string[];

const victimsOf = {
  'origin-leader': ({ leadingOrigin }) => [leadingOrigin],
  'origin-other': ({ otherOrigins }, choose) => [choose(otherOrigins)],
  'etcd-leader': ({ etcdLeader }) => [etcdLeader],
  'etcd-follower': ({ etcdFollowers }, choose) => [choose(etcdFollowers)],
  relay: ({ relays }, choose) => [choose(relays)],
  host: ({ leadingOrigin }) => [leadingOrigin, leadingOrigin.replace('origin', 'etcd')],
} satisfies Record<string, Victims>;

type Victim = keyof typeof victimsOf;
export type Kind = `${Victim}-${'kill' | 'stop'}`;

export const KINDS: readonly Kind[] = (Object.keys(victimsOf) as Victim[]).flatMap((victim) => [
  `${victim}-kill` as const,
  `${victim}-stop` as const,
]);

export const signalOf = (kind: Kind): 'SIGKILL' | 'SIGSTOP' =>
  kind.endsWith('-kill') ? 'SIGKILL' : 'SIGSTOP';

/** Names of the parts that die. @param random in [0, 1) */
export const partsOf = (kind: Kind, roles: Roles, random: () => number): string[] => {
  const choose = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const victim = kind.replace(/-(kill|stop)$/, '') as Victim;
  return victimsOf[victim](roles, choose);
};

/** `all`, or kinds with commas between them. @throws Error that names what is none */
export const parseKinds = (text: string): Kind[] => {
  if (text === 'all') return [...KINDS];
  return text.split(',').map((name) => {
    const kind = KINDS.find((known) => known === name.trim());
    if (kind === undefined) throw new Error(`${name} is none of ${KINDS.join(', ')}.`);
    return kind;
  });
};
