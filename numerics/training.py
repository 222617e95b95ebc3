"""Gradient training: plain gradient descent with two step sizes, or Adam; any device, resumable.

Training minimises the population loss (from label moments) or the loss of sampled prompts. At
about a hundred moments it records the mixture matrix in float64; everything measured later is
computed from those records.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from numerics import InputError
from numerics.checkpoint import CHECKPOINT_SECONDS, read_checkpoint, run_identity, write_checkpoint
from numerics.instance import Instance
from numerics.loss import population_loss, sampled_loss
from numerics.model import Network, mixture, mixture_float64
from numerics.threads import threads_for

RECORDS = 100
# Adam's rate is held for half the budget, then lowered along a cosine to this fraction: the noise
# of the constant phase dies out and the loss settles. The second-moment average is short (0.99)
# because the gradient shrinks by orders of magnitude within a hundred steps.
ADAM_FINAL_FRACTION = 0.01
# The gap is about the square of the gradient over the curvature: at 1e-5 it has fallen by eight to
# eleven orders of magnitude and is still far above the rounding error of a float64 loss.
GRADIENT_TOLERANCE = 1e-5
ADAM_BETAS = (0.9, 0.99)

ProgressCallback = Callable[[int, int, float], None]


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


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The outcome of training.

    `mixtures[r]` is the N x K mixture matrix (float64) after `iterations[r]` updates; `stopped`
    says in words why training ended; `diverged_at` is the first update with a non-finite loss.
    """

    network: Network
    iterations: Int[ndarray, " R"]
    mixtures: Float[ndarray, "R N K"]
    stopped: str
    diverged_at: int | None
    seconds: float

    @property
    def final(self) -> Float[ndarray, "N K"]:
        """The mixture matrix of the trained network."""
        last: ndarray = self.mixtures[-1]
        return last


def resolve_device(name: str) -> str:
    """ "auto", "cpu" or "cuda" to a device that exists.

    Raises:
        InputError: CUDA is asked for and absent, or the name is unknown.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device = {name!r} is unknown; give --device auto, cpu or cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError("device = 'cuda' but torch finds no CUDA device; use --device cpu or auto")
    return "cuda" if name != "cpu" and available else "cpu"


@dataclass(kw_only=True)
class _Run:
    """The mutable state of one training run: what a checkpoint saves and a resume restores."""

    queries: torch.Tensor
    weights: torch.Tensor
    optimizer: torch.optim.Optimizer
    step: int
    iterations: list[int]
    mixtures: list[ndarray]
    gradient_scale: float
    seconds: float
    identity: str
    snapshot: dict[str, Any]


def train(
    instance: Instance,
    start: Network,
    recipe: Recipe,
    *,
    moments: Float[ndarray, "K K"] | None = None,
    labels: Float[ndarray, "P K"] | None = None,
    device: str = "cpu",
    progress: ProgressCallback | None = None,
    checkpoint: Path | None = None,
    resume: Path | None = None,
) -> Trained:
    """Train from `start` and return the network with its recorded history.

    Args:
        moments: E[y y^T] (K x K), for the population objective.
        labels: P x K sampled label vectors, for the sampled objective.
        progress: called as progress(step, steps, loss) at the recorded moments.
        checkpoint: file written every minute and on interruption.
        resume: a checkpoint of the same instance and recipe to continue from.

    Raises:
        InputError: the checkpoint is unreadable or belongs to another instance or recipe.
        KeyboardInterrupt: interrupted; the checkpoint, if asked for, has been written.
    """
    dtype = {"float32": torch.float32, "float64": torch.float64}[recipe.precision]
    tokens = torch.tensor(instance.tokens, device=device, dtype=dtype)
    data = torch.tensor(_objective_data(recipe, moments, labels), device=device, dtype=dtype)
    run = _begin(start, recipe, device, dtype, run_identity(instance, recipe, start))
    if resume is not None:
        _restore(run, read_checkpoint(resume, run.identity))
    run.snapshot = _state(run)
    try:
        with threads_for(start.queries.numel() * instance.prompt_length):  # V^T Q_h for every head
            stopped, diverged_at = _loop(run, instance, recipe, tokens, data, progress, checkpoint)
    except KeyboardInterrupt:
        if checkpoint is not None:
            write_checkpoint(checkpoint, run.identity, run.snapshot)
        raise
    return Trained(
        network=Network(queries=run.queries, weights=run.weights).to(device="cpu", dtype=torch.float64),
        iterations=np.array(run.iterations), mixtures=np.array(run.mixtures),
        stopped=stopped, diverged_at=diverged_at, seconds=run.seconds,
    )  # fmt: skip


def _objective_data(recipe: Recipe, moments: ndarray | None, labels: ndarray | None) -> ndarray:
    data = moments if recipe.objective == "population" else labels
    if data is None:
        raise InputError(f"the {recipe.objective} objective needs its data; pass moments or labels accordingly")
    return data


def optimizer_of(recipe: Recipe, queries: torch.Tensor, weights: torch.Tensor) -> torch.optim.Optimizer:
    """The recipe's optimizer, with its two step sizes."""
    groups = [
        {"params": [queries], "lr": recipe.rate_queries},
        {"params": [weights], "lr": recipe.rate_weights},
    ]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, betas=ADAM_BETAS, fused=True)
    return torch.optim.SGD(groups)


def _begin(start: Network, recipe: Recipe, device: str, dtype: torch.dtype, identity: str) -> _Run:
    network = start.to(device=device, dtype=dtype)
    queries, weights = network.queries.clone().requires_grad_(), network.weights.clone().requires_grad_()
    optimizer = optimizer_of(recipe, queries, weights)
    return _Run(
        queries=queries, weights=weights, optimizer=optimizer, step=0,
        iterations=[], mixtures=[], gradient_scale=0.0, seconds=0.0, identity=identity, snapshot={},
    )  # fmt: skip


def _rate_factor(recipe: Recipe, step: int) -> float:
    """Adam: constant for half the budget, then a cosine down to ADAM_FINAL_FRACTION. Gradient descent: constant."""
    half = recipe.steps / 2
    if recipe.optimizer == "gd" or step < half:
        return 1.0
    cosine = (1 + math.cos(math.pi * (step - half) / half)) / 2
    return ADAM_FINAL_FRACTION + (1 - ADAM_FINAL_FRACTION) * cosine


def _loop(
    run: _Run, instance: Instance, recipe: Recipe, tokens: torch.Tensor, data: torch.Tensor,
    progress: ProgressCallback | None, checkpoint: Path | None,
) -> tuple[str, int | None]:  # fmt: skip
    record_at = set(np.unique(np.linspace(0, recipe.steps, RECORDS + 1).round().astype(int)).tolist())
    pending: list[torch.Tensor] = []  # losses since the last record, left on the device
    clock = saved = time.monotonic()
    while True:
        loss = _gradient(run, instance.prompt_length, recipe, tokens, data)
        pending.append(loss)
        if run.step in record_at:
            finite = torch.isfinite(torch.stack(pending)).cpu().numpy()
            _record(run, instance)
            now = time.monotonic()
            run.seconds, clock = run.seconds + now - clock, now
            if progress is not None:
                progress(run.step, recipe.steps, float(loss))
            if not finite.all():
                bad = run.step - len(finite) + 1 + int(np.argmin(finite))
                return f"the loss stopped being a finite number at step {bad}", bad
            pending.clear()
            if run.step == recipe.steps:
                return f"the budget of {recipe.steps} steps ended", None
            if _gradient_is_small(run, recipe):
                return f"the gradient norm fell below {recipe.gradient_tolerance:g} of its first value", None
            if checkpoint is not None:
                run.snapshot = _state(run)
                if now - saved > CHECKPOINT_SECONDS:
                    write_checkpoint(checkpoint, run.identity, run.snapshot)
                    saved = now
        factor = _rate_factor(recipe, run.step)
        for group, rate in zip(run.optimizer.param_groups, (recipe.rate_queries, recipe.rate_weights), strict=True):
            group["lr"] = rate * factor
        run.optimizer.step()
        run.step += 1


def _gradient(run: _Run, N: int, recipe: Recipe, tokens: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    """Fill the gradients at the current parameters and return the loss, detached and on its device."""
    run.optimizer.zero_grad(set_to_none=True)
    mixed = mixture(Network(queries=run.queries, weights=run.weights), tokens, N)
    if recipe.objective == "population":
        loss = population_loss(mixed, data).mean()
    else:
        rng = np.random.default_rng((recipe.seed, run.step))  # stateless, so a resumed run sees the same batches
        rows = rng.integers(len(data), size=min(recipe.batch, len(data)))
        loss = sampled_loss(mixed, data[torch.from_numpy(rows).to(data.device)]).mean()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return loss.detach()


def _gradient_is_small(run: _Run, recipe: Recipe) -> bool:
    squares = [parameter.grad.square().sum() for parameter in (run.queries, run.weights) if parameter.grad is not None]
    norm = float(torch.stack(squares).sum().sqrt())
    if run.step == 0:
        run.gradient_scale = norm
    return norm <= recipe.gradient_tolerance * run.gradient_scale


def _record(run: _Run, instance: Instance) -> None:
    if run.iterations and run.iterations[-1] == run.step:
        return  # already recorded before a resume
    network = Network(queries=run.queries, weights=run.weights)
    run.iterations.append(run.step)
    run.mixtures.append(mixture_float64(network, instance.tokens, instance.prompt_length))


def _state(run: _Run) -> dict[str, Any]:
    """A copy of the run's state: an interruption may fall in the middle of an update."""
    return {
        "queries": run.queries.detach().cpu().clone(),
        "weights": run.weights.detach().cpu().clone(),
        "optimizer": copy.deepcopy(run.optimizer.state_dict()),
        "step": run.step,
        "iterations": list(run.iterations),
        "mixtures": torch.from_numpy(np.array(run.mixtures)),
        "gradient_scale": run.gradient_scale,
        "seconds": run.seconds,
    }


def _restore(run: _Run, state: dict[str, Any]) -> None:
    with torch.no_grad():
        run.queries.copy_(state["queries"])
        run.weights.copy_(state["weights"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.step, run.seconds = state["step"], state["seconds"]
    run.iterations, run.mixtures = list(state["iterations"]), list(state["mixtures"].numpy())
    run.gradient_scale = state["gradient_scale"]
