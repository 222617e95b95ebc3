"""Matrices of balls: conversion, Cholesky, eigenvalue bounds and the square root."""

from __future__ import annotations

import flint
import numpy as np
from jaxtyping import Float
from numpy import ndarray

# The eigenvalue bound starts from a float64 estimate shrunk by this factor: far more than the
# estimate's own error unless the matrix is singular to working precision, where the bound fails openly.
SHRINK = 0.999
# Each correction of a square root is solved with float64 eigenvectors, so it gains about 40 bits.
BITS_PER_CORRECTION = 40


class NotPositiveDefiniteError(ArithmeticError):
    """The matrix could not be shown to be positive definite at this precision."""


def balls(matrix: Float[ndarray, "r c"]) -> flint.arb_mat:
    """The exact matrix (radius 0) behind float64 numbers."""
    return flint.arb_mat(np.asarray(matrix, dtype=np.float64).tolist())


def as_float64(matrix: flint.arb_mat) -> tuple[Float[ndarray, "r c"], float]:
    """Midpoints rounded to float64, and a bound on the distance of any entry to the exact value."""
    middle = np.array([[float(entry.mid()) for entry in row] for row in matrix.tolist()])
    gaps = [gap for gap in (matrix - balls(middle)).entries() if not gap.is_zero()]
    distances = [np.nextafter(float(gap.abs_upper()), np.inf) for gap in gaps]  # float() itself may round down
    return middle, float(np.max(distances, initial=0.0))


def cholesky(matrix: flint.arb_mat) -> flint.arb_mat:
    """Lower triangular L with L L^T = matrix (symmetric); its existence proves positive definiteness.

    Raises:
        ValueError: the matrix is not square, or certainly not symmetric.
        NotPositiveDefiniteError: a pivot's ball is not entirely positive.
    """
    require_symmetric(matrix)
    n = matrix.nrows()
    lower = [[flint.arb(0)] * n for _ in range(n)]
    for j in range(n):
        pivot = matrix[j, j] - sum((lower[j][k] ** 2 for k in range(j)), flint.arb(0))
        if not pivot > 0:
            raise NotPositiveDefiniteError(f"pivot {j} is {pivot.str(5)}")
        lower[j][j] = pivot.sqrt()
        for i in range(j + 1, n):
            inner = sum((lower[i][k] * lower[j][k] for k in range(j)), flint.arb(0))
            lower[i][j] = (matrix[i, j] - inner) / lower[j][j]
    return flint.arb_mat(lower)


def eigenvalue_lower_bound(matrix: flint.arb_mat) -> flint.arb:
    """A certified positive lower bound on the least eigenvalue of a symmetric positive definite matrix.

    Balls stand for a symmetric matrix, so opposite entries must have numbers in common.

    Raises:
        ValueError: the matrix is not square, or certainly not symmetric.
        NotPositiveDefiniteError: no positive bound can be certified at this precision.
    """
    require_symmetric(matrix)
    estimate = float(np.linalg.eigvalsh(as_float64(matrix)[0])[0])
    bound = flint.arb(SHRINK * estimate)
    if not estimate > 0:
        raise NotPositiveDefiniteError(f"least eigenvalue is about {estimate:.3g}")
    cholesky(matrix - bound * _identity(matrix.nrows()))
    return bound


def square_root(matrix: flint.arb_mat) -> flint.arb_mat:
    """An enclosure of the positive definite square root S of a symmetric positive definite A.

    The approximation X is symmetric with X >= a I and S >= b I, so X^2 - A = X (X - S) + (X - S) S
    gives |X - S|_F <= |X^2 - A|_F / (a + b).

    Raises:
        ValueError: A is not square, or certainly not symmetric.
        NotPositiveDefiniteError: A is not positive definite at this precision.
    """
    root_bound = eigenvalue_lower_bound(matrix).sqrt()
    eigenvalues, vectors = np.linalg.eigh(as_float64(matrix)[0])
    roots, basis = np.sqrt(eigenvalues), balls(vectors)
    start = balls((vectors * roots) @ vectors.T)
    approximate = ((start + start.transpose()) / 2).mid()
    for _ in range(flint.ctx.prec // BITS_PER_CORRECTION):
        residual = basis.transpose() * (matrix - approximate * approximate) * basis
        correction = flint.arb_mat(  # solves X D + D X = A - X^2 in the eigenbasis
            [
                [entry / float(roots[i] + roots[j]) for j, entry in enumerate(row)]
                for i, row in enumerate(residual.tolist())
            ]
        )
        improved = approximate + basis * correction * basis.transpose()
        approximate = ((improved + improved.transpose()) / 2).mid()
    residual = approximate * approximate - matrix
    distance = sum((entry.abs_upper() ** 2 for entry in residual.entries()), flint.arb(0)).sqrt()
    radius = (distance / (eigenvalue_lower_bound(approximate) + root_bound)).upper()
    return flint.arb_mat([[flint.arb(entry, radius) for entry in row] for row in approximate.tolist()])


def require_symmetric(matrix: flint.arb_mat) -> None:
    """Make sure that the balls contain a symmetric matrix.

    Raises:
        ValueError: they do not.
    """
    rows, columns = matrix.nrows(), matrix.ncols()
    if rows != columns:
        raise ValueError(f"the matrix is {rows} x {columns}; give a square one")
    for i in range(rows):
        for j in range(i):
            if not matrix[i, j].overlaps(matrix[j, i]):
                told = f"{matrix[i, j].str(5)} at ({i}, {j}) and {matrix[j, i].str(5)} at ({j}, {i})"
                raise ValueError(f"the matrix is not symmetric: {told}; take (A + Aᵀ)/2 if that is meant")


def _identity(n: int) -> flint.arb_mat:
    return flint.arb_mat([[int(i == j) for j in range(n)] for i in range(n)])
