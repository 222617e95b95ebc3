"""Norms, extreme eigenvalues and softmax of balls, each an enclosure of the exact number.

Extreme eigenvalues come from traces of powers, p λ ↦ λ^p by repeated squaring, so no floating-point
estimate takes part and the relative width of the enclosure is known beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable

import flint

from verify.certify.balls import NotPositiveDefiniteError, require_symmetric

# λ_max^p <= tr A^p <= n λ_max^p with p = 2^SQUARINGS encloses λ_max to a relative width of log(n) / 2^30.
SQUARINGS = 30


def sum_of_squares(entries: Iterable[flint.arb]) -> flint.arb:
    """The sum of the squares, never below zero."""
    return sum((entry * entry for entry in entries), flint.arb(0)).nonnegative_part()


def frobenius_norm(matrix: flint.arb_mat) -> flint.arb:
    """The root of the sum of squares of all entries."""
    return sum_of_squares(matrix.entries()).sqrt()


def largest_eigenvalue(matrix: flint.arb_mat, squarings: int = SQUARINGS) -> flint.arb:
    """The largest eigenvalue of a symmetric positive semidefinite n x n matrix.

    The caller knows that the exact matrix inside the balls is one (a Gram matrix, say). Powers would
    magnify the radii, so they are taken of the symmetric midpoint M; |λ_max(A) − ‖M‖| <= ‖A − M‖_F.
    The relative width is log(n) / 2^squarings plus that distance.

    Raises:
        ValueError: the matrix is not square, or certainly not symmetric.
    """
    require_symmetric(matrix)
    power = middle = ((matrix + matrix.transpose()) / 2).mid()
    for _ in range(squarings):
        power = power * power
    high, low = power.trace().nonnegative_part(), (power.trace() / matrix.nrows()).nonnegative_part()
    for _ in range(squarings):
        high, low = high.sqrt(), low.sqrt()
    return (low.union(high) + flint.arb(0, frobenius_norm(matrix - middle).abs_upper())).nonnegative_part()


def smallest_eigenvalue(matrix: flint.arb_mat, squarings: int = SQUARINGS) -> flint.arb:
    """The smallest eigenvalue, positive, of a symmetric positive semidefinite matrix that is certainly regular.

    Raises:
        NotPositiveDefiniteError: the balls leave open whether the matrix is singular.
    """
    try:
        inverse = matrix.inv()
    except ZeroDivisionError:
        raise NotPositiveDefiniteError("the matrix may be singular") from None
    largest = largest_eigenvalue(inverse, squarings)
    if not largest.is_finite() or not largest > 0:
        raise NotPositiveDefiniteError("the inverse is not known well enough")
    return 1 / largest


def spectral_norm(matrix: flint.arb_mat, squarings: int = SQUARINGS) -> flint.arb:
    """The largest singular value."""
    wide = matrix.nrows() <= matrix.ncols()
    gram = matrix * matrix.transpose() if wide else matrix.transpose() * matrix
    return largest_eigenvalue(gram, squarings).sqrt()


def largest(values: Iterable[flint.arb]) -> flint.arb:
    """The maximum of several numbers, enclosed.

    Raises:
        ValueError: there are none.
    """
    result = None
    for value in values:
        result = value if result is None else result.max(value)
    if result is None:
        raise ValueError("values is empty; the maximum of no numbers is undefined")
    return result


def smallest(values: Iterable[flint.arb]) -> flint.arb:
    """The minimum of several numbers, enclosed.

    Raises:
        ValueError: there are none.
    """
    return -largest(-value for value in values)


def softmax(logits: flint.arb_mat) -> flint.arb_mat:
    """The softmax of every column: exponentials divided by their sum."""
    columns = []
    for column in logits.transpose().tolist():
        powers = [entry.exp() for entry in column]
        total = sum(powers[1:], powers[0])
        columns.append([power / total for power in powers])
    return flint.arb_mat(columns).transpose()
