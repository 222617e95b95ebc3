"""How to train: every setting that changes the result, and the moments at which training is recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from numerics import InputError

RECORDS = 100
# The gap is about the square of the gradient over the curvature: at 1e-5 it has fallen by eight to
# eleven orders of magnitude and is still far above the rounding error of a float64 loss.
GRADIENT_TOLERANCE = 1e-5


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train; every field changes the result.

    Args:
        steps: budget of parameter updates.
        rate_queries, rate_weights: step sizes of Q and w (plain gradient descent takes both
            literally; Adam takes them as its two learning rates).
        objective: "population" (label moments) or "sampled" (a fixed set of prompts).
        batch, prompts: prompts per update, and in all, for the sampled objective.
        gradient_tolerance: stop once the gradient norm falls below this multiple of its first value.
    """

    steps: int
    optimizer: Literal["adam", "gd"]
    rate_queries: float
    rate_weights: float
    precision: Literal["float32", "float64"] = "float32"
    objective: Literal["population", "sampled"] = "population"
    batch: int = 256
    gradient_tolerance: float = GRADIENT_TOLERANCE
    seed: int = 0
    prompts: int = 10_000

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise InputError(f"steps = {self.steps} is negative; give --steps 0 or more")
        for name in ("rate_queries", "rate_weights"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                option = name.replace("_", "-")
                raise InputError(f"{name} = {value} is not a step size; give --{option} a positive finite number")

    @property
    def recorded_steps(self) -> tuple[int, ...]:
        """The steps at which the mixture is recorded: about RECORDS of them, evenly, first and last included."""
        return tuple(sorted({round(Fraction(self.steps * part, RECORDS)) for part in range(RECORDS + 1)}))
