"""Norms of a matrix of balls, of every kind that inequalities speak of, without the symmetry that eigenvalues ask for.

Instances are small and exact or nearly so; the operator norm comes from traces of powers, as in `verify.certify.norms`,
with the powers of the balls themselves, since these are narrow.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import flint

SQUARINGS = 48  # the operator norm is enclosed to a relative width of log(n) 2^-49


def norm_of_kind(matrix: Any, kind: str) -> Any:
    """The norm that `quantity.norm` calls so: Euclidean or Frobenius where no other kind is named."""
    entries = [abs(item) for item in matrix.entries()]
    if kind == "1":
        return sum(entries, flint.arb(0))
    if kind == "inf":
        return reduce(lambda a, b: a.max(b), entries)
    if kind == "op":
        found = operator_norm(matrix)
        return found if found.is_finite() or (matrix.nrows(), matrix.ncols()) != (2, 2) else _norm_of_two(matrix)
    if kind == "least":
        return least_singular_value(matrix)
    return entries[0] if len(entries) == 1 else root_of_square(sum((item * item for item in entries), flint.arb(0)))


def root_of_square(square: Any) -> Any:
    """The root of a number known to be nonnegative, whose ball may reach below 0."""
    return square.sqrt() if square >= 0 else flint.arb(0).union(square.upper().max(flint.arb(0)).sqrt())


def operator_norm(matrix: Any) -> Any:
    """‖A‖₂ by squaring G = AᵀA: (tr Gᵖ / n)^(1/p) ≤ ‖A‖₂² ≤ (tr Gᵖ)^(1/p) for p = 2^SQUARINGS."""
    with flint.ctx.workprec(flint.ctx.prec + 2 * SQUARINGS):  # each squaring doubles the relative error
        gram = matrix.transpose() * matrix
        if not gram.trace() > 0:
            return root_of_square(gram.trace())
        log_scale, power = flint.arb(0), gram
        for step in range(SQUARINGS):
            scale = power.trace()  # keeps the entries near 1
            power = power * (1 / scale)
            log_scale += scale.log() / 2**step
            power = power * power
        high = (log_scale + power.trace().log() / 2**SQUARINGS) / 2
        low = (log_scale + (power.trace() / gram.nrows()).log() / 2**SQUARINGS) / 2
        return low.union(high).exp()


def _norm_of_two(matrix: Any) -> Any:
    """‖A‖₂ of a 2 × 2 matrix whose entries are too wide for squaring: ‖A‖₂² is a root of x² − tr(AᵀA) x + det(A)²."""
    (a, b), (c, d) = matrix.tolist()
    trace, determinant = a * a + b * b + c * c + d * d, a * d - b * c
    return root_of_square((trace + root_of_square(trace * trace - 4 * determinant * determinant)) / 2)


def least_singular_value(matrix: Any) -> Any:
    """√λ_min(A Aᵀ): in closed form for two rows, else by 1/‖(A Aᵀ)⁻¹‖₂ = λ_min; between 0 and the least row norm if
    neither can be enclosed."""
    if matrix.nrows() > matrix.ncols():
        return flint.arb(0)
    gram = matrix * matrix.transpose()
    rows = [gram[n, n] for n in range(gram.nrows())]
    if len(rows) <= 2:
        return root_of_square(rows[0] if len(rows) == 1 else _least_of_two(gram))
    try:
        found = root_of_square(1 / operator_norm(gram.inv()))
    except ZeroDivisionError:
        found = flint.arb("nan")
    return (
        found if found.is_finite() else flint.arb(0).union(root_of_square(reduce(lambda a, b: a.min(b), rows)).upper())
    )


def _least_of_two(gram: Any) -> Any:
    """The smaller eigenvalue of a symmetric 2 × 2 matrix."""
    half, off = (gram[0, 0] - gram[1, 1]) / 2, gram[0, 1]
    return (gram[0, 0] + gram[1, 1]) / 2 - root_of_square(half * half + off * off)
