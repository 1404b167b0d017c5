import {
  isHighRange,
  partsOfColour,
  pixelFormatOf,
  type ColourSpace,
  type InputColour,
  type Rendition,
} from '../../domain';

/** In ffmpeg's words. */
interface Marks {
  primaries: string;
  transfer: string;
  matrix: string;
}

const marksOf: Record<ColourSpace, Marks> = {
  'bt601-525': { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m' },
  'bt601-625': { primaries: 'bt470bg', transfer: 'smpte170m', matrix: 'bt470bg' },
  bt709: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' },
  bt2020: { primaries: 'bt2020', transfer: 'bt2020-10', matrix: 'bt2020nc' },
  pq: { primaries: 'bt2020', transfer: 'smpte2084', matrix: 'bt2020nc' },
  hlg: { primaries: 'bt2020', transfer: 'arib-std-b67', matrix: 'bt2020nc' },
};

/** Ten times the white of SDR: 1,000 cd/m2, which most programmes keep within. */
const MAPPED_PEAK = 10;

/** What brings the colours of a contribution into a rendition. */
export interface ColourArguments {
  /** Options of the scale filter, with a colon in front. */
  scaleOptions: string;
  /** Filters behind the shape's, with a comma in front. */
  filters: string;
  /** Options of the output. */
  marks: string[];
}

const AS_IT_CAME: ColourArguments = { scaleOptions: '', filters: '', marks: [] };

/**
 * The rendition says what its colours are, whatever its size: players guess BT.601 for small pictures and BT.709 for large
 * ones where nothing is said. Full range becomes limited range. A high dynamic range stays in 10 bits, and is mapped to
 * BT.709 for 8 bits. Where nothing is known of the contribution, or a build can't map, the marks of the contribution stay.
 * @param canMapTones the build has zscale and tonemap
 */
export const colourArguments = (
  r: Rendition,
  colour: InputColour | undefined,
  canMapTones: boolean,
): ColourArguments => {
  if (colour === undefined) return AS_IT_CAME;
  const { space, isFullRange } = partsOfColour(colour);
  const isMapped = isHighRange(space) && pixelFormatOf(r) === 'yuv420p';
  if (isMapped && !canMapTones) return AS_IT_CAME;
  const { primaries, transfer, matrix } = marksOf[isMapped ? 'bt709' : space];
  return {
    scaleOptions: isFullRange ? ':in_range=full:out_range=limited' : '',
    filters:
      (isMapped ? mapFilters(marksOf[space]) : '') +
      `,setparams=range=limited:color_primaries=${primaries}:color_trc=${transfer}:colorspace=${matrix}`,
    marks: [
      ...['-color_range', 'tv', '-color_primaries', primaries],
      ...['-color_trc', transfer, '-colorspace', matrix],
    ],
  };
};

/** To linear light, in floating point, and from there to BT.709. */
const mapFilters = ({ primaries, transfer, matrix }: Marks): string =>
  `,zscale=pin=${primaries}:tin=${transfer}:min=${matrix}:rin=limited:t=linear:npl=100,format=gbrpf32le` +
  `,zscale=p=bt709,tonemap=hable:desat=0:peak=${MAPPED_PEAK}` +
  ',zscale=p=bt709:t=bt709:m=bt709:r=limited,format=yuv420p';
