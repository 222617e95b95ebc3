"""Lemma 10: a Hessian by automatic differentiation, the spectral norm by numpy, and the derived matrix."""

import numpy as np
import pytest
import sympy as sp
import torch

from numerics.instance import synthetic
from numerics.loss import feature_noise, label_moments, population_loss
from numerics.model import Network, mixture
from theorems import lemma2, lemma2_sharp
from theorems.lemma10 import STATED, lipschitz_matrix
from theorems.setting.constants import D, Z_norm, alpha, f_max, gamma
from theorems.setting.limit import Limit, limit_values
from theorems.setting.notation import H, K
from theorems.setting.stated_constants import spectral_norm


def test_the_derived_matrix_is_the_stated_one_but_for_one_smaller_term() -> None:
    difference = (STATED - lipschitz_matrix(lemma2.LIPSCHITZ)).applyfunc(sp.simplify)
    assert difference == sp.Matrix([[2 * gamma * f_max * alpha * D, 0], [0, 0]])


def test_the_sharp_lemma_2_halves_the_mixed_terms_and_leaves_the_last() -> None:
    sharp, full = lipschitz_matrix(lemma2_sharp.LIPSCHITZ), lipschitz_matrix(lemma2.LIPSCHITZ)
    assert [sp.simplify(a / b) for a, b in zip(sharp[1:], full[1:], strict=True)] == [
        sp.Rational(1, 2),
        sp.Rational(1, 2),
        1,
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_closed_form_is_the_spectral_norm(seed: int) -> None:
    matrix = np.random.default_rng(seed).uniform(0, 3, (2, 2))
    assert float(spectral_norm(sp.Matrix(matrix.tolist()))) == pytest.approx(np.linalg.norm(matrix, 2))


@pytest.mark.parametrize(("seed", "scale"), [(0, 0.0), (1, 0.1), (2, 1.0), (3, 3.0)])
def test_no_hessian_exceeds_the_constant(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    data = synthetic(rng, N=2, K=3, d=2, m=2, tau=0.2)
    heads, size_gamma = 2, 3.0
    moments = torch.from_numpy(label_moments(data.features, feature_noise(data.noise), np.eye(2)))
    tokens = torch.from_numpy(data.tokens)
    queries, alphas = rng.standard_normal((heads, 2, 2)), scale * rng.uniform(-1, 1, (heads, 3))

    def loss(flat: torch.Tensor) -> torch.Tensor:
        network = Network(queries=flat[:8].reshape(2, 2, 2), weights=size_gamma * flat[8:].reshape(2, 3))
        return population_loss(mixture(network, tokens, 2), moments).mean()

    flat = torch.from_numpy(np.concatenate([queries.ravel(), alphas.ravel()]))
    hessian = torch.autograd.functional.hessian(loss, flat).numpy()
    theory = limit_values(Limit(), data)
    z_norm, largest = np.linalg.norm(theory.z_bar, 2), np.abs(alphas).max()
    values = {
        K: 3,
        H: heads,
        gamma: size_gamma,
        alpha: largest,
        Z_norm: z_norm,
        f_max: np.linalg.norm(theory.z_bar, axis=0).max(),
        D: size_gamma * heads * largest * z_norm + np.linalg.norm(theory.z_bar @ theory.a_hat, 2),
    }
    for matrix in (STATED, lipschitz_matrix(lemma2_sharp.LIPSCHITZ)):
        constant = np.linalg.norm(np.array(matrix.subs(values), dtype=float), 2)
        assert np.linalg.norm(hessian, 2) <= constant * (1 + 1e-9)
