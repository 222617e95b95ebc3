"""A paper of three small claims, for runs that are ill-treated.

Nobody, On Nothing, of no importance. Its options are those of the paper's own runs, at presets so small that a run
takes a moment.
"""

from dataclasses import replace

from theorems import PAPER as TRUE
from theorems.setting.parameters import Parameters

TINY = {"N": 2, "K": 4, "d": 3, "m": 3, "H": 4, "steps": 20, "device": "cpu"}


def control_parameters(parameters: Parameters, preset: str | None = None) -> Parameters:
    """The small run in which defects are planted."""
    return replace(foundation_parameters(), seed=parameters.seed)


def foundation_parameters() -> Parameters:
    """The instance for statements that others rest on."""
    return Parameters(**TINY)


PAPER = replace(
    TRUE,
    presets={name: TRUE.presets[name] for name in ("quick", "literal", "paper")},
    default_preset="quick",
    control=control_parameters,
    foundation=foundation_parameters,
    ledger=(),
)
