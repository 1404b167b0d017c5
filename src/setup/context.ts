/** What every look-up of the set-up ladder gets: the environment to read, and where to tell what is going on. */
export interface SetupContext {
  env: NodeJS.ProcessEnv;
  /** Called with one short line whenever a long step has something new to say. */
  progress: (line: string) => void;
  /** Aborted, it ends whatever set-up runs. */
  signal?: AbortSignal;
}

/** A program of this machine and the rung of the ladder that gave it, in words for people. */
export interface FoundProgram {
  path: string;
  how: string;
}

/** A server that somebody else runs, and the rung of the ladder that named it. */
export interface FoundServer {
  url: string;
  how: string;
}
