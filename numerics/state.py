"""The state of a training run between two updates: everything that going on from it needs, and what it must look like.

The batches of sampled prompts follow from the seed and the step, so there is no state of a random generator.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from numerics.instance import Instance
from numerics.model import Network, mixture_float64, mixture_rounding
from numerics.recipe import Recipe

Settings = Mapping[str, str | int | float]
PARAMETERS = ("queries", "weights")
ADAM_MOMENTS = ("exp_avg", "exp_avg_sq")  # torch's names
ADAM_MOST_STEPS = 2**24  # torch counts the steps of Adam in float32, which ends there


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The run that a state belongs to: the data, the starting network and the recipe."""

    instance: Instance
    start: Network
    recipe: Recipe

    @property
    def settings(self) -> Settings:
        """Everything that determines the run, by name; what a reader understands comes first.

        Prompts that are sampled follow from the recipe's own seed and size, moments from the instance.
        """
        beginning = hashlib.sha256()  # of every number: a norm would miss signs, and depends on the machine
        for parameter in (self.start.queries, self.start.weights):
            beginning.update(np.ascontiguousarray(parameter.detach().cpu().double().numpy(), dtype="<f8").tobytes())
        recipe = {item.name: getattr(self.recipe, item.name) for item in fields(self.recipe)}
        return self._sizes() | recipe | {"instance": self.instance.sha256, "start": beginning.hexdigest()}

    def _sizes(self) -> dict[str, int]:
        return {
            "N": self.instance.prompt_length,
            "K": self.instance.dictionary_size,
            "d": self.instance.token_dimension,
            "H": len(self.start.queries),
        }

    def layout(self, step: int, records: int) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The type and shape of every array of a state at this step, with so many records."""
        N, K, d, H = self._sizes().values()
        kind = {"float32": "<f4", "float64": "<f8"}[self.recipe.precision]
        arrays: dict[str, tuple[str, tuple[int, ...]]] = {
            "queries": (kind, (H, d, d)),
            "weights": (kind, (H, K)),
            "mixtures": ("<f8", (records, N, K)),
        }
        if self.recipe.optimizer == "adam" and step > 0:
            for name in PARAMETERS:
                arrays |= {f"{name}.{moment}": arrays[name] for moment in ADAM_MOMENTS}
                arrays[f"{name}.step"] = ("<f4", ())
        return arrays

    @property
    def most_bytes(self) -> int:
        """The most that the arrays of a state can take."""
        largest = self.layout(max(self.recipe.steps, 1), len(self.recipe.recorded_steps))
        return sum(np.dtype(kind).itemsize * math.prod(shape) for kind, shape in largest.values())


@dataclass(frozen=True, kw_only=True)
class State:
    """One moment of a run; `arrays` are those of `Origin.layout`, `sha256` is that of the file it was read from."""

    settings: Settings
    step: int
    iterations: tuple[int, ...]
    gradient_scale: float
    seconds: float
    arrays: Mapping[str, ndarray]
    sha256: str | None = None


def fault_of(state: State, origin: Origin) -> str | None:
    """What is wrong with a state that says it is of this run; None if nothing is."""
    step, recorded = state.step, origin.recipe.recorded_steps
    if not 0 <= step <= origin.recipe.steps:
        return f"it is at step {step} of {origin.recipe.steps}"
    passed = tuple(moment for moment in recorded if moment <= step)
    if state.iterations != passed:
        return f"at step {step} it has {len(state.iterations)} records, which are not those of the first {step} steps"
    for name, number in (("gradient scale", state.gradient_scale), ("time", state.seconds)):
        if not 0 <= number < math.inf:
            return f"its {name} is {number}"
    found = {name: (array.dtype.str, array.shape) for name, array in state.arrays.items()}
    if found != origin.layout(step, len(state.iterations)):
        return "its arrays do not have the names, types and shapes of this run"
    return _fault_of_numbers(state, origin)


def _fault_of_numbers(state: State, origin: Origin) -> str | None:
    for name, array in state.arrays.items():
        if not np.isfinite(array).all():
            return f"{name} has a nan or inf"
        if name.endswith(".exp_avg_sq") and (array < 0).any():
            return f"{name} has a negative mean of squares"
        if name.endswith(".step") and array != min(state.step, ADAM_MOST_STEPS):
            return f"{name} is {float(array):g} at step {state.step}"
    mixtures = state.arrays["mixtures"]
    known = {0: origin.start.to(device="cpu", dtype=_precision(state))}
    if state.iterations[-1] == state.step:
        known[len(mixtures) - 1] = network_of(state)
    for place, network in known.items():
        if not _agrees(mixtures[place], network, origin.instance):
            return f"record {place} is not the mixture matrix of its network"
    return None


def _precision(state: State) -> torch.dtype:
    return torch.float32 if state.arrays["queries"].dtype == np.float32 else torch.float64


def network_of(state: State) -> Network:
    """The network that has been reached."""
    queries, weights = (torch.from_numpy(state.arrays[name]) for name in PARAMETERS)
    return Network(queries=queries, weights=weights)


def _agrees(recorded: Float[ndarray, "N K"], network: Network, instance: Instance) -> bool:
    """Whether a recorded mixture is the network's; both are rounded, and another machine may sum in another order."""
    found = mixture_float64(network, instance.tokens, instance.prompt_length)
    bound = 2 * mixture_rounding(network, instance.tokens, instance.prompt_length)
    return bool((np.abs(recorded - found) <= bound).all())
