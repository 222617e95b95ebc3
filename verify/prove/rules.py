"""The elementary rules: each makes an inequality from terms, so that an instance cannot be mistyped.

The rules are textbook facts, not proved here; the tests try each on random matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sympy as sp

from verify.prove.identity import prove
from verify.prove.inequality import Fact
from verify.prove.quantity import (
    Columns,
    Index,
    Kind,
    Length,
    SumOf,
    Total,
    largest,
    length,
    norm,
    size,
    terms,
    total,
)
from verify.prove.sampling import Equation

Expr = Any
Matrix = Any

NORMS = "R. A. Horn, C. R. Johnson, Matrix Analysis, 2nd ed., Cambridge 2013, Chapter 5"
SERIES = "W. Rudin, Principles of Mathematical Analysis, 3rd ed., McGraw-Hill 1976, Theorem 3.26"
SUMS = "G. H. Hardy, J. E. Littlewood, G. Pólya, Inequalities, 2nd ed., Cambridge 1952, Chapter 2"


def triangle(*parts: Matrix, kind: Kind | None = None) -> Fact:
    """‖x + y + …‖ ≤ ‖x‖ + ‖y‖ + …, in any norm."""
    whole = sum(parts[1:], parts[0])
    right = sum(norm(part, kind) for part in parts)
    return Fact(left=norm(whole, kind), right=right, rule="triangle inequality", source=NORMS)


def triangle_sum(whole: SumOf, kind: Kind | None = None) -> Fact:
    """‖Σ_k x_k‖ ≤ Σ_k ‖x_k‖, in any norm."""
    right = total(whole.index, norm(whole.part, kind))
    return Fact(left=norm(whole.whole, kind), right=right, rule="triangle inequality", about=whole.reason, source=NORMS)


@cache
def same(left: Matrix, right: Matrix, reason: str, *premises: Equation, kind: Kind | None = None) -> Fact:
    """‖left‖ = ‖right‖ for matrices that are equal under the premises, which the matrix calculus must prove.

    Raises:
        ValueError: it does not prove it.
    """
    found = prove(reason, left, right, premises=premises)
    if found.status != "proved":
        raise ValueError(f"{left} = {right} is not proved; what remains is {found.residual}")
    return Fact(left=norm(left, kind), right=norm(right, kind), rule=reason, equal=True)


def operator_norm(matrix: Matrix, vector: Matrix) -> Fact:
    """‖A x‖ ≤ ‖A‖₂ ‖x‖."""
    return Fact(
        left=norm(matrix * vector), right=norm(matrix, "op") * norm(vector), rule="‖A x‖ ≤ ‖A‖₂ ‖x‖", source=NORMS
    )


def frobenius(matrix: Matrix, vector: Matrix) -> Fact:
    """‖Aᵀ x‖ ≤ ‖A‖_F ‖x‖."""
    bound = norm(matrix, "F") * norm(vector)
    return Fact(left=norm(matrix.T * vector), right=bound, rule="‖Aᵀ x‖ ≤ ‖A‖_F ‖x‖", source=NORMS)


def bilinear(left: Matrix, matrix: Matrix, right: Matrix) -> Fact:
    """|xᵀ A y| ≤ ‖x‖ ‖A‖_F ‖y‖."""
    bound = norm(left) * norm(matrix, "F") * norm(right)
    return Fact(left=norm(left.T * matrix * right), right=bound, rule="|xᵀ A y| ≤ ‖x‖ ‖A‖_F ‖y‖", source=NORMS)


def cauchy_schwarz(left: Matrix, right: Matrix) -> Fact:
    """|xᵀ y| ≤ ‖x‖ ‖y‖."""
    return Fact(left=norm(left.T * right), right=norm(left) * norm(right), rule="Cauchy–Schwarz", source=NORMS)


def outer_product(left: Matrix, right: Matrix) -> Fact:
    """‖x yᵀ‖_F = ‖x‖ ‖y‖."""
    bound = norm(left) * norm(right)
    return Fact(left=norm(left * right.T, "F"), right=bound, equal=True, rule="‖x yᵀ‖_F = ‖x‖ ‖y‖", source=NORMS)


def times_number(vector: Matrix, number: Matrix, kind: Kind | None = None) -> Fact:
    """‖x a‖ = ‖x‖ |a| for a 1 × 1 matrix a, in any norm of vectors."""
    bound = norm(vector, kind) * norm(number)
    return Fact(left=norm(vector * number, kind), right=bound, equal=True, rule="‖a x‖ = |a| ‖x‖", source=NORMS)


def euclidean_below_one(vector: Matrix) -> Fact:
    """‖x‖ ≤ ‖x‖₁."""
    return Fact(left=norm(vector), right=norm(vector, "1"), rule="‖x‖ ≤ ‖x‖₁", source=NORMS)


def hoelder_columns(columns: Columns, vector: Matrix) -> Fact:
    """‖M u‖ ≤ ‖u‖₁ max_i ‖m_i‖, the m_i being the columns of M."""
    bound = norm(vector, "1") * largest(columns.index, norm(columns.vector))
    return Fact(left=norm(columns.matrix * vector), right=bound, rule="‖M u‖ ≤ ‖u‖₁ max_i ‖m_i‖", source=NORMS)


def hoelder(left: Matrix, right: Matrix) -> Fact:
    """|xᵀ y| ≤ ‖x‖₁ ‖y‖_∞."""
    bound = norm(left, "1") * norm(right, "inf")
    return Fact(left=norm(left.T * right), right=bound, rule="Hölder: |xᵀ y| ≤ ‖x‖₁ ‖y‖_∞", source=NORMS)


def entrywise_product(diagonal: Matrix, entries: Matrix, vector: Matrix) -> Fact:
    """‖D u‖₁ ≤ ‖x‖₁ ‖u‖_∞ for the diagonal matrix D with entries x."""
    bound = norm(entries, "1") * norm(vector, "inf")
    return Fact(left=norm(diagonal * vector, "1"), right=bound, rule="‖diag(x) u‖₁ ≤ ‖x‖₁ ‖u‖_∞", source=NORMS)


def largest_entry(columns: Columns, vector: Matrix) -> Fact:
    """‖Mᵀ u‖_∞ = max_i |m_iᵀ u|, the m_i being the columns of M."""
    right = largest(columns.index, norm(columns.vector.T * vector))
    left = norm(columns.matrix.T * vector, "inf")
    return Fact(left=left, right=right, equal=True, rule="the largest entry, max_i |m_iᵀ u|")


def frobenius_columns(columns: Columns) -> Fact:
    """‖M‖_F² = Σ_i ‖m_i‖², the m_i being the columns of M."""
    right = length(columns.index, norm(columns.vector))
    return Fact(left=norm(columns.matrix, "F"), right=right, equal=True, rule="column by column")


def least_singular_value(matrix: Matrix, vector: Matrix, least: Expr, reason: str) -> Fact:
    """least · ‖x‖ ≤ ‖Bᵀ x‖, because λ_min(B Bᵀ) ≥ least²."""
    return Fact(
        left=least * norm(vector), right=norm(matrix.T * vector), rule="‖Bᵀ x‖² ≥ λ_min(B Bᵀ) ‖x‖²", about=reason,
        source=NORMS,
    )  # fmt: skip


def sum_below_length(index: Index, body: Expr) -> Fact:
    """Σ_k x_k ≤ √K (Σ_k x_k²)^½ for x_k ≥ 0."""
    right = sp.sqrt(size(index)) * length(index, body)
    return Fact(left=total(index, body), right=right, rule="Cauchy–Schwarz, Σ_k x_k ≤ √K (Σ_k x_k²)^½", source=SUMS)


def weighted_cauchy_schwarz(index: Index, weight: Expr, body: Expr) -> Fact:
    """(Σ s_j x_j)² ≤ (Σ s_j) (Σ s_j x_j²) for s_j ≥ 0."""
    right = total(index, weight) * total(index, weight * body**2)
    return Fact(left=total(index, weight * body) ** 2, right=right, rule="Cauchy–Schwarz with weights", source=SUMS)


def minkowski(over: Length) -> Fact:
    """The length of a family of sums is at most the sum of the lengths."""
    parts = terms(over.body)
    right = sum(length(over.indices, part) for part in parts)
    return Fact(left=over, right=right, rule="Minkowski (triangle inequality)", source=SUMS)


def operator_norm_two(rows: Sequence[Sequence[Expr]], vector: Sequence[Expr], bound: Expr) -> Fact:
    """‖M u‖ ≤ ‖M‖₂ ‖u‖ for a 2 × 2 matrix of numbers whose spectral norm is `bound`."""
    images = [row[0] * vector[0] + row[1] * vector[1] for row in rows]
    left, right = (sp.sqrt(first**2 + second**2) for first, second in (images, vector))
    return Fact(left=left, right=bound * right, rule="‖M u‖ ≤ ‖M‖₂ ‖u‖, M of size 2 × 2", source=NORMS)


def entry_below_norm(entry: Expr, bound: Expr) -> Fact:
    """m_ij ≤ ‖M‖₂ for a matrix with nonnegative entries and spectral norm `bound`."""
    return Fact(left=entry, right=bound, rule="an entry is at most the spectral norm", source=NORMS)


def member(index: Index, body: Expr) -> Fact:
    """x_k ≤ (Σ_k x_k²)^½ for every k, for x_k ≥ 0."""
    return Fact(left=body, right=length(index, body), rule="one term of a sum of squares")


def absolute_sum(index: Index, body: Expr) -> Fact:
    """|Σ_j x_j| ≤ Σ_j |x_j|."""
    return Fact(
        left=sp.Abs(total(index, body)), right=total(index, sp.Abs(body)), rule="triangle inequality", source=NORMS
    )


def geometric(ratio: Expr, index: Index) -> Fact:
    """(1 − q) Σ_s q^s ≤ 1 for 0 ≤ q ≤ 1 and s from 0."""
    return Fact(
        left=(1 - ratio) * Total(ratio**index, index), right=sp.Integer(1), rule="geometric series", source=SERIES
    )
