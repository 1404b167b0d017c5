/** Between two looks at the workflows that are meant to run for ever. */
export const LOOK_MS = 5_000;
/** One that ends again and again is started ever more seldom. */
export const AGAIN = { firstMs: LOOK_MS, longestMs: 300_000 };
/** One that ran for so long was sound. */
export const SOUND_AFTER_MS = 60_000;
