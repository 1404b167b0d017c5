import { createHash } from 'node:crypto';
import { GLYPH_ADVANCE, GLYPH_HEIGHT, drawText, textWidthPx } from './font';
import { WHITE } from './layout';
import { drawStamp, stampBandHeightPx } from './stamp';

/** Frames in which the ball crosses the picture once. */
const FRAMES_PER_CROSSING = 150;
const COUNTER_DIGITS = 8;

/** Where things stand, in pixels. */
interface Layout {
  textScale: number;
  nameScale: number;
  nameTop: number;
  counterTop: number;
  ballTop: number;
  ballBottom: number;
  ballRadius: number;
}

/**
 * A pleasant moving picture that can be checked frame by frame: the stamp, the channel's name, its frame
 * counter, and a ball that rolls over bars of colour. What does not move is drawn once and copied.
 */
export class GeneratedPicture {
  private readonly background: Buffer;
  private readonly picture: Buffer;
  private readonly luma: Buffer;
  private readonly layout: Layout;

  /** `widthPx` and `heightPx` are even and at least 96x54 (see drawStamp). */
  constructor(
    private readonly options: { widthPx: number; heightPx: number; key: Buffer; channelId: string },
  ) {
    const { widthPx, heightPx, channelId } = options;
    this.layout = layoutOf(widthPx, heightPx, channelId);
    this.background = drawBackground(widthPx, heightPx, channelId, this.layout);
    this.picture = Buffer.alloc(this.background.length);
    this.luma = this.picture.subarray(0, widthPx * heightPx);
  }

  /**
   * The picture of one frame as yuv420p (BT.601, video range): luma, then Cb and Cr at half size.
   * The buffer is used again by the next draw.
   */
  draw(frame: number): Buffer {
    const { widthPx, heightPx, key, channelId } = this.options;
    this.background.copy(this.picture);
    this.drawBall(frame);
    const digits = String(frame).padStart(COUNTER_DIGITS, '0').slice(-COUNTER_DIGITS);
    const scale = this.layout.textScale;
    const left = (widthPx - textWidthPx(digits, scale)) >> 1;
    drawText(this.luma, widthPx, digits, left, this.layout.counterTop, scale, WHITE);
    drawStamp(this.luma, widthPx, heightPx, key, channelId, frame);
    return this.picture;
  }

  private drawBall(frame: number): void {
    const { widthPx } = this.options;
    const { ballRadius: radius, ballTop, ballBottom } = this.layout;
    const phase = (frame % (2 * FRAMES_PER_CROSSING)) / FRAMES_PER_CROSSING;
    const across = phase < 1 ? phase : 2 - phase;
    const bounce = Math.abs(Math.sin((frame / 25) * Math.PI));
    const centreX = Math.round(radius + across * (widthPx - 1 - 2 * radius));
    const centreY = Math.round(ballBottom - radius - bounce * (ballBottom - ballTop - 2 * radius));
    for (let dy = -radius; dy <= radius; dy++) {
      const half = Math.floor(Math.sqrt(radius * radius - dy * dy));
      const start = (centreY + dy) * widthPx + centreX;
      this.luma.fill(WHITE - 20 - 2 * Math.abs(dy), start - half, start + half + 1);
    }
  }
}

const layoutOf = (widthPx: number, heightPx: number, channelId: string): Layout => {
  const band = stampBandHeightPx(heightPx);
  const free = heightPx - band;
  const fits = (characters: number): number => Math.floor((widthPx * 0.9) / (characters * GLYPH_ADVANCE));
  const tallest = Math.floor(free / (GLYPH_HEIGHT * 5));
  const textScale = Math.max(1, Math.min(tallest, fits(COUNTER_DIGITS)));
  const nameScale = Math.max(1, Math.min(tallest, fits(channelId.length)));
  const nameTop = band + Math.round(free * 0.06);
  const counterTop = nameTop + Math.round((GLYPH_HEIGHT + 3) * tallest);
  const ballTop = counterTop + (GLYPH_HEIGHT + 1) * textScale;
  const ballRadius = Math.max(2, Math.round((heightPx - ballTop) / 7));
  return { textScale, nameScale, nameTop, counterTop, ballTop, ballBottom: heightPx - 1, ballRadius };
};

/** A vertical gradient above, eight soft bars of colour below, the channel's name; the hue is the channel's own. */
const drawBackground = (widthPx: number, heightPx: number, channelId: string, layout: Layout): Buffer => {
  const lumaBytes = widthPx * heightPx;
  const chromaWidth = widthPx >> 1;
  const chromaHeight = heightPx >> 1;
  const picture = Buffer.alloc(lumaBytes + 2 * chromaWidth * chromaHeight);
  const luma = picture.subarray(0, lumaBytes);
  const cb = picture.subarray(lumaBytes, lumaBytes + chromaWidth * chromaHeight);
  const cr = picture.subarray(lumaBytes + chromaWidth * chromaHeight);
  const hue = (createHash('sha256').update(channelId).digest()[0]! / 256) * 2 * Math.PI;

  const bandBottom = stampBandHeightPx(heightPx);
  const barsTop = layout.ballTop;
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const bar = Math.floor((x * 8) / widthPx);
      luma[y * widthPx + x] = y < barsTop ? 40 + Math.round((30 * y) / heightPx) : 70 + 10 * bar;
    }
  }
  for (let y = 0; y < chromaHeight; y++) {
    for (let x = 0; x < chromaWidth; x++) {
      const bar = Math.floor((x * 8) / chromaWidth);
      const angle = 2 * y < barsTop ? hue : hue + (bar / 8) * 2 * Math.PI;
      const strength = 2 * y < bandBottom ? 0 : 2 * y < barsTop ? 22 : 40;
      cb[y * chromaWidth + x] = 128 + Math.round(strength * Math.cos(angle));
      cr[y * chromaWidth + x] = 128 + Math.round(strength * Math.sin(angle));
    }
  }
  const { nameScale, nameTop } = layout;
  const name = channelId.slice(0, Math.max(1, Math.floor(widthPx / (GLYPH_ADVANCE * nameScale))));
  drawText(luma, widthPx, name, (widthPx - textWidthPx(name, nameScale)) >> 1, nameTop, nameScale, WHITE);
  return picture;
};
