"""The PL inequality: equality with one prompt token, and quadratic theory for the gradient in α."""

import numpy as np
import pytest
import sympy as sp

from theorems import pl
from theorems.network.letters import HERE
from theorems.network.points import pairs
from theorems.pl import SIGMA, kept, slope_chain, step_chain
from theorems.setting.constants import gamma, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K


def test_the_constants_come_out_of_the_chains() -> None:
    slope = slope_chain(HERE, kept(HERE))
    assert sp.simplify(slope.end - gamma**2 * zeta_0 / K * HERE.gap) == 0
    assert sp.simplify(2 * SIGMA * HERE.gap - slope.end) == 0
    assert step_chain(HERE, kept(HERE)).end.has(HERE.gap)


def test_losing_more_of_the_eigenvalue_costs_in_proportion() -> None:
    ends = [slope_chain(HERE, kept(HERE, loss)).end for loss in (1, 10)]
    assert sp.simplify(ends[0] / ends[1]) == 10


def test_the_gradient_in_alpha_is_that_of_a_quadratic(quick: Experiment) -> None:
    """‖∇_{α_k} ℓ‖ = (γ/K) ‖B_kᵀδ_k‖, in plain numpy, and λ_min makes it large."""
    for point, _ in pairs(quick, "quadratic"):
        tokens = len(point.tokens)
        for k in range(tokens):
            B, delta = point.b[:, :, k].T, point.delta[:, k]
            expected = point.gamma / tokens * B.T @ delta
            assert np.allclose(point.gradients[1][:, k], expected, rtol=1e-8, atol=1e-10)
            least = np.linalg.eigvalsh(B @ B.T)[0]
            assert np.sum((B.T @ delta) ** 2) >= least * np.sum(delta**2) * (1 - 1e-9) - 1e-12
        assert point.gap == pytest.approx(np.sum(point.delta**2) / (2 * tokens), rel=1e-9)


def test_a_step_that_leaves_the_region_is_an_error(quick: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pl, "lipschitz_float", lambda *_: 1e-9)
    with pytest.raises(ArithmeticError, match="doubles"):
        list(pl.measure_points(pl.Contraction(quick)))
