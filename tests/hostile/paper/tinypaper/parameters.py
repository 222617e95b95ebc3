"""The options of the paper's own runs, with presets so small that a run takes a moment."""

from dataclasses import replace
from typing import Any

from theorems.setting.parameters import GROUPS as GROUPS
from theorems.setting.parameters import INSTANCE as INSTANCE
from theorems.setting.parameters import LABORATORY as LABORATORY
from theorems.setting.parameters import OPTIONS as OPTIONS
from theorems.setting.parameters import Parameters
from theorems.setting.parameters import as_options as as_options
from theorems.setting.parameters import heeded as heeded
from theorems.setting.parameters import prepare as prepare
from theorems.setting.parameters import resolve as resolve
from theorems.setting.parameters import without_effect as without_effect

TINY: dict[str, Any] = {"N": 2, "K": 4, "d": 3, "m": 3, "H": 4, "steps": 20, "device": "cpu"}
PRESETS = ("quick", "literal", "paper")
DEFAULT_PRESET = "quick"


def control_parameters(parameters: Parameters, preset: str | None = None) -> Parameters:
    """The small run in which defects are planted."""
    return replace(Parameters(**TINY), seed=parameters.seed)


def foundation_parameters() -> Parameters:
    """The instance for statements that others rest on."""
    return Parameters(**TINY)
