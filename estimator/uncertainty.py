"""How a low, a typical and a high value go through a formula. Nothing here is random.

A ``Range`` is the 10th percentile, the middle and the 90th percentile of a quantity: an 80 % interval. Three rules:

- **independent factors** (nobody errs in both for the same reason) multiply in the logarithm, where the distances of
  the ends from the middle add as squares: three factors of ±10 % give ±17 %, not ±33 %;
- **correlated parts** (one error moves all) are taken end by end: low with low, high with high;
- a quotient takes the low end from the high end of its divisor.

Every value is a number or an array, and ``low ≤ typical ≤ high`` holds after each rule.
"""

from typing import Any, NamedTuple

import numpy as np

from estimator.coefficients import Coefficient

Number = Any  # a float or a numpy array; formulas take either


class Range(NamedTuple):
    """Low, typical and high of one quantity: numbers or arrays."""

    low: Number
    typical: Number
    high: Number


def exactly(value: Number) -> Range:
    """Return the range of a value nobody doubts: an answer, a list price. [unit of ``value``]

    Valid where the value enters the estimate as given. Source: ``ranges`` in docs/estimates.md.
    """
    return Range(value, value, value)


def of(coefficient: Coefficient) -> Range:
    """Return the range of a coefficient. [its own unit]

    The file states low and high as the ends of an 80 % interval. Source: ``ranges`` in docs/estimates.md.
    """
    return Range(coefficient.low, coefficient.value, coefficient.high)


def inverse(divisor: Range) -> Range:
    """Return 1 ÷ ``divisor``: its high end gives the low end. [1 ÷ unit of ``divisor``]

    Valid for positive ranges. Source: ``ranges`` in docs/estimates.md.
    """
    return Range(1.0 / divisor.high, 1.0 / divisor.typical, 1.0 / divisor.low)


def independent(*factors: Range) -> Range:
    """Return the product of factors whose errors have different causes. [product of their units]

    The typical values multiply. The distance of the product's low end from its middle is, in the logarithm, the root
    of the sum of squares of the factors' distances (first-order error propagation for a product, GUM section 5.1.6,
    taken separately on both sides so that a skewed range stays skewed). Valid for factors ≥ 0; a factor of 0 gives 0.
    """
    typical: Number = np.asarray(1.0)
    down: Number = np.asarray(0.0)
    up: Number = np.asarray(0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        for factor in factors:
            middle = np.asarray(factor.typical, dtype=float)
            typical = typical * middle
            # Where the middle is 0 both ends are taken as 0 too: there is no ratio to speak of.
            down = down + np.where(middle == 0, 0.0, np.log(np.asarray(factor.low, dtype=float) / middle)) ** 2
            up = up + np.where(middle == 0, 0.0, np.log(np.asarray(factor.high, dtype=float) / middle)) ** 2
    return _plain(Range(typical * np.exp(-np.sqrt(down)), typical, typical * np.exp(np.sqrt(up))))


def total(*parts: Range) -> Range:
    """Return the sum of parts taken end by end. [unit of the parts]

    Parts of one estimate share the load and the planning factors, so their errors are taken as correlated: the sum of
    the low ends is a low end no independent sum would reach. Source: ``ranges`` in docs/estimates.md.
    """
    ends = [sum(np.asarray(part[i], dtype=float) for part in parts) for i in range(3)]
    return _plain(Range(*ends))


def scaled(quantity: Range, factor: Number) -> Range:
    """Return the quantity times a factor that nobody doubts and that is not negative. [product of the units]"""
    return Range(*(end * factor for end in quantity))


def spanned(low: Number, typical: Number, high: Number) -> Range:
    """Return the range around ``typical`` that holds all three values. [unit of the values]

    For differences, whose ends may lie on either side: the least and the most of the three. Unknown stays unknown.
    """
    ends = np.stack(np.broadcast_arrays(*(np.asarray(end, dtype=float) for end in (low, typical, high))))
    return _plain(Range(ends.min(axis=0), np.asarray(typical, dtype=float), ends.max(axis=0)))


def ordered(quantity: Range) -> bool:
    """Return whether low ≤ typical ≤ high holds wherever the values are known (NaN is unknown, not a breach)."""
    low, typical, high = (np.asarray(end, dtype=float) for end in quantity)
    return bool(np.all(~(low > typical) & ~(typical > high)))


def _plain(quantity: Range) -> Range:
    """Give numbers back as floats where numbers came in."""
    return Range(*(float(end) if np.ndim(end) == 0 else end for end in quantity))
