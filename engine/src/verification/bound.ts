/** How large the rate of misses may be, in the light of those that were found. Pure. */

export const CONFIDENCE = 0.95;

/**
 * The one-sided upper confidence bound of a proportion, by Clopper and Pearson's exact method: the largest rate at
 * which so few misses (or fewer) in so many trials would still occur with a probability of 1 − {@link CONFIDENCE}.
 *
 * For no misses it is 1 − 0.05^(1/n), which the "rule of three" rounds to 3/n. Undefined without trials: of what was
 * never tried, nothing is known.
 *
 * @see C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
 * binomial", Biometrika 26 (1934), 404–413.
 * @see J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983), 1743–1745,
 * for the rule of three.
 */
export function upperBound(misses: number, trials: number, confidence = CONFIDENCE): number | undefined {
  if (trials <= 0) {
    return undefined;
  }
  if (misses >= trials) {
    return 1;
  }
  // The probability of so few misses falls as the rate rises: halve the interval until doubles end.
  let low = misses / trials;
  let high = 1;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) {
      return middle;
    }
    if (logAtMost(misses, trials, middle) > Math.log1p(-confidence)) {
      low = middle;
    } else {
      high = middle;
    }
  }
}

/** The logarithm of P(X ≤ k) for a binomial X: the probabilities themselves are too small for doubles. */
function logAtMost(k: number, n: number, rate: number): number {
  const odds = Math.log(rate) - Math.log1p(-rate);
  let term = n * Math.log1p(-rate);
  let sum = term;
  for (let i = 0; i < k; i++) {
    term += Math.log((n - i) / (i + 1)) + odds;
    const larger = Math.max(sum, term);
    sum = larger + Math.log1p(Math.exp(Math.min(sum, term) - larger));
  }
  return sum;
}
