"""The mean error by numpy, where it is attained, how often noise exceeds the bound, and what happens as τ → 0."""

import numpy as np
import pytest
import sympy as sp

from theorems import theorem2, theorem2_free
from theorems.setting.constants import B, Delta_0, Z_size, epsilon, threshold
from theorems.setting.experiment import Experiment
from theorems.setting.notation import m, tau
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.theorem2_free import NoiseFree
from verify.claim import Verdict
from verify.runner import run_checks


def errors(
    rng: np.random.Generator, features: np.ndarray, apart: np.ndarray, task: np.ndarray, level: float
) -> np.ndarray:
    """‖Xᵀy‖² for 100 000 draws of y = Zᵀλ + n."""
    noise = np.sqrt(level) * np.linalg.norm(task) * rng.standard_normal((100_000, features.shape[1]))
    found: np.ndarray = np.sum(((features.T @ task + noise) @ apart) ** 2, axis=1)
    return found


def gap(features: np.ndarray, apart: np.ndarray, level: float) -> float:
    """‖Z̄X‖_F² = 2KΔ."""
    square = features.T @ features + len(features) * level * np.eye(features.shape[1])
    return float(np.sum(apart * (square @ apart)))


@pytest.mark.parametrize(("size", "level"), [(1, 0.5), (4, 0.1), (6, 1e-4)])
def test_the_mean_is_below_the_bound_and_attains_it_for_one_feature(size: int, level: float) -> None:
    rng = np.random.default_rng(size)
    features, apart, task = rng.standard_normal((size, 5)), rng.standard_normal((5, 8)), rng.standard_normal(size)
    found, bound = errors(rng, features, apart, task, level), task @ task * gap(features, apart, level)
    stated = np.sum((apart.T @ features.T @ task) ** 2) + level * task @ task * np.sum(apart**2)
    assert found.mean() == pytest.approx(stated, rel=0.03)
    assert stated <= bound * (1 + 1e-12)
    assert (stated == pytest.approx(bound, rel=1e-12)) == (size == 1)


@pytest.mark.parametrize("delta", [0.3, 0.05, 0.01])
@pytest.mark.parametrize("size", [1, 5])
def test_gaussian_noise_seldom_exceeds_the_bound(size: int, delta: float) -> None:
    rng = np.random.default_rng(size)
    features, task = rng.standard_normal((size, 5)), rng.standard_normal(size)
    apart = np.outer(rng.standard_normal(5), rng.standard_normal(8))  # of rank one, where the tail is widest
    x = np.log(1 / delta)
    allowed = 2 * task @ task * max(1, (1 + 2 * np.sqrt(x) + 2 * x) / size) * gap(features, apart, 0.4)
    assert np.mean(errors(rng, features, apart, task, 0.4) > allowed) <= delta


def test_a_task_twice_as_long_has_four_times_the_error() -> None:
    """Twin: noise scales with the task."""
    rng = np.random.default_rng(3)
    features, apart, task = rng.standard_normal((4, 5)), rng.standard_normal((5, 8)), rng.standard_normal(4)
    once, twice = (
        errors(np.random.default_rng(0), features, apart, factor * task, 0.2).mean() for factor in (1.0, 2.0)
    )
    assert twice == pytest.approx(4 * once, rel=1e-10)


def test_the_number_of_steps_stays_finite_as_noise_vanishes() -> None:
    """The ratio of the paper's Theorem 2 grows without end as τ → 0, this one has no τ."""
    known = {B: 1, Delta_0: 1, epsilon: 1, Z_size: 1, threshold: 1, m: 4}
    assert tau not in theorem2_free.RATIO.free_symbols
    assert sp.limit(theorem2.RATIO.subs(known), tau, 0, "+") == sp.oo


def test_fewer_steps_are_asked_for_than_in_theorem_2_and_the_record_names_both(quick: Experiment) -> None:
    found = {f.name: f for f in theorem2_free.certify_steps(NoiseFree(quick))}["T steps made"]
    assert found.verdict is Verdict.PASS
    assert 0 < found.quantities["T"] < found.quantities["T_theorem2"]  # type: ignore[union-attr]


def test_steps_out_of_reach_are_undecided() -> None:
    strict = prepare(resolve("quick", {"epsilon": 1e-150}))
    (found,) = run_checks([theorem2_free.certify_steps], NoiseFree(strict))
    assert found.verdict is Verdict.UNDECIDED


def test_the_chain_is_refuted_where_its_bound_is_a_thousandth(quick: Experiment) -> None:
    first, _ = theorem2_free.derive_tail(NoiseFree(quick, error_share=sp.Rational(1, 1000)))
    assert first.status == "refuted"
