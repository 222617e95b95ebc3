"""Measurements and their rounding bounds, against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numerics.loss import feature_noise, label_moments, population_loss
from numerics.measure import UNIT_ROUNDOFF, mean_squared_gap, rounding, token_loss_rounding, token_losses

N, K, M = 3, 5, 2
exact = np.vectorize(Fraction, otypes=[object])

# Mantissas with all bits set and every scale from 1e-6 to 1e6: sums that cancel and sums that do not, and no underflow.
numbers = st.builds(
    lambda mantissa, power: float(np.ldexp(mantissa, power)), st.integers(-(2**53), 2**53), st.integers(-72, -33)
)


def matrices(*shape: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, shape, elements=numbers)


def exact_losses(mixed: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """(a - e_k)' M (a - e_k) / 2 in exact arithmetic, a padded with zeros; moments are exact already."""
    rows, columns = mixed.shape
    errors = np.vstack([exact(mixed), np.zeros((columns - rows, columns), dtype=int)]) - np.eye(columns, dtype=int)
    losses: np.ndarray = np.einsum("ik,ij,jk->k", errors, moments, errors) / 2
    return losses


def test_unit_roundoff_is_half_the_gap_above_one() -> None:
    assert np.nextafter(1.0, 2.0) - 1 == 2 * UNIT_ROUNDOFF


@given(st.integers(0, 10**9))
def test_rounding_is_the_formula(terms: int) -> None:
    u = Fraction(1, 2**53)
    value = terms * u / (1 - terms * u)
    # one product (exact for a power of two), one subtraction of 1 - n u with n u < 1e-6, one quotient: 3 roundings
    assert abs(Fraction(rounding(terms)) - value) <= 3 * u * value


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_roundings_in_sequence_stay_within_the_bound_of_their_sum(a: int, b: int) -> None:
    # (1 + gamma_a)(1 + gamma_b) <= 1 + gamma_{a+b}, up to the three roundings of each evaluation
    joined = rounding(a) + rounding(b) + rounding(a) * rounding(b)
    assert joined <= rounding(a + b) * (1 + 6 * UNIT_ROUNDOFF)


@given(matrices(N, K), matrices(K, K))
def test_loss_rounding_bounds_the_error_for_given_moments(mixed: np.ndarray, moments: np.ndarray) -> None:
    moments = moments + moments.T  # symmetric exactly
    error = np.abs(exact(token_losses(mixed, moments)) - exact_losses(mixed, exact(moments)))
    assert (error <= exact(token_loss_rounding(mixed, np.abs(moments), 0))).all()


@given(matrices(N, K), matrices(K, M), st.floats(1e-3, 1e3))
def test_loss_rounding_covers_rounded_moments(mixed: np.ndarray, features: np.ndarray, tau: float) -> None:
    moments = label_moments(features, feature_noise(tau), np.eye(M))
    F = exact(features)
    truth = exact_losses(mixed, F @ F.T + Fraction(tau) * M * np.eye(K, dtype=int))
    size = np.abs(features)
    weight = size @ size.T + tau * M * np.eye(K)
    # an entry of M: products with the identity are exact; M products, the noise term's product, one addition
    bound = token_loss_rounding(mixed, weight, M + 2)
    assert (np.abs(exact(token_losses(mixed, moments)) - truth) <= exact(bound)).all()


def test_loss_rounding_is_not_vacuous() -> None:
    rng = np.random.default_rng(0)
    mixed, root = rng.standard_normal((N, K)), rng.standard_normal((K, K))
    moments = root @ root.T
    relative = token_loss_rounding(mixed, np.abs(moments), 0) / token_losses(mixed, moments)
    # Without cancellation the bound is gamma_{2N+4} times a ratio of absolute to signed sums, here below 1e3.
    assert relative.max() <= 1e3 * rounding(2 * N + 4)


@given(matrices(4, N, K), matrices(K, K))
def test_a_history_is_measured_like_its_members(mixtures: np.ndarray, moments: np.ndarray) -> None:
    moments = moments + moments.T
    together = token_losses(mixtures, moments)
    bounds = token_loss_rounding(mixtures, np.abs(moments), 0)
    assert together.shape == bounds.shape == (4, K)
    for mixed, losses, bound in zip(mixtures, together, bounds, strict=True):
        assert (np.abs(losses - token_losses(mixed, moments)) <= 2 * bound).all()  # each side may err


@given(matrices(N, K), matrices(K, K))
def test_numpy_and_torch_measure_the_same_loss(mixed: np.ndarray, moments: np.ndarray) -> None:
    moments = moments + moments.T
    there = population_loss(torch.from_numpy(mixed), torch.from_numpy(moments)).numpy()
    bound = token_loss_rounding(mixed, np.abs(moments), 0)
    assert (np.abs(there - token_losses(mixed, moments)) <= 2 * bound).all()


def test_no_prediction_loses_half_the_second_moment() -> None:
    moments = np.diag([2.0, 4.0, 6.0, 8.0, 10.0])
    assert token_losses(np.zeros((N, K)), moments).tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("tokens_seen", [1, 2, 3])
def test_a_perfect_copy_loses_nothing_on_the_prompt(tokens_seen: int) -> None:
    moments = np.array([[4.0, 2, 1, 0, 1], [2, 5, 3, 1, 0], [1, 3, 6, 2, 1], [0, 1, 2, 7, 2], [1, 0, 1, 2, 8]])
    losses = token_losses(np.eye(N, K), moments)
    assert losses[:tokens_seen].tolist() == [0] * tokens_seen


@given(matrices(4, K), matrices(4, K))
def test_gap_of_predictions_is_half_the_mean_square(predicted: np.ndarray, reference: np.ndarray) -> None:
    difference = exact(predicted) - exact(reference)
    truth = (difference * difference).sum(axis=1) / (2 * K)
    # a rounded difference counts twice in its square; the square, a sum of K, two quotients: all terms positive
    error = np.abs(exact(mean_squared_gap(predicted, reference)) - truth)
    assert (error <= Fraction(rounding(K + 5)) * truth).all()


@given(matrices(4, K))
def test_equal_predictions_have_no_gap(predicted: np.ndarray) -> None:
    assert not mean_squared_gap(predicted, predicted).any()


@pytest.mark.parametrize("measure", [token_losses, lambda mixed, moments: token_loss_rounding(mixed, moments, 1)])
def test_a_nan_is_passed_on(measure: Any) -> None:
    mixed = np.ones((N, K))
    mixed[1, 3] = np.nan
    assert np.isnan(measure(mixed, np.eye(K))).tolist() == [False, False, False, True, False]
