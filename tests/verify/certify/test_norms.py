"""Norms, extreme eigenvalues and softmax contain the exact numbers, and are as narrow as they promise."""

from __future__ import annotations

from collections.abc import Iterator

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.certify import balls
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.norms import (
    frobenius_norm,
    largest,
    largest_eigenvalue,
    smallest,
    smallest_eigenvalue,
    softmax,
    spectral_norm,
    sum_of_squares,
)

RELATIVE_WIDTH = 2.0**-28  # log(3) / 2^30 and the growth of rounding errors at 128 bits
ROTATION = flint.fmpq_mat(3, 3, [flint.fmpq(x, 3) for x in (1, -2, 2, 2, -1, -2, 2, 2, 1)])  # exactly orthogonal


@pytest.fixture(autouse=True, scope="module")
def precision() -> Iterator[None]:
    with flint.ctx.workprec(128):
        yield


def with_eigenvalues(values: list[int]) -> flint.arb_mat:
    diagonal = flint.fmpq_mat(3, 3, [flint.fmpq(values[i]) if i == j else 0 for i in range(3) for j in range(3)])
    return flint.arb_mat(ROTATION * diagonal * ROTATION.transpose())


positive = st.lists(st.integers(1, 10**6), min_size=3, max_size=3)


@given(positive)
def test_extreme_eigenvalues_contain_the_known_ones(values: list[int]) -> None:
    matrix = with_eigenvalues(values)
    for found, exact in ((largest_eigenvalue(matrix), max(values)), (smallest_eigenvalue(matrix), min(values))):
        assert found.contains(flint.arb(exact))
        assert float(found.rad()) <= RELATIVE_WIDTH * exact


@given(arrays(np.int64, (2, 3), elements=st.integers(-9, 9)))
def test_norms_agree_with_numpy(matrix: np.ndarray) -> None:
    exact = balls(matrix.astype(float))
    spectral = spectral_norm(exact)
    assert spectral.overlaps(spectral_norm(exact.transpose()))
    for found, order in ((frobenius_norm(exact), "fro"), (spectral, 2)):
        assert float(found.mid()) == pytest.approx(np.linalg.norm(matrix, order), rel=1e-8, abs=1e-8)
        assert float(found.rad()) <= 1e-8 * np.linalg.norm(matrix) + 1e-300


def test_the_norm_of_an_uncertain_matrix_covers_all_of_it() -> None:
    found = spectral_norm(flint.arb_mat([[flint.arb(1, 0.5), 0], [0, flint.arb(0, 0.25)]]))
    assert found.contains(flint.arb("0.5"))
    assert found.contains(flint.arb("1.5"))


@pytest.mark.parametrize("values", [[0, 1, 2], [0, 0, 0]])
def test_a_singular_matrix_has_no_certified_least_eigenvalue(values: list[int]) -> None:
    with pytest.raises(NotPositiveDefiniteError, match=r"singular|not known well enough"):
        smallest_eigenvalue(with_eigenvalues(values))


def test_an_unknown_matrix_has_no_certified_least_eigenvalue() -> None:
    with pytest.raises(NotPositiveDefiniteError):
        smallest_eigenvalue(flint.arb_mat([[flint.arb("nan")]]))
    with pytest.raises(NotPositiveDefiniteError, match="not known well enough"):
        smallest_eigenvalue(flint.arb_mat([[flint.arb("inf")]]))


@given(arrays(np.float64, (4, 2), elements=st.floats(-20, 20)))
def test_softmax_agrees_with_float64_and_sums_to_one(logits: np.ndarray) -> None:
    found = softmax(balls(logits))
    weights = np.exp(logits - logits.max(axis=0))
    expected = weights / weights.sum(axis=0)
    for i in range(4):
        for j in range(2):
            assert float(found[i, j].mid()) == pytest.approx(expected[i, j], rel=1e-12)
    for j in range(2):
        assert sum((found[i, j] for i in range(4)), flint.arb(0)).contains(flint.arb(1))


def test_extremes_of_overlapping_balls_cover_both() -> None:
    wide, narrow = flint.arb(1, 0.5), flint.arb("1.25")
    assert largest([wide, narrow]).contains(flint.arb("1.5"))
    assert largest([wide, narrow]).lower() >= 1.2
    assert smallest([wide, narrow]).contains(flint.arb("0.5"))
    with pytest.raises(ValueError, match="values is empty"):
        largest([])


def test_squares_are_never_negative() -> None:
    assert sum_of_squares([flint.arb(0, 1)]).lower() >= 0
