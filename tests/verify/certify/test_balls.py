"""Balls contain the exact values: conversion, Cholesky, eigenvalue bounds, square roots; and refusal where none can."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.certify import as_float64, balls, cholesky, eigenvalue_lower_bound, square_root
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.norms import largest_eigenvalue

N = 3
entries = st.integers(-9, 9)
squares = arrays(np.int64, (N, N), elements=entries)


@pytest.fixture(autouse=True, scope="module")
def precision() -> Iterator[None]:
    with flint.ctx.workprec(128):
        yield


def rational(matrix: np.ndarray, denominator: int = 1) -> flint.fmpq_mat:
    return flint.fmpq_mat(*matrix.shape, [flint.fmpq(int(x), denominator) for x in matrix.ravel()])


def contains(enclosure: flint.arb_mat, exact: flint.fmpq_mat) -> bool:
    """Every entry within the radius of its midpoint, all three of them rationals."""
    pairs = zip(enclosure.entries(), exact.entries(), strict=True)
    return all(abs(ball.mid().fmpq() - x) <= ball.rad().fmpq() for ball, x in pairs)


def positive_definite(matrix: np.ndarray) -> flint.fmpq_mat:
    """I + M M' / 7, exactly."""
    return rational(np.eye(N, dtype=int)) + rational(matrix @ matrix.T, 7)


@given(arrays(np.float64, (2, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_float64_becomes_balls_without_error(matrix: np.ndarray) -> None:
    exact = balls(matrix)
    assert all(ball.is_exact() for ball in exact.entries())
    middle, radius = as_float64(exact)
    assert np.array_equal(middle, matrix)
    assert radius == 0


@given(st.lists(st.fractions(), min_size=6, max_size=6), st.integers(-1100, 900), st.sampled_from([20, 53, 128, 300]))
def test_the_radius_covers_the_distance_to_the_exact_value(values: list[Fraction], power: int, bits: int) -> None:
    scaled = [value * Fraction(2) ** power for value in values]  # subnormal numbers and zero included
    exact = flint.fmpq_mat(2, 3, [flint.fmpq(x.numerator, x.denominator) for x in scaled])
    with flint.ctx.workprec(bits):
        middle, radius = as_float64(flint.arb_mat(exact))
    assert max(abs(Fraction(x) - y) for x, y in zip(middle.ravel(), scaled, strict=True)) <= Fraction(radius)


def test_the_radius_is_not_much_larger_than_needed() -> None:
    third = flint.arb_mat([[flint.arb(1) / 3, flint.arb(2) / 3]])
    assert as_float64(third)[1] <= 2.0**-53 * 2 / 3 * (1 + 2.0**-50)  # half a gap of float64 at 2/3
    assert 0.25 <= as_float64(flint.arb_mat([[flint.arb(1, 0.25)]]))[1] <= 0.25 * (1 + 2.0**-28)  # radii have 30 bits


def test_an_unknown_number_has_no_finite_radius() -> None:
    assert not np.isfinite(as_float64(flint.arb_mat([[flint.arb(1), flint.arb("nan")]]))[1])


@given(squares, st.lists(st.integers(1, 9), min_size=N, max_size=N))
def test_cholesky_contains_the_known_factor(matrix: np.ndarray, diagonal: list[int]) -> None:
    factor = rational(np.tril(matrix, -1) + np.diag(diagonal), 3)
    enclosure = cholesky(flint.arb_mat(factor * factor.transpose()))
    assert contains(enclosure, factor)


@given(squares)
def test_cholesky_multiplies_back(matrix: np.ndarray) -> None:
    exact = positive_definite(matrix)
    factor = cholesky(flint.arb_mat(exact))
    assert contains(factor * factor.transpose(), exact)
    assert all(factor[i, j] == 0 for i in range(N) for j in range(i + 1, N))


ROTATION = rational(np.array([[1, -2, 2], [2, -1, -2], [2, 2, 1]]), 3)  # exactly orthogonal


def with_eigenvalues(*values: flint.fmpq | int) -> flint.fmpq_mat:
    diagonal = flint.fmpq_mat(N, N, [values[i] if i == j else 0 for i in range(N) for j in range(N)])
    return ROTATION * diagonal * ROTATION.transpose()


@pytest.mark.parametrize("least", [flint.fmpq(1, 10**6), flint.fmpq(1, 7), flint.fmpq(1)])
def test_eigenvalue_bound_is_below_and_near_the_known_value(least: flint.fmpq) -> None:
    bound = eigenvalue_lower_bound(flint.arb_mat(with_eigenvalues(2, least, 1)))
    assert 0 < bound <= flint.arb(least)
    assert bound >= flint.arb(least) * flint.arb("0.99")  # shrunk by 0.001 and an estimate exact to u |A| / least


@given(squares)
def test_eigenvalue_bound_stays_below_every_rayleigh_quotient(matrix: np.ndarray) -> None:
    exact = positive_definite(matrix)
    bound = eigenvalue_lower_bound(flint.arb_mat(exact))
    for i in range(N):
        assert bound <= flint.arb(exact[i, i])
    cholesky(flint.arb_mat(exact) - bound * balls(np.eye(N)))  # raises unless all eigenvalues exceed the bound


@pytest.mark.parametrize("bits", [30, 53, 80, 128, 256])
@given(matrix=squares)
def test_square_root_contains_the_known_root(bits: int, matrix: np.ndarray) -> None:
    root = positive_definite(matrix)
    with flint.ctx.workprec(bits):
        enclosure = square_root(flint.arb_mat(root * root))
        assert contains(enclosure, root)
        assert contains(enclosure * enclosure, root * root)


@pytest.mark.parametrize("bits", [53, 80, 128, 256])
def test_square_root_is_tight(bits: int) -> None:
    root = with_eigenvalues(1, 2, 3)
    with flint.ctx.workprec(bits):
        radius = max(float(ball.rad()) for ball in square_root(flint.arb_mat(root * root)).entries())
    # |X^2 - A|_F / 2 with |A| = 9: about thirty roundings of numbers below 9 * 9, at the working precision
    assert radius <= 2.0**-bits * 30 * 81 / 2


def test_square_root_of_the_identity_is_the_identity() -> None:
    assert contains(square_root(balls(np.eye(N))), rational(np.eye(N, dtype=int)))


REFUSED = [
    (with_eigenvalues(0, 1, 2), "singular"),
    (with_eigenvalues(-1, 1, 2), "indefinite"),
    (with_eigenvalues(-1, -2, -3), "negative"),
    (rational(np.zeros((N, N), dtype=int)), "zero"),
    (rational(np.ones((N, N), dtype=int)), "of rank one"),
]


@pytest.mark.parametrize("question", [cholesky, eigenvalue_lower_bound, square_root])
@pytest.mark.parametrize("matrix", [matrix for matrix, _ in REFUSED], ids=[name for _, name in REFUSED])
def test_what_is_not_positive_definite_is_refused(
    question: Callable[[flint.arb_mat], object], matrix: flint.fmpq_mat
) -> None:
    with pytest.raises(NotPositiveDefiniteError, match=r"pivot \d is|least eigenvalue is about"):
        question(flint.arb_mat(matrix))


@pytest.mark.parametrize("question", [cholesky, eigenvalue_lower_bound, square_root])
def test_a_positive_midpoint_is_no_evidence(question: Callable[[flint.arb_mat], object]) -> None:
    uncertain = flint.arb_mat([[flint.arb(1, 2.0)]])  # anything from -1 to 3
    with pytest.raises(NotPositiveDefiniteError, match="pivot 0 is"):
        question(uncertain)


def test_refusals_show_the_number() -> None:
    with pytest.raises(NotPositiveDefiniteError, match=re.escape("pivot 1 is -3.0000")):
        cholesky(balls(np.array([[1.0, 2.0], [2.0, 1.0]])))
    with pytest.raises(NotPositiveDefiniteError, match=re.escape("least eigenvalue is about -1")):
        eigenvalue_lower_bound(balls(np.array([[1.0, 2.0], [2.0, 1.0]])))


def test_a_matrix_too_close_to_singular_for_the_precision_is_refused() -> None:
    nearly = with_eigenvalues(flint.fmpq(1, 2**70), 1, 2)
    with flint.ctx.workprec(53), pytest.raises(NotPositiveDefiniteError):
        cholesky(flint.arb_mat(nearly))
    with flint.ctx.workprec(256):
        assert cholesky(flint.arb_mat(nearly))[2, 2] > 0


@pytest.mark.parametrize("function", [eigenvalue_lower_bound, cholesky, square_root, largest_eigenvalue])
def test_matrices_that_are_not_symmetric_are_refused(function: Any) -> None:
    with pytest.raises(ValueError, match=r"not symmetric: .* at \(1, 0\) and 1000.* at \(0, 1\)"):
        function(flint.arb_mat([[1, 1000], [0, 1]]))
    with pytest.raises(ValueError, match="the matrix is 1 x 2; give a square one"):
        function(flint.arb_mat([[1, 2]]))
    nearly = flint.arb_mat([[2, flint.arb(1, 1e-9)], [flint.arb(1, 1e-9), 2]])
    assert function(nearly) is not None
