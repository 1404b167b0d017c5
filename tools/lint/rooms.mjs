// Which room may import which: the one table behind the import rules of ESLint (eslint.config.mjs) and their test
// (test/lint). A room is a folder. It may import rooms that stand above it in the table only, so that there can be no
// cycle among rooms.

/** Rooms that every part of the program stands on: words, files and HTTP, what crosses a wire, how to reach Temporal. */
const ground = ['src/domain', 'src/config', 'src/platform', 'src/contracts'];

/**
 * `uses`: the rooms that a room may import. `doors`: the files by which others come in, besides `index.ts`; with `'*'`
 * every file is a door, which is right for a room that has no inside. A file below a door's folder is no door.
 * @type {Record<string, { uses: string[], doors?: string[] | '*' }>}
 */
export const rooms = {
  // Ground. Workflows take values from single files of the domain: its index.ts brings zod, which a workflow must not load.
  'src/domain': { uses: [], doors: '*' },
  'src/platform': { uses: ['src/domain'], doors: '*' },
  'src/config': { uses: ['src/domain', 'src/platform'], doors: '*' },
  'src/contracts': { uses: ['src/domain', 'src/platform'], doors: '*' },
  'src/temporal': { uses: ground, doors: '*' },

  // Pure decisions: no I/O, no Node built-ins.
  // The net loads TensorFlow.js, so it has doors of its own, and two side doors that load little.
  'src/forecast': { uses: ['src/domain'], doors: ['net/index', 'net/architecture', 'net/held-back'] },
  'src/fitness': { uses: ['src/domain', 'src/forecast'] },
  'src/versions': { uses: ['src/domain'] },
  'src/planner': { uses: ['src/domain', 'src/forecast', 'src/fitness'] },

  // What one control cycle decides from what was seen.
  'src/cycle': { uses: ['src/domain', 'src/fitness', 'src/planner', 'src/versions'] },

  // Learned models. TensorFlow.js comes in by the back ends only.
  'src/models': {
    uses: ['src/domain', 'src/platform', 'src/contracts', 'src/forecast'],
    doors: ['back-ends'],
  },

  // Data plane.
  'src/media/mpegts': { uses: ['src/domain'] },
  'src/media/stamp': { uses: ['src/domain', 'src/platform'] },
  // index.ts starts a relay; the rules by which it numbers are the source's, too.
  'src/media/relay': {
    uses: [...ground, 'src/media/mpegts'],
    doors: ['contribution-clock', 'open-gops'],
  },
  'src/media/source': { uses: [...ground, 'src/media/mpegts', 'src/media/stamp', 'src/media/relay'] },
  // Fragmented MP4 of the GOPs that the origin holds.
  'src/media/packaging': { uses: ['src/domain', 'src/media/mpegts'] },
  // Who watches what, from the requests of players: live at the origin, or from the logs of a CDN.
  'src/audience': { uses: ['src/domain'] },
  // Addresses of channels that expire: who gives them out, and who takes them.
  'src/playback': { uses: ground },
  // Where ownership is kept: in files of the origin, or in etcd.
  'src/media/ownership-store': { uses: ground },
  // index.ts starts the origin; what only reads its formats comes in by the side doors.
  'src/media/origin': {
    uses: [
      ...[...ground, 'src/audience', 'src/playback', 'src/media/mpegts', 'src/media/packaging'],
      'src/media/ownership-store',
    ],
    doors: ['h264-sps', 'segment-format'],
  },
  'src/setup': { uses: ['src/domain', 'src/platform'] },
  'src/backup': { uses: ['src/domain', 'src/platform'] },
  'src/certificates': { uses: ['src/domain', 'src/platform'] },
  // A cache before the origin: nginx, configured and supervised.
  'src/edge': { uses: ['src/domain', 'src/platform', 'src/setup'] },
  // index.ts starts a host. What uses one of its parts alone (a single encode, a feed, what an ffmpeg can do) comes in
  // by the side doors and loads no server.
  'src/media/encoder': {
    uses: [...ground, 'src/setup', 'src/media/mpegts'],
    doors: [
      'encode-run',
      'feed',
      'ffmpeg-capabilities',
      'gop-publisher',
      'grpc-server',
      'held-gops',
      'picture-shape',
      'types',
    ],
  },
  'src/media/probe': {
    uses: [
      ...ground,
      'src/setup',
      'src/versions',
      'src/media/encoder',
      'src/media/origin',
      'src/media/mpegts',
    ],
  },
  'src/media/quality': {
    uses: [
      ...['src/domain', 'src/platform', 'src/contracts', 'src/versions'],
      ...['src/media/encoder', 'src/media/mpegts'],
    ],
  },

  // What runs where, and what is known of it.
  'src/fleet': { uses: [...ground, 'src/setup'], doors: '*' },
  'src/telemetry': {
    uses: [...ground, 'src/forecast'],
    doors: ['create-store', 'forecast-input-reader', 'influx-login', 'influx-store'],
  },
  'src/observation': {
    uses: [
      ...[...ground, 'src/cycle', 'src/temporal', 'src/fleet', 'src/telemetry', 'src/versions'],
      ...['src/media/encoder', 'src/media/quality'],
    ],
    doors: '*',
  },
  // index.ts starts the collector.
  'src/collector': {
    uses: [...ground, 'src/temporal', 'src/forecast', 'src/fleet', 'src/telemetry', 'src/observation'],
    doors: ['signal-queue'],
  },
  'src/verify': {
    uses: [
      'src/domain',
      'src/config',
      'src/platform',
      'src/contracts',
      'src/setup',
      'src/media/encoder',
      'src/media/mpegts',
      'src/media/stamp',
    ],
  },
  'src/simulator': {
    uses: ['src/domain', 'src/platform', 'src/planner', 'src/forecast', 'src/fitness', 'src/telemetry'],
    doors: ['plot'],
  },

  // Temporal: activities do the I/O, workflows decide nothing that a pure room can.
  activities: {
    uses: [
      ...ground,
      ...['src/fitness', 'src/planner', 'src/versions', 'src/cycle', 'src/forecast', 'src/models'],
      'src/observation',
      ...[
        'src/telemetry',
        'src/fleet',
        'src/media/probe',
        'src/media/encoder',
        'src/media/quality',
        'src/setup',
      ],
    ],
  },
  workflows: { uses: ['src/domain', 'activities'] },

  // What a new channel is, from what was given and from its input.
  'src/channels': { uses: ['src/domain', 'src/contracts'], doors: '*' },

  // Programs.
  'src/worker': {
    uses: [
      ...['src/domain', 'src/config', 'src/platform', 'src/contracts', 'src/temporal', 'activities'],
      ...['src/models', 'src/observation', 'src/telemetry'],
    ],
    doors: '*',
  },
  'src/api': {
    uses: [
      ...[
        ...ground,
        'src/playback',
        'src/temporal',
        'src/telemetry',
        'src/models',
        'src/forecast',
        'src/planner',
        'src/cycle',
        'src/observation',
        'src/channels',
      ],
    ],
    doors: '*',
  },
  'src/launch': {
    uses: [
      ...ground,
      'src/playback',
      'src/channels',
      'src/temporal',
      'src/telemetry',
      'src/fleet',
      'src/setup',
    ],
    doors: '*',
  },
  'src/acceptance': {
    uses: [...ground, 'src/playback', 'src/setup', 'src/launch', 'src/verify', 'src/media/stamp'],
    doors: '*',
  },
  'src/cli': {
    uses: [
      ...[
        ...ground,
        'src/temporal',
        'src/audience',
        'src/telemetry',
        'src/models',
        'src/forecast',
        'src/simulator',
        'src/verify',
      ],
      ...['src/setup', 'src/backup', 'src/certificates', 'src/worker', 'src/launch', 'src/acceptance'],
    ],
    doors: '*',
  },
};

const all = Object.keys(rooms);

/** Nothing of the program imports what stands outside of it. */
const outside = ['bench', 'tools', 'test'];

/** Arrows that are forbidden, as zones of import-x/no-restricted-paths. */
const arrows = all.map((room) => ({
  target: `./${room}`,
  from: [...all, ...outside].filter((r) => r !== room && !rooms[room].uses.includes(r)).map((r) => `./${r}`),
  message: `${room} may not import this room: see tools/lint/rooms.mjs.`,
}));

/** Files that are no doors, as zones: whoever stands outside of the room may not import them. */
const doors = all
  .filter((room) => rooms[room].doors !== '*')
  .map((room) => ({
    target: [...all, 'bench', 'tools'].filter((r) => r !== room).map((r) => `./${r}`),
    from: `./${room}`,
    except: ['index', ...(rooms[room].doors ?? [])].map((door) => `./${door}.ts`),
    message: `Import ${room} by its door: see tools/lint/rooms.mjs.`,
  }));

export const zones = [...arrows, ...doors];
