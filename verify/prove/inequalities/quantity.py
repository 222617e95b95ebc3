"""The quantities that inequalities speak about: norms of matrices of any size, and sums over an index.

A quantity is a scalar sympy expression. Its atoms are symbols, norms and entries of matrix expressions,
and sums, maxima or Euclidean lengths over an index (`sympy.Idx` with a symbolic range). Matrices that
depend on an index say so, so that nothing is moved out of a sum that it depends on.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, reduce
from typing import Any, Literal, TypeVar

import sympy as sp
from sympy.core.cache import cacheit
from sympy.core.symbol import Str
from sympy.tensor.indexed import Indexed

Kind = Literal["2", "1", "inf", "op", "F", "least"]
Index = Any  # sympy.Idx; sympy ships no types
Expr = Any
Make = TypeVar("Make")


def _interned(make: Make) -> Make:
    """The same object for equal arguments, so that comparing expressions rarely has to look inside them."""
    result: Make = cacheit(make)
    return result


class Letter(sp.MatrixSymbol):  # type: ignore[misc]  # sympy is untyped
    """A matrix, one for each value of the indices that it is given: Letter("b_k", N, 1, k)."""

    @_interned
    def __new__(cls, name: Any, rows: Any, cols: Any, *indices: Index) -> Letter:
        text = name if isinstance(name, Str) else Str(name)
        result: Letter = sp.Basic.__new__(cls, text, sp.sympify(rows), sp.sympify(cols), *indices)
        return result

    @property
    def indices(self) -> tuple[Index, ...]:
        return tuple(self.args[3:])


class Norm(sp.Expr):  # type: ignore[misc]
    """A norm of a matrix expression; made by `norm`, which moves numbers out."""

    is_commutative = True
    is_nonnegative = True

    @_interned
    def __new__(cls, matrix: Any, kind: Any) -> Norm:
        result: Norm = sp.Expr.__new__(cls, matrix, kind if isinstance(kind, Str) else Str(kind))
        return result

    @property
    def matrix(self) -> Any:
        return self.args[0]

    @property
    def kind(self) -> str:
        return str(self.args[1])


class Binder(sp.Expr):  # type: ignore[misc]
    """An operation over indices, increasing in its body."""

    is_commutative = True
    is_extended_real = True
    is_finite = True

    @property
    def body(self) -> Any:
        return self.args[0]

    @property
    def indices(self) -> tuple[Index, ...]:
        return tuple(self.args[1:])

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.body.is_nonnegative else None


class Total(Binder):
    """The sum of a product over one index; made by `total`."""


class Largest(Binder):
    """The maximum of a nonnegative quantity over one index; made by `largest`."""


class Length(Binder):
    """The Euclidean length of the family of nonnegative numbers that the indices run through; made by `length`."""


def norm(matrix: Any, kind: Kind | None = None) -> Expr:
    """‖matrix‖: Euclidean for a vector, absolute value of a 1 × 1 matrix; of a matrix say "op" or "F".

    The kind "least" is √λ_min(M Mᵀ), no norm. A matrix of numbers given entry by entry has kind "op".

    Raises:
        ValueError: a matrix without kind, or a kind that does not belong to this shape.
    """
    if isinstance(matrix, sp.ImmutableDenseMatrix) and kind == "op":
        return Norm(matrix, kind)
    vector = matrix.shape[1] == 1
    kind = kind or ("2" if vector else None)
    if kind is None or (kind in ("op", "F", "least")) == vector:
        raise ValueError(f"the norm of {matrix}, which is {matrix.rows} × {matrix.cols}, cannot be {kind!r}")
    return _norm(matrix, kind)


@cache
def _norm(matrix: Any, kind: Kind) -> Expr:
    factor, rest = _without_number(matrix)
    return sp.Abs(factor) * Norm(_without_sign(rest), kind)


def _without_number(matrix: Any) -> tuple[Expr, Any]:
    """The scalar factor of a matrix expression, and the rest."""
    factor, rest = matrix.as_coeff_mmul()
    return factor, rest.args[0] if isinstance(rest, sp.MatMul) and len(rest.args) == 1 else rest


def _without_sign(matrix: Any) -> Any:
    """The matrix or its negative, so that x − y and y − x look the same."""
    if isinstance(matrix, sp.MatAdd):
        leading = min(map(_without_number, matrix.args), key=lambda pair: str(pair[1]))
        negative = leading[0].could_extract_minus_sign() and not isinstance(leading[0], sp.Add)
        parts = [-part for part in matrix.args] if negative else matrix.args
        return reduce(operator.add, parts)
    if isinstance(matrix, sp.MatMul):
        return reduce(operator.mul, map(_without_sign, matrix.args))
    return matrix


@cache
def size(index: Index) -> Expr:
    """How many values the index takes."""
    return index.upper - index.lower + 1


@cache
def free(expression: Any) -> frozenset[Index]:
    """The indices that the expression depends on; those of sums and maxima are bound."""
    if isinstance(expression, sp.Idx):
        return frozenset({expression}) | bounds(expression)
    if isinstance(expression, Letter):
        return frozenset().union(*map(free, expression.indices))
    if isinstance(expression, Indexed):
        return frozenset().union(*(free(index) for index in expression.indices))
    inside: frozenset[Index] = frozenset().union(*(free(part) for part in expression.args))
    if isinstance(expression, Binder):
        return (inside - frozenset(expression.indices)).union(*map(bounds, expression.indices))
    return inside


@cache
def bounds(index: Index) -> frozenset[Index]:
    """The indices on which the range of the index depends."""
    return free(index.lower) | free(index.upper)


def total(index: Index, body: Expr) -> Expr:
    """Σ_index body, by linearity: term by term, with what does not depend on the index in front.

    Raises:
        ValueError: the size of the range is not known to be nonnegative.
    """
    _require_range(index, least=0)
    result = sp.Integer(0)
    for term in terms(body):
        outside, inside = _split(term, {index})
        result += outside * (size(index) if inside == 1 else Total(inside, index))
    return result


@cache
def terms(body: Expr) -> tuple[Expr, ...]:
    """The terms of the body, multiplied out; what stands inside norms and sums is left alone."""
    opaque: dict[Any, Expr] = {}
    return tuple(term.xreplace(opaque) for term in sp.Add.make_args(sp.expand(_closed(body, opaque))))


def _closed(body: Expr, opaque: dict[Any, Expr]) -> Expr:
    """The body with dummies for its atoms, which `opaque` translates back."""
    if body.is_Rational:
        return body
    if isinstance(body, (sp.Add, sp.Mul)) or (isinstance(body, sp.Pow) and body.exp.is_Rational):
        return body.func(*(_closed(part, opaque) for part in body.args))
    known = {atom: dummy for dummy, atom in opaque.items()}
    if body not in known:
        signs = {
            name: value for name, value in body.assumptions0.items() if name in ("real", "nonnegative", "positive")
        }
        known[body] = sp.Dummy(**{name: value for name, value in signs.items() if value})
        opaque[known[body]] = body
    return known[body]


def largest(index: Index, body: Expr) -> Expr:
    """max_index body for a body that is nonnegative.

    Raises:
        ValueError: the body is not known to be nonnegative, or the range not to hold a value.
    """
    _require_nonnegative(body)
    _require_range(index, least=1)
    outside, inside = _split(body, {index})
    return outside * (1 if inside == 1 else Largest(inside, index))


def length(indices: Index | Iterable[Index], body: Expr) -> Expr:
    """(Σ body²)^½ over the indices, for a body that is nonnegative; a body without the index is repeated.

    Raises:
        ValueError: the body is not known to be nonnegative, or the size of a range not, or a range depends on an index.
    """
    _require_nonnegative(body)
    over = {indices} if isinstance(indices, sp.Idx) else set(indices)
    for index in over:
        _require_range(index, least=0)
        if bounds(index):
            raise ValueError(f"the range of {index} depends on {min(map(str, bounds(index)))}: sum its squares instead")
    outside, inside = _split(body, over)
    for index in over - free(inside):
        outside *= sp.sqrt(size(index))
    over &= free(inside)
    if over and isinstance(inside, Length):
        over, inside = over | set(inside.indices), inside.body
    return outside * (Length(inside, *sorted(over, key=str)) if over else inside)


def lengths_of_sums(expression: Expr) -> tuple[Length, ...]:
    """The lengths in the expression whose body is a sum: where Minkowski's inequality applies."""
    found = (atom for atom in expression.atoms(Length) if len(terms(atom.body)) > 1)
    return tuple(sorted(found, key=str))


def _split(term: Expr, indices: set[Index]) -> tuple[Expr, Expr]:
    """The factors that do not depend on the indices, and those that do."""
    factors = sp.Mul.make_args(term)
    inside = [factor for factor in factors if free(factor) & indices]
    return sp.Mul(*(factor for factor in factors if factor not in inside)), sp.Mul(*inside)


def _require_range(index: Index, *, least: int) -> None:
    count = from_below(size(index) - least)
    if not (count.is_integer and count.is_nonnegative):
        raise ValueError(f"the range of {index} has {size(index)} values, which is not known to be {least} or more")


def from_below(expression: Expr) -> Expr:
    """The expression with every index as its lower bound plus a nonnegative integer."""
    while inside := sorted(free(expression), key=lambda index: len(free(index))):
        rest = sp.Dummy(integer=True, nonnegative=True)
        expression = expression.subs(inside[-1], inside[-1].lower + rest)
    return expression


def _require_nonnegative(body: Expr) -> None:
    if not body.is_nonnegative:
        raise ValueError(f"{body} is not known to be nonnegative")


@dataclass(frozen=True)
class Columns:
    """The columns of a matrix: column `vector` (with `index` free) for each value of the index; names for them.

    `parts` are the two families of which this is the difference.
    """

    matrix: Any
    index: Index
    vector: Any
    parts: tuple[Columns, ...] = ()

    def __sub__(self, other: Columns) -> Columns:
        return Columns(self.matrix - other.matrix, self.index, self.vector - other.vector, (self, other))


@dataclass(frozen=True)
class Diagonal:
    """The matrix diag(entries), for a vector of entries; names for both. `parts` as in `Columns`."""

    matrix: Any
    entries: Any
    parts: tuple[Diagonal, ...] = ()

    def __sub__(self, other: Diagonal) -> Diagonal:
        return Diagonal(self.matrix - other.matrix, self.entries - other.entries, (self, other))


@dataclass(frozen=True)
class SumOf:
    """whole = Σ_index part, an equation between matrices, and why it holds.

    `kind` says where it comes from (as for facts), `parts` are the equations of which it is the difference, or the
    names from which it was made.
    """

    whole: Any
    index: Index
    part: Any
    reason: str
    kind: str = "hypothesis"
    parts: tuple[Any, ...] = ()
    made: Any = field(default=None, repr=False, compare=False)
    lemma: Any = field(default=None, repr=False, compare=False)

    def __sub__(self, other: SumOf) -> SumOf:
        whole, part = self.whole - other.whole, self.part - other.part
        return SumOf(whole, self.index, part, self.reason, "derived", (self, other))
