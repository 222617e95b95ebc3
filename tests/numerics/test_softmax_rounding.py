"""The one bound on the rounding error of softmax weights, against mpmath."""

from __future__ import annotations

from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics.measure import UNIT_ROUNDOFF, attention_rounding, logit_size, rounding, softmax_rounding
from numerics.model import attention

N, K, D, H = 4, 6, 3, 2


def drawn(seed: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return scale * rng.standard_normal((H, D, D)), rng.standard_normal((K, D))


def exact_weights(queries: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """softmax(V^T Q_h v_k), H x N x K, with 60 digits."""
    V, found = mpmath.matrix(tokens.tolist()), np.empty((H, N, K), dtype=object)
    for h in range(H):
        logits = V * mpmath.matrix(queries[h].tolist()) * V.T
        for k in range(K):
            powers = [mpmath.exp(logits[n, k]) for n in range(N)]
            found[h, :, k] = [power / mpmath.fsum(powers) for power in powers]
    return found


@given(st.integers(0, 10**6), st.sampled_from([0.0, 1e-3, 1.0, 10.0, 100.0]))
def test_no_weight_errs_by_more_relative_to_either_side(seed: int, scale: float) -> None:
    queries, tokens = drawn(seed, scale)
    computed = attention(torch.from_numpy(queries), torch.from_numpy(tokens), N).numpy()
    bound = attention_rounding(tokens[:N], queries, tokens)
    with mpmath.workdps(60):
        truth = exact_weights(queries, tokens)
        for found, true in zip(computed.ravel(), truth.ravel(), strict=True):
            if found > 1e-300:  # smaller ones have lost digits to underflow
                error = abs(mpmath.mpf(float(found)) - true)
                assert error <= bound * min(true, mpmath.mpf(float(found)))


def test_the_bound_is_not_vacuous() -> None:
    """Within a hundred times of what random logits of size 100 lose at worst."""
    worst = 0.0
    with mpmath.workdps(60):
        for seed in range(20):
            queries, tokens = drawn(seed, 10.0)
            computed = attention(torch.from_numpy(queries), torch.from_numpy(tokens), N).numpy()
            pairs = zip(computed.ravel(), exact_weights(queries, tokens).ravel(), strict=True)
            lost = max(float(abs(mpmath.mpf(float(found)) - true) / true) for found, true in pairs)
            worst = max(worst, lost / attention_rounding(tokens[:N], queries, tokens))
    assert 0.01 <= worst <= 1


def test_the_size_of_a_logit_is_that_of_its_terms() -> None:
    queries, tokens = drawn(0, 1.0)
    sizes = [
        sum(abs(v[a] * Q[a, b] * x[b]) for a in range(D) for b in range(D))
        for v in tokens[:N]
        for Q in queries
        for x in tokens
    ]
    assert logit_size(tokens[:N], queries, tokens) == pytest.approx(max(sizes), rel=1e-12)


def test_without_logits_only_the_roundings_of_the_sum_are_left() -> None:
    assert softmax_rounding(0.0, N) == pytest.approx(rounding(N + 6), rel=1e-9)
    assert attention_rounding(np.ones((N, D)), np.zeros((H, D, D)), np.ones((K, D))) == softmax_rounding(0.0, N)


def test_arrays_of_logit_errors_are_taken_one_by_one() -> None:
    errors = np.array([0.0, 1e-10, 1.0])
    assert softmax_rounding(errors, N).tolist() == [softmax_rounding(error, N) for error in errors]


def test_an_overflow_is_no_bound() -> None:
    assert softmax_rounding(1e308, N) == np.inf
    assert attention_rounding(np.ones((N, D)), np.full((H, D, D), 1e200), np.ones((K, D))) == np.inf


def test_the_bound_is_written_down_once() -> None:
    """Only `numerics.measure` exponentiates a rounding error: what needs rho asks for it."""
    root = Path(__file__).parents[2]
    for path in [*root.glob("theorems/*.py"), *root.glob("numerics/*.py")]:
        assert ("expm1" in path.read_text(encoding="utf-8")) == (path.name == "measure.py"), path.name


def test_unit_roundoff_enters_once() -> None:
    assert softmax_rounding(UNIT_ROUNDOFF, 1) == pytest.approx(2 * UNIT_ROUNDOFF + rounding(7), rel=1e-9)
