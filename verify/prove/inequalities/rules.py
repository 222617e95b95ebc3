"""The elementary rules: each makes an inequality from terms, so that an instance cannot be mistyped.

The rules are textbook facts, not proved here; the tests try each on random matrices. What a rule needs (names of
columns, equations between matrices, inequalities) it is given and passes on, so that it is printed and checked;
what it needs of signs it demands of the terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, wraps
from typing import Any

import sympy as sp

from verify.prove.inequalities.chain import Fact, Made
from verify.prove.inequalities.lemma import Premise
from verify.prove.inequalities.quantity import (
    Columns,
    Diagonal,
    Index,
    Kind,
    Length,
    SumOf,
    Total,
    largest,
    length,
    norm,
    terms,
    total,
)
from verify.prove.matrices.identity import prove
from verify.prove.matrices.sampling import Equation

Expr = Any
Matrix = Any

NORMS = "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)"
SERIES = "geometric series (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 3.26)"
SUMS = "Cauchy–Schwarz and Minkowski for sums (Hardy, Littlewood, Pólya, Inequalities, Chapter 2)"


def rule(function: Callable[..., Any]) -> Callable[..., Any]:
    """An elementary rule: what it makes says so, and how it is made again."""

    @wraps(function)
    def making(*arguments: Any, **options: Any) -> Any:
        made = Made(making, arguments, tuple(sorted(options.items())))
        found = function(*arguments, **options)
        return replace(found, made=made, kind="rule") if isinstance(found, Fact) else replace(found, made=made)

    return making


@rule
def triangle(*parts: Matrix, kind: Kind | None = None) -> Fact:
    """‖x + y + …‖ ≤ ‖x‖ + ‖y‖ + …, in any norm."""
    whole = sum(parts[1:], parts[0])
    right = sum(norm(part, kind) for part in parts)
    return Fact(left=norm(whole, kind), right=right, rule="triangle inequality", source=NORMS)


@rule
def triangle_sum(whole: SumOf, kind: Kind | None = None) -> Fact:
    """‖Σ_k x_k‖ ≤ Σ_k ‖x_k‖, in any norm."""
    right = total(whole.index, norm(whole.part, kind))
    return Fact(left=norm(whole.whole, kind), right=right, rule="triangle inequality", source=NORMS, needs=(whole,))


@rule
@cache
def same(left: Matrix, right: Matrix, reason: str, *premises: Equation, kind: Kind | None = None) -> Fact:
    """‖left‖ = ‖right‖ for matrices that are equal under the premises, which the matrix calculus must prove.

    Raises:
        ValueError: it does not prove it.
    """
    found = prove(reason, left, right, premises=premises, tried_elsewhere=True)  # by whoever concludes from it
    if found.status != "proved":
        raise ValueError(f"{left} = {right} is not proved; what remains is {found.residual}")
    return Fact(left=norm(left, kind), right=norm(right, kind), rule=reason, equal=True, needs=premises)


@rule
def operator_norm(matrix: Matrix, vector: Matrix) -> Fact:
    """‖A x‖ ≤ ‖A‖₂ ‖x‖."""
    return Fact(
        left=norm(matrix * vector), right=norm(matrix, "op") * norm(vector), rule="‖A x‖ ≤ ‖A‖₂ ‖x‖", source=NORMS
    )


@rule
def frobenius(matrix: Matrix, vector: Matrix) -> Fact:
    """‖Aᵀ x‖ ≤ ‖A‖_F ‖x‖."""
    bound = norm(matrix, "F") * norm(vector)
    return Fact(left=norm(matrix.T * vector), right=bound, rule="‖Aᵀ x‖ ≤ ‖A‖_F ‖x‖", source=NORMS)


@rule
def bilinear(left: Matrix, matrix: Matrix, right: Matrix) -> Fact:
    """|xᵀ A y| ≤ ‖x‖ ‖A‖_F ‖y‖."""
    bound = norm(left) * norm(matrix, "F") * norm(right)
    return Fact(left=norm(left.T * matrix * right), right=bound, rule="|xᵀ A y| ≤ ‖x‖ ‖A‖_F ‖y‖", source=NORMS)


@rule
def cauchy_schwarz(left: Matrix, right: Matrix) -> Fact:
    """|xᵀ y| ≤ ‖x‖ ‖y‖."""
    return Fact(left=norm(left.T * right), right=norm(left) * norm(right), rule="Cauchy–Schwarz", source=NORMS)


@rule
def outer_product(left: Matrix, right: Matrix) -> Fact:
    """‖x yᵀ‖_F = ‖x‖ ‖y‖."""
    bound = norm(left) * norm(right)
    return Fact(left=norm(left * right.T, "F"), right=bound, equal=True, rule="‖x yᵀ‖_F = ‖x‖ ‖y‖", source=NORMS)


@rule
def times_number(vector: Matrix, number: Matrix, kind: Kind | None = None) -> Fact:
    """‖x a‖ = ‖x‖ |a| for a 1 × 1 matrix a, in any norm of vectors."""
    bound = norm(vector, kind) * norm(number)
    return Fact(left=norm(vector * number, kind), right=bound, equal=True, rule="‖a x‖ = |a| ‖x‖", source=NORMS)


@rule
def euclidean_below_one(vector: Matrix) -> Fact:
    """‖x‖ ≤ ‖x‖₁."""
    return Fact(left=norm(vector), right=norm(vector, "1"), rule="‖x‖ ≤ ‖x‖₁", source=NORMS)


@rule
def hoelder_columns(columns: Columns, vector: Matrix) -> Fact:
    """‖M u‖ ≤ ‖u‖₁ max_i ‖m_i‖, the m_i being the columns of M."""
    bound = norm(vector, "1") * largest(columns.index, norm(columns.vector))
    left, words = norm(columns.matrix * vector), "‖M u‖ ≤ ‖u‖₁ max_i ‖m_i‖"
    return Fact(left=left, right=bound, rule=words, source=NORMS, needs=(columns,))


@rule
def hoelder(left: Matrix, right: Matrix) -> Fact:
    """|xᵀ y| ≤ ‖x‖₁ ‖y‖_∞."""
    bound = norm(left, "1") * norm(right, "inf")
    return Fact(left=norm(left.T * right), right=bound, rule="Hölder: |xᵀ y| ≤ ‖x‖₁ ‖y‖_∞", source=NORMS)


@rule
def entrywise_product(diagonal: Diagonal, vector: Matrix) -> Fact:
    """‖D u‖₁ ≤ ‖x‖₁ ‖u‖_∞ for the diagonal matrix D with entries x."""
    bound = norm(diagonal.entries, "1") * norm(vector, "inf")
    left, words = norm(diagonal.matrix * vector, "1"), "‖diag(x) u‖₁ ≤ ‖x‖₁ ‖u‖_∞"
    return Fact(left=left, right=bound, rule=words, source=NORMS, needs=(diagonal,))


@rule
def largest_entry(columns: Columns, vector: Matrix) -> Fact:
    """‖Mᵀ u‖_∞ = max_i |m_iᵀ u|, the m_i being the columns of M."""
    right = largest(columns.index, norm(columns.vector.T * vector))
    left = norm(columns.matrix.T * vector, "inf")
    return Fact(left=left, right=right, equal=True, rule="the largest entry, max_i |m_iᵀ u|", needs=(columns,))


@rule
def frobenius_columns(columns: Columns) -> Fact:
    """‖M‖_F² = Σ_i ‖m_i‖², the m_i being the columns of M."""
    right = length(columns.index, norm(columns.vector))
    return Fact(left=norm(columns.matrix, "F"), right=right, equal=True, rule="column by column", needs=(columns,))


@rule
def entries_of(vector: Matrix, index: Index, entry: Matrix) -> Fact:
    """‖x‖² = Σ_i x_i², the x_i (1 × 1) being the entries of x."""
    row = Columns(vector.T, index, entry)
    right = length(index, norm(entry))
    return Fact(left=norm(vector), right=right, equal=True, rule="entry by entry", needs=(row,))


@rule
def least_singular_value(matrix: Matrix, vector: Matrix) -> Fact:
    """σ ‖x‖ ≤ ‖Bᵀ x‖ with σ² = λ_min(B Bᵀ)."""
    left, right = norm(matrix, "least") * norm(vector), norm(matrix.T * vector)
    return Fact(left=left, right=right, rule="‖Bᵀ x‖² ≥ λ_min(B Bᵀ) ‖x‖²", source=NORMS)


@rule
def weighted_cauchy_schwarz(index: Index, weight: Expr, body: Expr) -> Fact:
    """(Σ s_j x_j)² ≤ (Σ s_j) (Σ s_j x_j²) for s_j ≥ 0.

    Raises:
        ValueError: the weight is not known to be nonnegative.
    """
    require(weight.is_nonnegative, "Cauchy–Schwarz with weights", f"{weight} is not known to be nonnegative")
    right = total(index, weight) * total(index, weight * body**2)
    return Fact(left=total(index, weight * body) ** 2, right=right, rule="Cauchy–Schwarz with weights", source=SUMS)


@rule
def cauchy_schwarz_sum(index: Index, first: Expr, second: Expr) -> Fact:
    """Σ x_k y_k ≤ (Σ x_k²)^½ (Σ y_k²)^½ for x_k, y_k ≥ 0."""
    right = length(index, first) * length(index, second)
    return Fact(left=total(index, first * second), right=right, rule="Cauchy–Schwarz", source=SUMS)


@rule
def sum_of_squares(index: Index, body: Expr) -> Fact:
    """0 ≤ Σ x_k²."""
    return Fact(left=sp.Integer(0), right=total(index, body**2), rule="a sum of squares")


@rule
def square(body: Expr) -> Fact:
    """0 ≤ x² for a real number x."""
    return Fact(left=sp.Integer(0), right=body**2, rule="a square")


@rule
def length_squared(index: Index, body: Expr) -> Fact:
    """((Σ x_k²)^½)² = Σ x_k² for x_k ≥ 0."""
    return Fact(left=length(index, body) ** 2, right=total(index, body**2), equal=True, rule="the square of a length")


@rule
def minkowski(over: Length) -> Fact:
    """The length of a family of sums is at most the sum of the lengths."""
    parts = terms(over.body)
    right = sum(length(over.indices, part) for part in parts)
    return Fact(left=over, right=right, rule="Minkowski (triangle inequality)", source=SUMS)


@rule
def operator_norm_two(matrix: sp.ImmutableDenseMatrix, vector: Sequence[Expr]) -> Fact:
    """‖M u‖ ≤ ‖M‖₂ ‖u‖ for a 2 × 2 matrix of numbers, entry by entry."""
    images = matrix * sp.Matrix(list(vector))
    left, right = (sp.sqrt(first**2 + second**2) for first, second in (images, vector))
    bound = norm(matrix, "op") * right
    return Fact(left=left, right=bound, rule="‖M u‖ ≤ ‖M‖₂ ‖u‖, M of size 2 × 2", source=NORMS)


@rule
def entry_below_norm(matrix: sp.ImmutableDenseMatrix, row: int, column: int) -> Fact:
    """m_ij ≤ ‖M‖₂ for a matrix of numbers."""
    words = "an entry is at most the spectral norm"
    return Fact(left=matrix[row, column], right=norm(matrix, "op"), rule=words, source=NORMS)


@rule
def member(index: Index, body: Expr) -> Fact:
    """x_k ≤ (Σ_k x_k²)^½ for every k, for x_k ≥ 0."""
    return Fact(left=body, right=length(index, body), rule="one term of a sum of squares")


@rule
def absolute_sum(index: Index, body: Expr) -> Fact:
    """|Σ_j x_j| ≤ Σ_j |x_j|."""
    return Fact(
        left=sp.Abs(total(index, body)), right=total(index, sp.Abs(body)), rule="triangle inequality", source=NORMS
    )


@rule
def below_largest(index: Index, body: Expr) -> Fact:
    """x_k ≤ max_k x_k for every k, for x_k ≥ 0."""
    return Fact(left=body, right=largest(index, body), rule="one of those of which it is the maximum")


@rule
def triangle_numbers(*parts: Expr) -> Fact:
    """|x + y + …| ≤ |x| + |y| + … for real numbers."""
    right = sum(sp.Abs(part) for part in parts)
    return Fact(left=sp.Abs(sum(parts)), right=right, rule="triangle inequality", source=NORMS)


@rule
def geometric(ratio: Expr, index: Index, below_one: Fact) -> Fact:
    """(1 − q) Σ_s q^s ≤ 1 for 0 ≤ q ≤ 1 and s from 0; `below_one` is q ≤ 1.

    Raises:
        ValueError: q is not known to be nonnegative, s does not begin at 0, or `below_one` says something else.
    """
    require(ratio.is_nonnegative, "geometric series", f"{ratio} is not known to be nonnegative")
    require(index.lower == 0, "geometric series", f"{index} begins at {index.lower}, not at 0")
    require((below_one.left, below_one.right) == (ratio, 1), "geometric series", f"it needs {ratio} ≤ 1")
    left = (1 - ratio) * Total(ratio**index, index)
    return Fact(left=left, right=sp.Integer(1), rule="geometric series", source=SERIES, needs=(below_one,))


@rule
def unit_vector(columns: Columns) -> Fact:
    """‖e_i‖ = 1, the e_i being the columns of the identity matrix."""
    require(isinstance(columns.matrix, sp.Identity), "a unit vector has length 1", f"{columns.matrix} is not I")
    left, words = norm(columns.vector), "a unit vector has length 1"
    return Fact(left=left, right=sp.Integer(1), equal=True, rule=words, needs=(columns,))


@rule
def at_least_one(count: Expr) -> Fact:
    """1 ≤ √n for a positive integer n."""
    require(count.is_integer and count.is_positive, "a size is at least 1", f"{count} is not known to be a size")
    return Fact(left=sp.Integer(1), right=sp.sqrt(count), rule=f"{count} ≥ 1, a size")


@rule
def times_vector(equation: Premise, vector: Matrix) -> Premise:
    """A u = B u, from A = B."""
    words = f"{equation.name}, times {vector}"
    return Premise(equation.left * vector, equation.right * vector, words, "derived", (equation,))


@rule
def mixture(columns: Columns, vector: Matrix, entry: Matrix) -> SumOf:
    """M u = Σ_i m_i u_i, the m_i being the columns of M and the u_i (1 × 1) the entries of u."""
    entries = Columns(vector.T, columns.index, entry)
    whole, part = columns.matrix * vector, columns.vector * entry
    return SumOf(whole, columns.index, part, "column by column", "derived", (columns, entries))


def require(condition: bool | None, rule_name: str, reason: str) -> None:
    """Refuse a rule whose side condition is not known to hold."""
    if not condition:
        raise ValueError(f"{rule_name}: {reason}")
