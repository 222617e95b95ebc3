"""The symbolic limit: its evaluation against independent float64 linear algebra, and its symmetries."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.instance import Instance, synthetic
from theorems.setting.limit import Limit, limit_values
from theorems.setting.notation import K, N, m, tau


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    prompt = draw(st.integers(1, 6))
    sizes = {
        "N": prompt,
        "K": prompt + draw(st.integers(1, 5)),
        "d": draw(st.integers(3, 6)),
        "m": draw(st.integers(1, 7)),
    }
    noise = draw(st.sampled_from([0.01, 0.1, 1.0, 10.0]))
    return synthetic(np.random.default_rng(draw(st.integers(0, 2**16))), tau=noise, **sizes)


@settings(max_examples=25, deadline=None)
@given(instances())
def test_the_values_match_float64_linear_algebra(data: Instance) -> None:
    values = limit_values(Limit(), data)
    Z, Z_all = data.features[: data.prompt_length].T, data.features.T
    penalty = data.feature_count * data.noise
    gram = Z.T @ Z + penalty * np.eye(data.prompt_length)
    # A solve is backward stable: its error is at most a small multiple of size * condition * roundoff.
    tolerance = 100 * len(gram) * np.linalg.cond(gram) * np.finfo(float).eps * max(1, np.abs(Z_all).max() ** 2)
    target = Z.T @ Z_all
    target[:, : data.prompt_length] += penalty * np.eye(data.prompt_length)
    assert np.allclose(values.a_hat, np.linalg.solve(gram, target), rtol=0, atol=tolerance)
    assert np.allclose(values.z_bar @ values.z_bar, gram, rtol=0, atol=tolerance * np.abs(gram).max())
    assert np.allclose(values.coefficient_map, np.linalg.solve(gram, Z.T).T, rtol=0, atol=tolerance / min(1, penalty))


@settings(max_examples=25, deadline=None)
@given(instances())
def test_l_star_is_the_loss_at_the_limit(data: Instance) -> None:
    """Independent oracle: half the mean residual variance of predicting each label from the prompt labels."""
    values = limit_values(Limit(), data)
    moments = data.features @ data.features.T + data.feature_count * data.noise * np.eye(data.dictionary_size)
    errors = np.vstack([values.a_hat, np.zeros((data.dictionary_size - data.prompt_length, data.dictionary_size))])
    errors = errors - np.eye(data.dictionary_size)
    expected = np.trace(errors.T @ moments @ errors) / (2 * data.dictionary_size)
    scale = np.abs(errors).sum() ** 2 * np.abs(moments).max()
    assert values.loss_star == pytest.approx(expected, rel=1e-12, abs=1e-13 * scale)


def test_the_prompt_columns_of_the_limit_are_exact_unit_vectors() -> None:
    data = synthetic(np.random.default_rng(3), N=5, K=9, d=4, m=3, tau=0.1)
    assert np.abs(limit_values(Limit(), data).a_hat[:, :5] - np.eye(5)).max() <= 2**-52


def test_a_singular_penalty_is_refused() -> None:
    data = synthetic(np.random.default_rng(0), N=4, K=6, d=3, m=2, tau=0.1)  # Z^T Z has rank 2
    with pytest.raises((ZeroDivisionError, ArithmeticError)):
        limit_values(Limit(penalty=sp.Integer(0)), data)


def test_the_paper_penalty_is_m_tau() -> None:
    assert Limit().penalty == m * tau
    assert {N, K, m} <= Limit().loss_star.free_symbols
