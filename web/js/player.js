import Hls from '../vendor/hls/hls.light.min.mjs';
import { byId, setOptions } from './dom.js';

const retryMs = 3_000;
const video = byId('video', HTMLVideoElement);
const message = byId('player-message');
const chooser = byId('player-channel', HTMLSelectElement);
const link = byId('playlist-link', HTMLAnchorElement);

/** @typedef {import('../../src/contracts/api').ChannelStatus} ChannelStatus */

/** @type {Hls | null} */
let hls = null;
/** @type {string | null} */
let playing = null;
/** @type {ChannelStatus[]} */
let channels = [];
/**
 * The channel that the viewer watches: the first one, until another is chosen. It stays so while it is away.
 * @type {string | null}
 */
let watched = null;

/** @param {string} text */
const say = (text) => {
  message.textContent = text;
  message.hidden = text === '';
};

const stop = () => {
  hls?.destroy();
  hls = null;
  playing = null;
};

/** @param {string} url */
const retryLater = (url) =>
  setTimeout(() => {
    if (playing === url) {
      stop();
      play();
    }
  }, retryMs);

const play = () => {
  const channel = channels.find((candidate) => candidate.id === chooser.value);
  const url = channel?.playlistUrl ?? null;
  if (url === playing) return;
  stop();
  if (!channel || !url) return;
  playing = url;
  link.href = url;
  link.textContent = url;
  say(`Loading ${channel.id}…`);
  if (!Hls.isSupported()) {
    // Safari plays HLS by itself.
    video.src = url;
    return;
  }
  const player = new Hls({
    liveSyncDurationCount: 2,
    // Catches up after a stall instead of staying behind.
    maxLiveSyncPlaybackRate: 1.2,
    backBufferLength: 10,
    manifestLoadPolicy: policyOf(8_000),
  });
  hls = player;
  player.on(Hls.Events.ERROR, (_event, { fatal, type, details }) => {
    if (!fatal) return;
    say(
      `${channel.id} can't be played: ${type === 'networkError' ? 'the origin does not serve it' : details}. Trying again…`,
    );
    if (type === 'mediaError' && details !== 'manifestIncompatibleCodecsError') player.recoverMediaError();
    else retryLater(url);
  });
  player.loadSource(url);
  player.attachMedia(video);
};

/** @param {number} maxTimeToFirstByteMs */
const policyOf = (maxTimeToFirstByteMs) => ({
  default: { maxTimeToFirstByteMs, maxLoadTimeMs: 20_000, timeoutRetry: null, errorRetry: null },
});

for (const event of ['loadeddata', 'playing']) video.addEventListener(event, () => say(''));
chooser.addEventListener('change', () => {
  watched = chooser.value;
  showPlayer(channels);
});

/** @param {ChannelStatus[]} all */
export const showPlayer = (all) => {
  channels = all;
  watched ??= all[0]?.id ?? null;
  const isAway = watched !== null && !all.some(({ id }) => id === watched);
  setOptions(chooser, [
    ...all.map(({ id }) => /** @type {[string, string]} */ ([id, id])),
    ...(isAway && watched !== null ? [/** @type {[string, string]} */ ([watched, `${watched} (away)`])] : []),
  ]);
  if (watched === null) {
    stop();
    say('No channel to play.');
    return;
  }
  chooser.value = watched;
  if (isAway) {
    stop();
    say(`${watched} is not there. It plays again when it is back.`);
  } else play();
};
