import { parsePictureFormat } from '../../src/domain';

test('a picture is told by size and rate', () => {
  expect(parsePictureFormat('1920x1080@60000/1001')).toEqual({
    ...{ widthPx: 1920, heightPx: 1080, rate: '60000/1001' },
  });
  expect(parsePictureFormat('1280x720@25')).toEqual({ widthPx: 1280, heightPx: 720, rate: 25 });
});

test.each(['1080p', '1920x1080', '1920x1080@', '1920x1080@0', '-1x2@25', '1920x1080@25 '])(
  '%j is none',
  (text) => {
    expect(parsePictureFormat(text)).toBeNull();
  },
);
