"""The paper, one file per statement.

T. Yang, Y. Huang, Y. Liang, Y. Chi, In-Context Learning with Representations: Contextual
Generalization of Trained Transformers, NeurIPS 2024, arXiv:2408.10147.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from theorems.setting import parameters
from theorems.setting.ledger import LEDGER
from verify.paper import Paper

if TYPE_CHECKING:
    from theorems.setting.experiment import Experiment


def _prepare(settings: parameters.Parameters, **details: Any) -> Experiment:
    from theorems.setting.preparation import prepare  # it loads the laboratory, for which help does not wait

    return prepare(settings, **details)


PAPER = Paper(
    parameters=parameters.Parameters,
    presets=parameters.PRESETS,
    default_preset="paper",
    groups=parameters.GROUPS,
    instance=parameters.INSTANCE,
    idle=parameters.idle,
    resolve=parameters.resolve,
    prepare=_prepare,
    control=parameters.control_parameters,
    foundation=parameters.foundation_parameters,
    laboratory=("numerics",),
    ledger=LEDGER,
)
