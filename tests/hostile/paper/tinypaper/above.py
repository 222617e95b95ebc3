"""Lemma 2 [T]: squares are above minus one.

Σ x_i² > −1, because squares are not negative.

Wrong if one list of integers has a sum of squares of −1.
"""

from tinypaper.sums import SumsOfSquares, measure_sums
from verify.claim import Claim, planted

STATEMENT = r"sum_i x_i^2 > -1"

CLAIM = Claim(
    statement=STATEMENT,
    heeds=("seed",),
    builds_on=("sums",),
    about=SumsOfSquares,
    checks=(measure_sums,),
    controls=dict(wrong_sign=planted("The squares are subtracted.", sign=-1)),
    catches={measure_sums: ("wrong_sign",)},
)
