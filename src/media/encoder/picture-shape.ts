import type { Deinterlace, Rendition } from '../../domain';

/** Shapes closer than this count as one: sizes are whole, even numbers of pixels. */
const SAME_SHAPE = 0.02;

/**
 * ffmpeg filters that make a picture as large as a rendition, with square pixels. A picture of another shape keeps its own:
 * bars fill the rest. A change of shape on the way makes ffmpeg work this out anew.
 * @param scaleOptions more options of the scale filter, with a colon in front
 */
export const shapeFilters = (
  { widthPx, heightPx }: Pick<Rendition, 'widthPx' | 'heightPx'>,
  scaleOptions = '',
): string => {
  // dar: the shape of the picture as it is shown, width by height.
  const isSame = `lt(abs(dar*${heightPx}/${widthPx}-1),${SAME_SHAPE})`;
  const width = `if(${isSame},${widthPx},2*round(min(${widthPx},${heightPx}*dar)/2))`;
  const height = `if(${isSame},${heightPx},2*round(min(${heightPx},${widthPx}/dar)/2))`;
  return `scale='${width}:${height}'${scaleOptions},setsar=1,pad=${widthPx}:${heightPx}:(ow-iw)/2:(oh-ih)/2`;
};

/**
 * ffmpeg filter, with a comma behind it, that makes one picture of each two fields; none where a session does not. Pictures
 * that are not interlaced pass as they are. Times stay those of the frames.
 */
export const deinterlaceFilter = (deinterlace: Deinterlace | undefined): string =>
  deinterlace === 'frame' ? 'bwdif=mode=send_frame:deint=interlaced,' : '';
