"""Theorem 1 [T]: training lowers the loss.

The loss after training is below the loss before it.

Wrong if training leaves the loss as it was, or raises it.
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

from theorems.setting.experiment import Experiment
from verify.claim import Bound, Claim, planted

STATEMENT = r"L_T < L_0"


@dataclass(frozen=True)
class LossInTraining:
    """The loss at both ends of training, in this order or the other."""

    experiment: Experiment
    _: KW_ONLY
    backwards: bool = False


def measure_training(subject: LossInTraining) -> Iterator[Bound]:
    """The last loss is below the first."""
    experiment = subject.experiment
    ends = experiment.gaps(experiment.study.trained.mixtures[[0, -1]])
    first, last = ends[::-1] if subject.backwards else ends
    rounding = float(experiment.gap_rounding(experiment.study.trained.mixtures[[0, -1]]).max())
    yield Bound(name="gap", observed=last, bound=first, rounding=rounding, reason="rounding of both gaps")


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "training"),
    about=LossInTraining,
    checks=(measure_training,),
    controls=dict(backwards=planted("The loss before training stands for the loss after it.", backwards=True)),
    catches={measure_training: ("backwards",)},
)
