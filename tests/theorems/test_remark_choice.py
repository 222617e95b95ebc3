"""The two choices of coefficients by an independent solver, and their distance where N = m."""

from itertools import pairwise

import numpy as np
import pytest

from numerics.baselines import ridge_least_squares
from theorems import remark_choice
from theorems.remark_choice import Distance
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict
from verify.runner import run_checks


def distance(features: np.ndarray, labels: np.ndarray, first: float, second: float) -> float:
    """‖λ̂(c) − λ̂(c')‖ by augmented least squares."""
    solved = [ridge_least_squares(features.T, labels[:, None], penalty) for penalty in (first, second)]
    return float(np.linalg.norm(solved[0] - solved[1]))


def test_an_independent_solver_finds_the_stated_difference() -> None:
    rng = np.random.default_rng(0)
    features, labels, first, second = rng.standard_normal((3, 5)), rng.standard_normal(5), 0.6, 1.7
    square = features @ features.T
    inverses = [np.linalg.inv(square + penalty * np.eye(3)) for penalty in (first, second)]
    stated = (second - first) * inverses[0] @ inverses[1] @ features @ labels
    assert distance(features, labels, first, second) == pytest.approx(float(np.linalg.norm(stated)), rel=1e-10)


def test_the_distance_grows_on_either_side() -> None:
    rng = np.random.default_rng(1)
    features, labels = rng.standard_normal((4, 6)), rng.standard_normal(6)
    for penalties in (np.geomspace(1, 100, 20), np.geomspace(1, 0.01, 20)):
        found = [distance(features, labels, 1.0, penalty) for penalty in penalties]
        assert all(near < far for near, far in pairwise(found))


def test_scaled_labels_scale_the_distance() -> None:
    """Twin: both choices are linear in the labels."""
    rng = np.random.default_rng(2)
    features, labels = rng.standard_normal((4, 6)), rng.standard_normal(6)
    assert distance(features, 3 * labels, 0.5, 2.0) == pytest.approx(
        3 * distance(features, labels, 0.5, 2.0), rel=1e-10
    )


def test_for_n_equal_to_m_the_two_choices_are_one() -> None:
    same = prepare(resolve("quick", {"N": 4}))
    (found,) = run_checks([remark_choice.estimate_distance], Distance(same))
    assert found.verdict is Verdict.PASS
    assert found.findings[0].ends(1e-3) == (0.0, 0.0)  # type: ignore[union-attr]
