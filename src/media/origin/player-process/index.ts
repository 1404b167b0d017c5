export { PlayersProcess, type PlayersProgram } from './players-process';
export type { FollowedOrigin } from './feed';
