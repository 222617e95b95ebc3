"""Training: every step is the one asked for, the optimum is reached, every way to end says so."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from numerics import InputError
from numerics.instance import Instance, synthetic
from numerics.loss import feature_noise, label_moments, population_loss, sample_labels, sample_tasks, sampled_loss
from numerics.measure import UNIT_ROUNDOFF, token_loss_rounding, token_losses
from numerics.model import Network, attention, initial_network, mixture, mixture_float64
from numerics.recipe import Recipe
from numerics.training import ADAM_FINAL_FRACTION, Trained, _rate_factor, resolve_device, train

N, K, D, M, H, TAU = 2, 5, 3, 2, 6, 0.5
INSTANCE = synthetic(np.random.default_rng(0), N=N, K=K, d=D, m=M, tau=TAU)
MOMENTS = label_moments(INSTANCE.features, feature_noise(TAU), np.eye(M))
TOKENS, MOMENTS_T = torch.from_numpy(INSTANCE.tokens), torch.from_numpy(MOMENTS)
START = initial_network(np.random.default_rng(1), heads=H, d=D, K=K, scale=1.0)
MOVED = Network(queries=START.queries, weights=torch.from_numpy(np.random.default_rng(2).standard_normal((H, K))))


def recipe(**changes: Any) -> Recipe:
    given = {"steps": 20, "optimizer": "gd", "rate_queries": 0.02, "rate_weights": 0.05, "precision": "float64"}
    return Recipe(**given | {"gradient_tolerance": 0.0} | changes)


def run(start: Network = START, instance: Instance = INSTANCE, **changes: Any) -> Trained:
    return train(instance, start, recipe(**changes), moments=MOMENTS)


def gradients(network: Network, dtype: torch.dtype = torch.float64) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Population loss and its two gradients, by automatic differentiation outside the training loop."""
    leaf = network.to(device="cpu", dtype=dtype)
    leaf.queries.requires_grad_()
    leaf.weights.requires_grad_()
    loss = population_loss(mixture(leaf, TOKENS.to(dtype), N), MOMENTS_T.to(dtype)).mean()
    return float(loss.detach()), *torch.autograd.grad(loss, (leaf.queries, leaf.weights))


def losses(trained: Trained) -> np.ndarray:
    mean: np.ndarray = token_losses(trained.mixtures, MOMENTS).mean(axis=1)
    return mean


def loss_error(trained: Trained) -> float:
    """A bound on the rounding error of any of `losses`."""
    return float(token_loss_rounding(trained.mixtures, np.abs(MOMENTS), 0).max()) * (1 + K * UNIT_ROUNDOFF)


def evaluation_error(trained: Trained) -> float:
    """A bound on the difference to a loss evaluated from the parameters: both losses err, and so do both mixtures.

    A mixture entry takes about 50 roundings (logit, softmax, heads); the loss is quadratic in it.
    """
    size = float(np.abs(MOMENTS).sum()) * (1 + float(np.abs(trained.mixtures).max())) ** 2
    return 2 * loss_error(trained) + 100 * UNIT_ROUNDOFF * size


def test_one_gradient_step_uses_both_step_sizes() -> None:
    _, queries, weights = gradients(MOVED)
    result = run(MOVED, steps=1, rate_queries=0.3, rate_weights=0.07).network
    assert torch.equal(result.queries, MOVED.queries.add(queries, alpha=-0.3))
    assert torch.equal(result.weights, MOVED.weights.add(weights, alpha=-0.07))


def test_the_first_adam_step_has_the_length_of_its_rate() -> None:
    _, queries, weights = gradients(MOVED)
    result = run(MOVED, steps=1, optimizer="adam", rate_queries=0.3, rate_weights=0.07).network
    for after, before, gradient, rate in (
        (result.queries, MOVED.queries, queries, 0.3),
        (result.weights, MOVED.weights, weights, 0.07),
    ):
        # bias-corrected averages after one step are g and g^2; about ten roundings of numbers below |before| + rate
        expected = before - rate * gradient / (gradient.abs() + 1e-8)
        assert ((after - expected).abs() <= 16 * UNIT_ROUNDOFF * (before.abs() + rate)).all()


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_a_safe_step_lowers_the_loss_by_its_first_order_prediction(rate: float) -> None:
    before, queries, weights = gradients(MOVED)
    squares = float(queries.square().sum() + weights.square().sum())
    trained = run(MOVED, steps=1, rate_queries=rate, rate_weights=rate)
    history = losses(trained)
    flat = torch.cat([MOVED.queries.flatten(), MOVED.weights.flatten()])
    hessian = torch.autograd.functional.hessian(flat_loss, flat)
    # Taylor: the decrease is rate |g|^2 (1 - rate |Hessian| / 2), the Hessian allowed to double along the step
    curvature = 2 * float(torch.linalg.matrix_norm(hessian, 2))
    assert abs(history[0] - before) <= evaluation_error(trained)
    assert abs((history[0] - history[1]) - rate * squares) <= rate**2 * squares * curvature / 2


def flat_loss(flat: torch.Tensor) -> torch.Tensor:
    queries, weights = flat[: H * D * D].reshape(H, D, D), flat[H * D * D :].reshape(H, K)
    return population_loss(mixture(Network(queries=queries, weights=weights), TOKENS, N), MOMENTS_T).mean()


@pytest.mark.parametrize("start", [START, MOVED])
def test_gradient_descent_never_raises_the_loss(start: Network) -> None:
    trained = run(start, steps=60, rate_queries=0.01, rate_weights=0.01)
    history = losses(trained)
    assert len(history) == 61
    assert (np.diff(history) <= 2 * loss_error(trained)).all()
    assert history[-1] < history[0]


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 0.02), ("gd", 0.3)])
def test_training_reaches_the_least_population_loss(optimizer: str, rate: float) -> None:
    trained = run(optimizer=optimizer, rate_queries=rate, rate_weights=rate, steps=6000, gradient_tolerance=1e-4)
    assert trained.stopped == "the gradient norm fell below 0.0001 of its first value"
    assert trained.diverged_at is None
    _, queries, weights = gradients(trained.network)
    first = math.hypot(*(float(g.norm()) for g in gradients(START)[1:]))
    assert math.hypot(float(queries.norm()), float(weights.norm())) <= 1e-4 * first
    # The mixture ranges over all matrices, so the least loss solves the normal equations M_PP A = M_P.
    best = token_losses(np.linalg.solve(MOMENTS[:N, :N], MOMENTS[:N]), MOMENTS).mean()
    # For fixed queries the loss of token k is quadratic in w with Hessian C' M_PP C / K, C = its softmax columns;
    # a quadratic lies at most |gradient|^2 / (2 least non-zero eigenvalue) above its least value.
    columns = attention(trained.network.queries, TOKENS, N).permute(2, 1, 0).numpy()  # K x N x H
    root = np.linalg.cholesky(MOMENTS[:N, :N]).T
    curvature = (np.linalg.svd(root @ columns, compute_uv=False)[:, -1] ** 2 / K).min()
    gap = losses(trained)[-1] - best
    assert -3 * loss_error(trained) <= gap <= float(weights.norm()) ** 2 / (2 * curvature) + 3 * loss_error(trained)
    assert gap < 1e-6 * losses(trained)[0]


def test_no_steps_change_nothing() -> None:
    trained = run(MOVED, steps=0)
    assert trained.iterations.tolist() == [0]
    assert trained.stopped == "the budget of 0 steps ended"
    assert torch.equal(trained.network.queries, MOVED.queries)
    assert torch.equal(trained.network.weights, MOVED.weights)
    assert np.array_equal(trained.final, mixture_float64(MOVED, INSTANCE.tokens, N))


def test_the_history_is_the_training() -> None:
    long, short = run(MOVED, steps=40), run(MOVED, steps=13)  # gradient descent does not know its budget
    assert long.iterations.tolist() == list(range(41))
    assert long.stopped == "the budget of 40 steps ended"
    assert np.array_equal(long.mixtures[:14], short.mixtures)
    assert np.array_equal(short.final, mixture_float64(short.network, INSTANCE.tokens, N))


def test_a_long_training_is_recorded_a_hundred_times() -> None:
    seen: list[tuple[int, int, float]] = []
    trained = train(INSTANCE, MOVED, recipe(steps=250), moments=MOMENTS, progress=lambda *report: seen.append(report))
    assert len(trained.iterations) == 101
    assert trained.iterations[[0, 1, -1]].tolist() == [0, 2, 250]
    assert [step for step, _, _ in seen] == trained.iterations.tolist()
    assert {steps for _, steps, _ in seen} == {250}
    assert np.abs(np.array([loss for _, _, loss in seen]) - losses(trained)).max() <= evaluation_error(trained)


def test_a_loose_gradient_tolerance_stops_early() -> None:
    trained = run(steps=60, gradient_tolerance=0.5)
    assert trained.stopped == "the gradient norm fell below 0.5 of its first value"
    assert 0 < trained.iterations[-1] < 60


def test_a_stationary_start_is_left_alone() -> None:
    trained = train(INSTANCE, START, recipe(steps=60), moments=np.zeros((K, K)))
    assert trained.iterations.tolist() == [0]
    assert "gradient norm" in trained.stopped


def first_bad_step(start: Network, rate: float, dtype: torch.dtype) -> int:
    """Plain gradient descent by hand until the loss is no number."""
    network = start.to(device="cpu", dtype=dtype)
    for step in range(1000):
        loss, queries, weights = gradients(network, dtype)
        if not math.isfinite(loss):
            return step
        network = Network(
            queries=network.queries.add(queries, alpha=-rate), weights=network.weights.add(weights, alpha=-rate)
        )
    raise AssertionError("this rate does not diverge")


@pytest.mark.parametrize("steps", [60, 3000])  # recorded at every step, and at every thirtieth
@pytest.mark.parametrize(("precision", "rate"), [("float32", 1e30), ("float32", 20.0), ("float64", 1e6)])
def test_divergence_names_the_first_bad_step(precision: str, rate: float, steps: int) -> None:
    bad = first_bad_step(MOVED, rate, getattr(torch, precision))
    trained = run(MOVED, steps=steps, precision=precision, rate_queries=rate, rate_weights=rate)
    assert trained.diverged_at == bad
    assert trained.stopped == f"the loss stopped being a finite number at step {bad}"
    assert bad <= trained.iterations[-1] < bad + 30
    assert np.abs(trained.final).max() > 1e6 or np.isnan(trained.final).any()  # recorded as it is


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adam"}, {"objective": "sampled", "batch": 7}])
def test_the_same_seed_gives_the_same_numbers(changes: dict[str, Any]) -> None:
    first, again = (train(INSTANCE, START, recipe(**changes), moments=MOMENTS, labels=prompts(50)) for _ in range(2))
    assert np.array_equal(first.mixtures, again.mixtures)
    assert torch.equal(first.network.queries, again.network.queries)


def prompts(count: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return sample_labels(rng, sample_tasks(rng, count, M), INSTANCE.features, feature_noise(TAU))


def test_single_precision_follows_double_precision() -> None:
    steps, rate = 10, 0.02
    single, double = (
        run(MOVED, steps=steps, rate_queries=rate, rate_weights=rate, precision=precision)
        for precision in ("float32", "float64")
    )
    flat = torch.cat([MOVED.queries.flatten(), MOVED.weights.flatten()])
    hessian = torch.autograd.functional.hessian(flat_loss, flat)
    growth = (1 + rate * 2 * float(torch.linalg.matrix_norm(hessian, 2))) ** steps  # the Hessian may double
    # Each step rounds a gradient of about 100 operations on sums of absolute values at most `size`, and the
    # parameters; a later step multiplies the error by at most (1 + rate |Hessian|). The mixture moves by at
    # most the parameter error times its derivative, which sum |w| + H bounds for unit tokens.
    size = float(np.abs(MOMENTS).sum()) * float(flat.abs().max()) ** 2 * H
    drift = (steps + 1) * growth * 2.0**-24 * (float(flat.abs().max()) + rate * 100 * size)
    error = drift * (float(MOVED.weights.abs().sum(dim=0).max()) + H)
    assert 0 < np.abs(single.final - double.final).max() <= error
    assert error < 0.05 * np.abs(double.final).max()  # the comparison means something


def test_mini_batches_lower_the_loss_of_all_prompts() -> None:
    labels = prompts(2000)
    changes: dict[str, Any] = {"objective": "sampled", "optimizer": "adam", "rate_queries": 0.02, "rate_weights": 0.02}
    trained = train(INSTANCE, START, recipe(steps=400, **changes), labels=labels)
    ends = [torch.from_numpy(mixed) for mixed in trained.mixtures[[0, -1]]]
    first, last = (float(sampled_loss(mixed, torch.from_numpy(labels)).mean()) for mixed in ends)
    # least squares on all prompts: no mixture does better, and mini-batches of 256 recover most of the difference
    best = np.linalg.lstsq(labels[:, :N], labels, rcond=None)[0]
    least = float(sampled_loss(torch.from_numpy(best), torch.from_numpy(labels)).mean())
    assert least <= last < least + (first - least) / 2


def test_batches_depend_on_the_seed() -> None:
    results = [
        train(INSTANCE, START, recipe(objective="sampled", batch=5, seed=seed), labels=prompts(50)).final
        for seed in (0, 1)
    ]
    assert not np.array_equal(*results)


@pytest.mark.parametrize("objective", ["population", "sampled"])
def test_an_objective_without_its_data_is_refused(objective: str) -> None:
    given = {"labels": prompts(4)} if objective == "population" else {"moments": MOMENTS}
    with pytest.raises(InputError, match=f"the {objective} objective needs its data; pass moments or labels"):
        train(INSTANCE, START, recipe(objective=objective), **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"steps": -1}, "steps = -1 is negative; give --steps 0 or more")]
    + [
        ({f"rate_{name}": value}, f"rate_{name} = {value} is not a step size; give --rate-{name} a positive finite")
        for name in ("queries", "weights")
        for value in (0.0, -0.1, math.nan, math.inf)
    ],
)
def test_a_bad_recipe_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        recipe(**changes)


def test_adam_holds_its_rate_for_half_the_budget_then_lowers_it() -> None:
    factors = [_rate_factor(recipe(steps=100, optimizer="adam"), step) for step in range(101)]
    assert factors[:51] == [1.0] * 51
    assert factors[50:] == sorted(factors[50:], reverse=True)
    assert factors[-1] == ADAM_FINAL_FRACTION
    assert {_rate_factor(recipe(steps=100), step) for step in range(101)} == {1.0}


@pytest.mark.parametrize(
    ("name", "present", "device"),
    [
        ("auto", False, "cpu"),
        ("auto", True, "cuda"),
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_devices_are_resolved(monkeypatch: pytest.MonkeyPatch, name: str, present: bool, device: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert resolve_device(name) == device


def test_absent_and_unknown_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="device = 'cuda' but torch finds no CUDA device; use --device cpu or auto"):
        resolve_device("cuda")
    with pytest.raises(InputError, match="device = 'tpu' is unknown; give --device auto, cpu or cuda"):
        resolve_device("tpu")
