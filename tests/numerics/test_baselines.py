"""The two ridge solvers against the minimiser in exact rational arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import flint
import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.baselines import ridge_least_squares, ridge_sklearn
from numerics.measure import rounding

Solver = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
SOLVERS = [ridge_sklearn, ridge_least_squares]
PENALTIES = [0.0625, 0.5, 3.0, 40.0]


def exact_ridge(features: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """(Z'Z + penalty I)^-1 Z'y over the rationals; float64 data are rationals."""

    def rational(matrix: np.ndarray) -> flint.fmpq_mat:
        return flint.fmpq_mat(*matrix.shape, [flint.fmpq(*float(x).as_integer_ratio()) for x in matrix.ravel()])

    Z = rational(features)
    normal = Z.transpose() * Z + rational(penalty * np.eye(features.shape[1]))
    solution = normal.solve(Z.transpose() * rational(labels))
    return np.array([[Fraction(int(x.p), int(x.q)) for x in row] for row in solution.tolist()], dtype=object)


def solver_error(features: np.ndarray, labels: np.ndarray, penalty: float) -> float:
    """A bound on the error of a backward stable solver of the augmented problem min |D b - c|.

    With backward error e = p(n, m) u |D| the solution moves by at most e kappa^2 (|b| + |c| / |D|) to first
    order, up to a factor 4 (Higham, Accuracy and Stability, 2nd ed., Theorem 20.1), and |b| <= |c| / s_min.
    The polynomial p of the Householder and SVD algorithms is taken as 10 (n + m) m.
    """
    m = features.shape[1]
    singular = np.linalg.svd(np.vstack([features, np.sqrt(penalty) * np.eye(m)]), compute_uv=False)
    condition, rows = singular[0] / singular[-1], len(features) + m
    return 4 * rounding(10 * rows * m) * condition**2 * 2 * float(np.linalg.norm(labels)) / singular[-1]


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize(("N", "m", "P"), [(1, 1, 1), (1, 4, 2), (3, 3, 1), (6, 2, 4), (2, 6, 3)])
@given(seed=st.integers(0, 2**32 - 1), penalty=st.sampled_from(PENALTIES))
def test_solvers_find_the_exact_minimiser(solve: Solver, N: int, m: int, P: int, seed: int, penalty: float) -> None:
    rng = np.random.default_rng(seed)
    features, labels = rng.integers(-8, 9, (N, m)) / 4, rng.integers(-8, 9, (N, P)) / 4
    found = solve(features, labels, penalty)
    assert found.shape == (m, P)
    error = np.abs(np.vectorize(Fraction, otypes=[object])(found) - exact_ridge(features, labels, penalty))
    assert float(error.max()) <= solver_error(features, labels, penalty)


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_wrong_penalty_is_seen(solve: Solver, factor: float) -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    error = np.abs(solve(features, labels, 0.5 * factor) - exact_ridge(features, labels, 0.5).astype(float))
    assert error.max() > 1e6 * solver_error(features, labels, 0.5)


def test_the_solvers_are_two() -> None:
    rng = np.random.default_rng(1)
    features, labels = rng.standard_normal((30, 20)), rng.standard_normal((30, 4))
    difference = ridge_sklearn(features, labels, 0.2) - ridge_least_squares(features, labels, 0.2)
    assert 0 < np.abs(difference).max() <= 2 * solver_error(features, labels, 0.2)  # each errs, in its own way


@pytest.mark.parametrize("solve", SOLVERS)
def test_labels_that_do_not_match_the_features_are_refused(solve: Solver) -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match="labels"):
        solve(np.ones((3, 2)), np.ones((4, 1)), 1.0)
