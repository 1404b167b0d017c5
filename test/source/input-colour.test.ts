import { colourOf } from '../../src/media/source/input-colour';

const unsaid = {
  widthPx: 720,
  heightPx: 576,
  pixelFormat: 'yuv420p',
  transfer: 'unknown',
  matrix: 'unknown',
  isFullRange: false,
};

test.each([
  [{}, 'bt601-625'],
  [{ heightPx: 480 }, 'bt601-525'],
  [{ widthPx: 1920, heightPx: 1080 }, 'bt709'],
  [{ matrix: 'bt709' }, 'bt709'],
  [{ widthPx: 1920, heightPx: 1080, matrix: 'smpte170m' }, 'bt601-525'],
  [{ widthPx: 1920, heightPx: 1080, matrix: 'bt470bg', isFullRange: true }, 'bt601-625-full'],
  [{ matrix: 'bt2020nc' }, 'bt2020'],
  [{ matrix: 'bt2020nc', transfer: 'smpte2084' }, 'pq'],
  [{ matrix: 'bt2020nc', transfer: 'arib-std-b67' }, 'hlg'],
])('a picture that says %j has the colours %s', (said, colour) => {
  expect(colourOf({ ...unsaid, ...said }, false)).toBe(colour);
});

test('what the source encodes has limited range, and RGB becomes BT.709', () => {
  expect(colourOf({ ...unsaid, isFullRange: true }, true)).toBe('bt601-625');
  expect(colourOf({ ...unsaid, pixelFormat: 'bgra', isFullRange: true }, true)).toBe('bt709');
});
