"""Lemma 1 [T]: squares are not negative.

Σ x_i² ≥ 0 for all lists of integers.

Wrong if one list of integers has a negative sum of squares.
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import numpy as np

from theorems.setting.experiment import Experiment
from theorems.setting.study import stream
from verify.claim import Bound, Claim, planted

STATEMENT = r"sum_i x_i^2 >= 0"


@dataclass(frozen=True)
class SumsOfSquares:
    """Sums of squares of integers, with their sign."""

    experiment: Experiment
    _: KW_ONLY
    sign: int = 1  # -1 where the defect is planted


def measure_sums(subject: SumsOfSquares) -> Iterator[Bound]:
    """No sum of squares is below zero."""
    numbers = stream(subject.experiment.study.seed, "sums").integers(1, 9, size=(20, 4))
    sums = subject.sign * np.sum(numbers**2, axis=1)
    yield Bound(name="sums", observed=-sums, bound=np.zeros(20, dtype=int), reason="integers")


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("seed",),
    about=SumsOfSquares,
    checks=(measure_sums,),
    controls=dict(wrong_sign=planted("The squares are subtracted.", sign=-1)),
    catches={measure_sums: ("wrong_sign",)},
)
