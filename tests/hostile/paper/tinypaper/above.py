"""Lemma 2 [T]: squares are above minus one.

Σ x_i² > −1, because squares are not negative.

Wrong if one list of integers has a sum of squares of −1.
"""

from tinypaper.sums import Variant, measure_sums, wrong_sign
from verify.claim import Claim

STATEMENT = r"sum_i x_i^2 > -1"

__all__ = ["Variant"]

CLAIM = Claim(
    statement=STATEMENT,
    heeds=("seed",),
    builds_on=("sums",),
    checks=(measure_sums,),
    controls=(wrong_sign,),
    catches={measure_sums: (wrong_sign,)},
)
