"""Lemma 4: the mean over Gaussian noise by quadrature, which is exact for squares."""

from itertools import product

import numpy as np
import pytest

from theorems.lemma4 import RIGHT
from theorems.setting.notation import N, Z, m, task, tau, y
from verify.certify import as_float64, balls, evaluate


@pytest.mark.parametrize("level", [0.1, 2.0])
def test_gauss_hermite_quadrature(level: float) -> None:
    """Independent oracle: three nodes integrate polynomials of degree 5 against a Gaussian exactly."""
    rng, size = np.random.default_rng(0), 2
    features, labels, coefficients = (rng.standard_normal((size, count)) for count in (size, 1, 1))
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    mean = 0.0
    for choice in product(range(3), repeat=size**2):
        noise = np.sqrt(level) * nodes[list(choice)].reshape(size, size)
        mean += (
            np.prod(weights[list(choice)]) * np.sum((labels - (features + noise).T @ coefficients) ** 2) / (2 * size)
        )
    known = {N: size, m: size, tau: level, Z: balls(features), y: balls(labels), task: balls(coefficients)}
    stated, _ = as_float64(evaluate(RIGHT, known))
    assert mean == pytest.approx(stated.item(), rel=1e-12)
