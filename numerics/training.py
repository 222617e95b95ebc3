"""Gradient training: plain gradient descent with two step sizes, or Adam; any device, resumable.

Training minimises the population loss (from label moments) or the loss of sampled prompts. At
about a hundred moments it records the mixture matrix in float64; everything measured later is
computed from those records.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from numerics import InputError
from numerics.checkpoint import Keeper, difference_of
from numerics.instance import Instance
from numerics.loss import population_loss, sampled_loss
from numerics.model import Network, mixture, mixture_float64
from numerics.recipe import Recipe
from numerics.state import ADAM_MOMENTS, PARAMETERS, Origin, Settings, State
from numerics.threads import threads_for

LOOK_SECONDS = 0.5  # between two looks at the losses, which wait for the device; records are looks as well
# Adam's rate is held for half the budget, then lowered along a cosine to this fraction: the noise
# of the constant phase dies out and the loss settles. The second-moment average is short (0.99)
# because the gradient shrinks by orders of magnitude within a hundred steps.
ADAM_FINAL_FRACTION = 0.01
ADAM_BETAS = (0.9, 0.99)

ProgressCallback = Callable[[int, int, float], None]


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
    """The mutable state of one training run; `losses` are those since the last look, left on the device."""

    queries: torch.Tensor
    weights: torch.Tensor
    optimizer: torch.optim.Optimizer
    settings: Settings
    step: int = 0
    iterations: list[int] = field(default_factory=list)
    mixtures: list[ndarray] = field(default_factory=list)
    gradient_scale: float = 0.0
    seconds: float = 0.0
    losses: list[torch.Tensor] = field(default_factory=list)
    diverged_at: int | None = None


def train(
    instance: Instance,
    start: Network,
    recipe: Recipe,
    *,
    moments: Float[ndarray, "K K"] | None = None,
    labels: Float[ndarray, "P K"] | None = None,
    device: str = "cpu",
    progress: ProgressCallback | None = None,
    keeper: Keeper | None = None,
    resume: State | None = None,
) -> Trained:
    """Train from `start` and return the network with its recorded history.

    Args:
        moments: E[y y^T] (K x K), for the population objective.
        labels: P x K sampled label vectors, for the sampled objective.
        progress: called as progress(step, steps, loss) at the recorded moments, and between where they are far apart.
        keeper: is offered the state now and then, and saves it on an interruption.
        resume: the state of the same instance, start and recipe to go on from.

    Raises:
        InputError: the state belongs to another instance, start or recipe.
        KeyboardInterrupt: interrupted; the keeper, if there is one, has written its file.
    """
    dtype = {"float32": torch.float32, "float64": torch.float64}[recipe.precision]
    tokens = torch.tensor(instance.tokens, device=device, dtype=dtype)
    data = torch.tensor(_objective_data(recipe, moments, labels), device=device, dtype=dtype)
    run = _begin(start, recipe, device, dtype, Origin(instance=instance, start=start, recipe=recipe).settings)
    if resume is not None:
        _restore(run, resume)
    try:
        with threads_for(start.queries.numel() * instance.prompt_length):  # V^T Q_h for every head
            stopped = _loop(run, instance, recipe, tokens, data, progress, keeper)
    except KeyboardInterrupt:
        if keeper is not None:
            keeper.save()
        raise
    if keeper is not None:
        keeper.complete()
    return Trained(
        network=Network(queries=run.queries, weights=run.weights).to(device="cpu", dtype=torch.float64),
        iterations=np.array(run.iterations),
        mixtures=np.array(run.mixtures),
        stopped=stopped,
        diverged_at=run.diverged_at,
        seconds=run.seconds,
    )


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


def _begin(start: Network, recipe: Recipe, device: str, dtype: torch.dtype, settings: Settings) -> _Run:
    network = start.to(device=device, dtype=dtype)
    queries, weights = network.queries.clone().requires_grad_(), network.weights.clone().requires_grad_()
    optimizer = optimizer_of(recipe, queries, weights)
    return _Run(queries=queries, weights=weights, optimizer=optimizer, settings=settings)


def _rate_factor(recipe: Recipe, step: int) -> float:
    """Adam: constant for half the budget, then a cosine down to ADAM_FINAL_FRACTION. Gradient descent: constant."""
    half = recipe.steps / 2
    if recipe.optimizer == "gd" or step < half:
        return 1.0
    cosine = (1 + math.cos(math.pi * (step - half) / half)) / 2
    return ADAM_FINAL_FRACTION + (1 - ADAM_FINAL_FRACTION) * cosine


def _loop(
    run: _Run,
    instance: Instance,
    recipe: Recipe,
    tokens: torch.Tensor,
    data: torch.Tensor,
    progress: ProgressCallback | None,
    keeper: Keeper | None,
) -> str:
    """Train until something ends it; returns what. Only records end it, so that the time of a look changes nothing."""
    recorded, clock, stopped = frozenset(recipe.recorded_steps), time.monotonic(), None
    while True:
        loss = _gradient(run, instance.prompt_length, recipe, tokens, data)
        run.losses.append(loss)
        now = time.monotonic()
        if run.step in recorded or now - clock > LOOK_SECONDS:
            _look(run)
            if run.step in recorded:
                _record(run, instance)
                stopped = _end(run, recipe)
            run.seconds, clock = run.seconds + time.monotonic() - clock, time.monotonic()
            if keeper is not None and run.diverged_at is None:
                keeper.offer(lambda: _state(run), final=stopped is not None)
            if progress is not None:
                progress(run.step, recipe.steps, float(loss))
            if stopped is not None:
                return stopped
        factor = _rate_factor(recipe, run.step)
        for group, rate in zip(run.optimizer.param_groups, (recipe.rate_queries, recipe.rate_weights), strict=True):
            group["lr"] = rate * factor
        run.optimizer.step()
        run.step += 1


def _look(run: _Run) -> None:
    """Find the first loss that is no finite number among those since the last look."""
    finite = torch.isfinite(torch.stack(run.losses)).cpu().numpy()
    if run.diverged_at is None and not finite.all():
        run.diverged_at = run.step - len(finite) + 1 + int(np.argmin(finite))
    run.losses.clear()


def _end(run: _Run, recipe: Recipe) -> str | None:
    """Why training ends at this record, if it does."""
    if run.diverged_at is not None:
        return f"the loss stopped being a finite number at step {run.diverged_at}"
    if run.step == recipe.steps:
        return f"the budget of {recipe.steps} steps ended"
    if _gradient_is_small(run, recipe):
        return f"the gradient norm fell below {recipe.gradient_tolerance:g} of its first value"
    return None


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
    """Squares are summed in float64: those of gradients in float32 may be out of its range."""
    gradients = [parameter.grad for parameter in (run.queries, run.weights) if parameter.grad is not None]
    norm = float(torch.stack([gradient.double().square().sum() for gradient in gradients]).sum().sqrt())
    if run.step == 0:
        run.gradient_scale = norm
    return norm <= recipe.gradient_tolerance * run.gradient_scale < math.inf


def _record(run: _Run, instance: Instance) -> None:
    if run.iterations and run.iterations[-1] == run.step:
        return  # already recorded before a resume
    network = Network(queries=run.queries, weights=run.weights)
    run.iterations.append(run.step)
    run.mixtures.append(mixture_float64(network, instance.tokens, instance.prompt_length))


def _state(run: _Run) -> State:
    """A copy of the run's state: an interruption may fall in the middle of an update."""
    arrays = {name: _copied(getattr(run, name)) for name in PARAMETERS}
    for name in PARAMETERS:
        kept = run.optimizer.state.get(getattr(run, name), {})
        arrays |= {f"{name}.{key}": _copied(kept[key]) for key in (*ADAM_MOMENTS, "step") if key in kept}
    return State(
        settings=run.settings,
        step=run.step,
        iterations=tuple(run.iterations),
        gradient_scale=run.gradient_scale,
        seconds=run.seconds,
        arrays=arrays | {"mixtures": np.array(run.mixtures)},
    )


def _copied(tensor: torch.Tensor) -> ndarray:
    return np.array(tensor.detach().cpu().numpy())


def _restore(run: _Run, state: State) -> None:
    """Put the run where it was.

    Raises:
        InputError: the state is of another run.
    """
    difference = difference_of(state.settings, run.settings)
    if difference:
        raise InputError(f"the state to resume from belongs to another run ({difference}); rerun as it was")
    with torch.no_grad():
        for name in PARAMETERS:
            getattr(run, name).copy_(torch.from_numpy(state.arrays[name]))
    if f"{PARAMETERS[0]}.step" in state.arrays:
        kept = {
            place: {key: torch.tensor(state.arrays[f"{name}.{key}"]) for key in (*ADAM_MOMENTS, "step")}
            for place, name in enumerate(PARAMETERS)
        }
        run.optimizer.load_state_dict(run.optimizer.state_dict() | {"state": kept})
    run.step, run.seconds, run.gradient_scale = state.step, state.seconds, state.gradient_scale
    run.iterations, run.mixtures = list(state.iterations), list(state.arrays["mixtures"])
