"""Theorem 1 [T]: training lowers the loss.

The loss after training is below the loss before it.

Wrong if training leaves the loss as it was, or raises it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from theorems.setting.experiment import Experiment
from verify.claim import Bound, Claim

STATEMENT = r"L_T < L_0"


@dataclass(frozen=True, kw_only=True)
class Backwards:
    experiment: Experiment


def measure_training(subject: Any) -> Iterator[Bound]:
    """The last loss is below the first."""
    experiment = subject.experiment if isinstance(subject, Backwards) else subject
    ends = experiment.gaps(experiment.study.trained.mixtures[[0, -1]])
    first, last = ends[::-1] if isinstance(subject, Backwards) else ends
    rounding = float(experiment.gap_rounding(experiment.study.trained.mixtures[[0, -1]]).max())
    yield Bound(name="gap", observed=last, bound=first, rounding=rounding, reason="rounding of both gaps")


def backwards(experiment: Experiment) -> Backwards:
    """The loss before training stands for the loss after it."""
    return Backwards(experiment=experiment)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "training"),
    checks=(measure_training,),
    controls=(backwards,),
    catches={measure_training: (backwards,)},
)
