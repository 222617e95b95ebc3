"""Lemma 4: the mean over Gaussian noise by quadrature, which is exact for squares."""

from itertools import product

import numpy as np
import pytest


@pytest.mark.parametrize("tau", [0.1, 2.0])
def test_gauss_hermite_quadrature(tau: float) -> None:
    """Independent oracle: three nodes integrate polynomials of degree 5 against a Gaussian exactly."""
    rng = np.random.default_rng(0)
    N, m = 2, 2
    Z, y, task = rng.standard_normal((m, N)), rng.standard_normal(N), rng.standard_normal(m)
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    mean = 0.0
    for choice in product(range(3), repeat=N * m):
        noise = np.sqrt(tau) * nodes[list(choice)].reshape(m, N)
        mean += np.prod(weights[list(choice)]) * np.sum((y - (Z + noise).T @ task) ** 2) / (2 * N)
    expected = np.sum((y - Z.T @ task) ** 2) / (2 * N) + tau / 2 * np.sum(task**2)
    assert mean == pytest.approx(expected, rel=1e-12)
