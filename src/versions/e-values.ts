/**
 * E-values of a sequence of yes/no outcomes ("was the new build worse this time?"), valid at any stopping time.
 *
 * Against H: "given the past, yes has a probability of at most q", the mixture over alternatives p in (q, 1)
 *   E(n, k) = mean over p of (p/q)^k ((1-p)/(1-q))^(n-k)          n outcomes, k of them yes
 * is a nonnegative supermartingale that begins at 1 (each factor is 1 at probability q and grows with it), so by
 * Ville's inequality P(E ever reaches 1/alpha) <= alpha under H, however often one looks and whenever one stops.
 * Outcomes need not be independent. Against "at least q" the same with p in (0, q).
 *
 * Sources: J. Ville, Etude critique de la notion de collectif (1939); H. Robbins, "Statistical methods related to
 * the law of the iterated logarithm", Ann. Math. Stat. 41 (1970), the mixture; I. Waudby-Smith and A. Ramdas,
 * "Estimating means of bounded random variables by betting", J. R. Stat. Soc. B 86 (2024), without independence.
 */

/** Alternatives that the mixture spreads over. */
const ALTERNATIVES = 10;

/** Mean of exp(x), without overflow on the way; infinite only where the mean itself is. */
const meanOfExponentials = (exponents: readonly number[]): number => {
  const highest = Math.max(...exponents);
  const sum = exponents.reduce((total, x) => total + Math.exp(x - highest), 0);
  return Math.exp(highest + Math.log(sum / exponents.length));
};

const mixture = (comparisons: number, yes: number, q: number, from: number, to: number): number => {
  const no = comparisons - yes;
  const exponents = Array.from({ length: ALTERNATIVES }, (_, i) => {
    const p = from + ((i + 0.5) / ALTERNATIVES) * (to - from);
    return yes * Math.log(p / q) + no * Math.log((1 - p) / (1 - q));
  });
  return meanOfExponentials(exponents);
};

/**
 * Evidence that yes comes with a probability of more than `q`, 0 < q < 1; 1 is none.
 * @param yes at most `comparisons`
 */
export const eValueAbove = (comparisons: number, yes: number, q: number): number =>
  mixture(comparisons, yes, q, q, 1);

/** Evidence that yes comes with a probability of less than `q`. */
export const eValueBelow = (comparisons: number, yes: number, q: number): number =>
  mixture(comparisons, yes, q, 0, q);
