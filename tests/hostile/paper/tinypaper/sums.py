"""Lemma 1 [T]: squares are not negative.

Σ x_i² ≥ 0 for all lists of integers.

Wrong if one list of integers has a negative sum of squares.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from theorems.setting.experiment import Experiment, stream
from verify.claim import Bound, Claim

STATEMENT = r"sum_i x_i^2 >= 0"


@dataclass(frozen=True, kw_only=True)
class Variant:
    experiment: Experiment
    sign: int = 1  # -1 where the defect is planted


def measure_sums(subject: Any) -> Iterator[Bound]:
    """No sum of squares is below zero."""
    variant = subject if isinstance(subject, Variant) else Variant(experiment=subject)
    numbers = stream(variant.experiment.study.seed, "sums").integers(1, 9, size=(20, 4))
    sums = variant.sign * np.sum(numbers**2, axis=1)
    yield Bound(name="sums", observed=-sums, bound=np.zeros(20, dtype=int), reason="integers")


def wrong_sign(experiment: Experiment) -> Variant:
    """The squares are subtracted."""
    return Variant(experiment=experiment, sign=-1)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("seed",),
    checks=(measure_sums,),
    controls=(wrong_sign,),
    catches={measure_sums: (wrong_sign,)},
)
