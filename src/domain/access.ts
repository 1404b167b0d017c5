/** Roles of people at the API; each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/**
 * Who may use a route. `public`: anyone, such as players. `part`: the parts of the same swarm alone, no person. Else
 * people of this role or a higher one.
 */
export type Access = 'public' | 'part' | Role;

/** Someone who is known by what he showed. */
export interface Caller {
  /** The name of a token or the subject of a JWT; `part` for a part of this swarm. */
  readonly name: string;
  readonly role: Role | 'part';
}

/** Whether someone may use a route that asks for `access`. */
export const mayUse = (access: Access, { role }: Caller): boolean => {
  if (access === 'public') return true;
  if (access === 'part' || role === 'part') return access === role;
  return ROLES.indexOf(role) >= ROLES.indexOf(access);
};

/** Where nobody has to log in, everyone is this one. */
export const ANYONE: Caller = { name: 'operator', role: 'admin' };

/**
 * The name of a person as it may be kept and shown. Workflows are named with slashes: no person is taken for one.
 * @param text as an identity provider gives it
 */
export const personName = (text: string): string => text.replace(/[^\w.@:+-]/g, '_').slice(0, 100);
