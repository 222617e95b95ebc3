"""The slope of ridge's error against a numerical derivative, and where it changes its sign."""

import numpy as np
import pytest

from tests.theorems.test_best import error


def test_the_slope_is_the_numerical_derivative() -> None:
    rng = np.random.default_rng(1)
    features, unseen, level, penalty, change = rng.standard_normal((3, 4)), rng.standard_normal(3), 0.2, 1.1, 1e-5
    ends = (error(penalty + sign * change, features, unseen, 3 * level) for sign in (1, -1))
    vectors, values, _ = np.linalg.svd(features)
    terms = (vectors.T @ unseen) ** 2 * values**2 / (values**2 + penalty) ** 3
    upper, lower = ends
    assert (upper - lower) / (2 * change) == pytest.approx(2 * (penalty - 3 * level) * terms.sum(), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_error_falls_up_to_m_tau_and_rises_from_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, unseen, level = rng.standard_normal((4, 6)), rng.standard_normal(4), 0.3
    before, after = (
        [error(penalty, features, unseen, 4 * level) for penalty in 4 * level * np.geomspace(1, end, 20)]
        for end in (1e-2, 1e2)
    )
    assert all(np.diff(before) > 0)
    assert all(np.diff(after) > 0)


def test_a_token_that_the_prompt_does_not_see_has_no_slope() -> None:
    """Twin: with Zᵀz_k = 0 every penalty answers 0, and the error is ‖z_k‖² throughout."""
    features, unseen = np.diag([1.0, 2.0, 0.0]), np.array([0.0, 0.0, 3.0])
    assert [error(penalty, features, unseen, 0.3) for penalty in (0.1, 1.0, 10.0)] == pytest.approx([9.0] * 3)
