/* global dashjs, shaka, performance */
// Plays one channel in several players side by side, each with its defaults, and notes what a viewer sees.

// The stamp at the top of each picture (src/media/stamp/layout.ts): its frame counter stands in bits 16 to 47.
const COLUMNS = 32;
const ROWS = 4;
const CELL_PX = 4;
const BAND = ROWS / 18;
const PAYLOAD_COLUMNS = 28;
const FIRST_PAYLOAD_COLUMN = 2;
const FIRST_COUNTER_BIT = 16;
const COUNTER_BITS = 32;
/** How often it is looked whether the picture goes on. */
const LOOK_MS = 50;
/** Nothing shorter counts as a stall: a frame at the lowest rate, and some. */
const LEAST_STALL_MS = 300;

const canvas = document.createElement('canvas');
canvas.width = COLUMNS * CELL_PX;
canvas.height = ROWS * CELL_PX;
const context = canvas.getContext('2d', { willReadFrequently: true });

const isReference = (column) => column < FIRST_PAYLOAD_COLUMN || column >= COLUMNS - FIRST_PAYLOAD_COLUMN;

/** The counter of the picture that a video shows; null if it can't be read. */
const counterOf = (video) => {
  context.drawImage(
    ...[video, 0, 0, video.videoWidth, video.videoHeight * BAND],
    ...[0, 0, canvas.width, canvas.height],
  );
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const light = (row, column) => {
    let sum = 0;
    for (let y = 1; y <= 2; y++)
      for (let x = 1; x <= 2; x++)
        sum += data[4 * ((row * CELL_PX + y) * canvas.width + column * CELL_PX + x)];
    return sum / 4;
  };
  let white = 0;
  let black = 0;
  for (let row = 0; row < ROWS; row++)
    for (let column = 0; column < COLUMNS; column++) {
      if (!isReference(column)) continue;
      if ((row + column) % 2 === 1) white += light(row, column) / 8;
      else black += light(row, column) / 8;
    }
  if (white - black < 60) return null;
  let counter = 0;
  for (let bit = FIRST_COUNTER_BIT; bit < FIRST_COUNTER_BIT + COUNTER_BITS; bit++) {
    const row = Math.floor(bit / PAYLOAD_COLUMNS);
    const column = FIRST_PAYLOAD_COLUMN + (bit % PAYLOAD_COLUMNS);
    counter = counter * 2 + (light(row, column) > (white + black) / 2 ? 1 : 0);
  }
  return counter;
};

const watched = [];

/** Notes each picture, each standstill and each error of a video that `start` puts a player on. */
const watch = (name, start) => {
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  video.width = 320;
  video.height = 180;
  document.body.append(video);
  const notes = { name, shown: [], stalls: [], starved: [], errors: [], others: [] };
  watched.push(notes);
  const error = (what) => notes.errors.push(String(what).slice(0, 300));
  const other = (what) => notes.others.push(String(what).slice(0, 100));
  video.addEventListener('error', () => error(`video: ${video.error?.code} ${video.error?.message}`));
  const onFrame = (now, { mediaTime, presentedFrames }) => {
    const { droppedVideoFrames } = video.getVideoPlaybackQuality();
    notes.shown.push([Date.now(), counterOf(video), mediaTime, presentedFrames, droppedVideoFrames]);
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  // The picture stands as nothing more has come: not before the first one, nor while a player finds its place.
  video.addEventListener('waiting', () => {
    if (notes.shown.length > 0 && !video.seeking) notes.starved.push(Date.now());
  });
  let time = 0;
  let since = null;
  setInterval(() => {
    const now = performance.now();
    if (video.currentTime !== time) {
      if (since !== null && now - since > LEAST_STALL_MS) notes.stalls.push(Math.round(now - since));
      time = video.currentTime;
      since = now;
    }
    notes.standing = since === null ? 0 : Math.round(now - since);
  }, LOOK_MS);
  start(video, error, other);
};

/** What is no error of the media: a standstill, which is measured here, and what a player does about it. */
const ABOUT_STALLS = /^buffer(Stalled|NudgeOnStall|SeekOverHole)/;

const hls = (url) => (video, error, other) => {
  const player = new Hls();
  player.on(Hls.Events.ERROR, (_event, { type, details, fatal, reason }) => {
    const isMedia = type === Hls.ErrorTypes.MEDIA_ERROR && !ABOUT_STALLS.test(details);
    if (fatal || isMedia) error(`${type} ${details} ${reason ?? ''}${fatal ? ', fatal' : ''}`);
    else other(details);
  });
  player.loadSource(url);
  player.attachMedia(video);
};

const dash = (url) => (video, error) => {
  const player = dashjs.MediaPlayer().create();
  player.on(dashjs.MediaPlayer.events.ERROR, (event) =>
    error(`${event.error?.code} ${event.error?.message}`),
  );
  player.initialize(video, url, true);
};

const shakaPlayer = (url) => async (video, error, other) => {
  const player = new shaka.Player();
  player.addEventListener('error', ({ detail }) => {
    if (detail.severity === shaka.util.Error.Severity.CRITICAL) error(`shaka ${detail.code} ${detail.data}`);
    else other(`shaka ${detail.code}`);
  });
  try {
    await player.attach(video);
    await player.load(url);
  } catch (failure) {
    error(failure.message);
  }
};

/** Whether this browser decodes what is on air. */
window.canPlay = () =>
  ['video/mp4; codecs="avc1.4d401e"', 'audio/mp4; codecs="mp4a.40.2"'].every((type) =>
    window.MediaSource?.isTypeSupported(type),
  );

window.play = ({ hlsTs, hlsFmp4, dash: manifest }) => {
  watch('hls.js, TS', hls(hlsTs));
  watch('hls.js, fMP4', hls(hlsFmp4));
  watch('dash.js', dash(manifest));
  watch('Shaka', shakaPlayer(manifest));
};

/** One player alone; hls.js stays three segments behind the live edge by default. */
window.playHls = (url) => watch('hls.js, TS', hls(url));

window.watched = () => watched;
