"""Wrong versions of a stated result: one constant, exponent, sign, transpose, term or premise changed at a time.

What can be varied: numbers, sympy scalars and matrices, relations, premises, and tuples of these. Versions that are
written like the original, or like an earlier version, are left out, and so are matrices of another shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import sympy as sp
from sympy.matrices.expressions import Inverse, MatAdd, MatMul, MatPow, Transpose

from verify.prove.inequalities.quantity import Binder, Largest, Length, Norm, Total, largest, length, total
from verify.prove.inequalities.system import Relation
from verify.prove.matrices.sampling import Equation

FACTORS = (Fraction(1, 2), Fraction(2), Fraction(9, 10), Fraction(11, 10))
ROOT, WHOLE = sp.Rational(1, 2), sp.Integer(1)  # steps of exponents; the matrix calculi know whole powers only


@dataclass(frozen=True, kw_only=True)
class Variation:
    """What was done, to which part, and the wrong version."""

    kind: str
    part: str
    value: Any

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.kind}: {self.part}"


def variations(value: Any) -> tuple[Variation, ...]:
    """All wrong versions of a stated result.

    Raises:
        TypeError: nothing is known about varying such a value.
    """
    seen, found = {_key(value)}, []
    for variation in _vary(value):
        alike = getattr(variation.value, "shape", None) == getattr(value, "shape", None)
        if _key(variation.value) not in seen and alike and _fits(variation.value):
            seen.add(_key(variation.value))
            found.append(variation)
    return tuple(found)


def _fits(value: Any) -> bool:
    """Whether all sums, products, powers and traces in it are of matrices whose shapes fit; else it states nothing."""
    if isinstance(value, Relation):
        return _fits(value.left) and _fits(value.right)
    if not isinstance(value, sp.Basic):
        return True
    for part in sp.preorder_traversal(value):
        shapes = [item.shape for item in part.args if getattr(item, "is_Matrix", False)]
        if isinstance(part, MatMul) and any(one[1] != two[0] for one, two in pairwise(shapes)):
            return False
        if isinstance(part, MatAdd) and len(set(shapes)) > 1:
            return False
        if isinstance(part, (MatPow, sp.Trace)) and any(rows != cols for rows, cols in shapes):
            return False
    return True


def _key(value: Any) -> str:
    return sp.srepr(value) if isinstance(value, sp.Basic) else repr(value)


def _vary(value: Any) -> Iterator[Variation]:
    match value:
        case tuple() if value and all(isinstance(item, Equation) for item in value):
            yield from _premises(value)
        case tuple():
            for place, item in enumerate(value):
                yield from _inside(_vary(item), _at(value, place, tuple))
        case Relation():
            composed = [isinstance(side, (sp.Add, sp.Mul)) for side in (value.left, value.right)]
            if composed == [True, False]:  # a lower bound
                yield from _inside(_vary(value.left), lambda new: replace(value, left=new))
            else:
                yield from _inside(_vary(value.right), lambda new: replace(value, right=new))
            if not value.equal:
                swapped = replace(value, left=value.right, right=value.left)
                yield Variation(kind="≤ reversed", part=f"{_told(value.left)} ≥ …", value=swapped)
        case sp.MatrixBase():
            yield from _table(value)
        case sp.MatrixExpr():
            yield from _matrix(value, term=True)
        case sp.Expr():
            yield from _scalar(value, WHOLE if _of_matrices(value) else ROOT, term=True)
        case bool() | str():
            raise TypeError(f"no wrong versions are known of {value!r}; state a number, an expression or a relation")
        case int() | float() | Fraction():
            exact = isinstance(value, (int, Fraction))
            for factor in FACTORS:
                new = Fraction(value) * factor if exact else value * float(factor)
                yield Variation(kind=f"constant × {factor}", part=str(value), value=_plain(new))
            yield Variation(kind="sign", part=f"−{value}", value=-value)
        case _:
            raise TypeError(f"no wrong versions are known of {type(value).__name__}; state an expression")


def _plain(number: Any) -> Any:
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 else number


def _told(expression: Any) -> str:
    return " ".join(str(expression).split())


def _inside(given: Iterator[Variation], put: Callable[[Any], Any]) -> Iterator[Variation]:
    """The variations of a part, in its place; one that fits no more (a shape, a size) is no statement at all."""
    for variation in given:
        try:
            whole = put(variation.value)
        except (ValueError, TypeError):  # sympy's ShapeError and NonSquareMatrixError are among them
            continue
        yield replace(variation, value=whole)


def _at(parts: tuple[Any, ...], place: int, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What makes the whole from its parts, with another part at this place."""
    return lambda new: make((*parts[:place], new, *parts[place + 1 :]))


def _as_term(expression: Any, scale: Callable[[Any], Any]) -> Iterator[Variation]:
    """A term of a sum (or the whole): its constant and its sign."""
    for factor in FACTORS:
        number = sp.Rational(factor.numerator, factor.denominator)
        yield Variation(kind=f"constant × {factor}", part=_told(expression), value=scale(number))
    yield Variation(kind="sign", part=f"−({_told(expression)})", value=scale(sp.Integer(-1)))


def _terms(parts: tuple[Any, ...], add: Callable[[Any], Any], vary: Callable[[Any], Iterator[Variation]]) -> Any:
    """Each term of a sum varied, and each dropped."""
    for place, part in enumerate(parts):
        yield from _inside(vary(part), _at(parts, place, add))
        yield Variation(kind="term dropped", part=_told(part), value=add((*parts[:place], *parts[place + 1 :])))


def _premises(premises: tuple[Equation, ...]) -> Iterator[Variation]:
    for place, premise in enumerate(premises):
        rest = (*premises[:place], *premises[place + 1 :])
        yield Variation(kind="hypothesis dropped", part=premise.name, value=rest)


def _of_matrices(e: Any) -> bool:
    """Whether it is a scalar of the matrix calculus, with traces, and not one with norms."""
    return bool(e.has(sp.MatrixExpr)) and not e.has(Norm)


def _scalar(e: Any, step: Any, *, term: bool) -> Iterator[Variation]:
    """Of a scalar: constants and signs of terms, exponents of factors."""
    if term:
        yield from _as_term(e, lambda number: number * e)
    if isinstance(e, sp.Add):
        yield from _terms(e.args, lambda parts: sp.Add(*parts), lambda part: _scalar(part, step, term=True))
        return
    factors = sp.Mul.make_args(e)
    for place, factor in enumerate(factors):
        if isinstance(factor, sp.Add) and factor.is_number:  # such as 1 − 1/√2
            yield from _inside(_scalar(factor, step, term=False), _at(factors, place, lambda parts: sp.Mul(*parts)))
        elif not factor.is_number:
            yield from _inside(_factor(factor, step), _at(factors, place, lambda parts: sp.Mul(*parts)))


def _factor(factor: Any, step: Any) -> Iterator[Variation]:
    """The exponent of one factor, and what stands inside it."""
    base, exponent = factor.as_base_exp()
    if not _of_matrices(factor):
        for change in (step, -step):
            new = base ** (exponent + change)
            yield Variation(kind="exponent", part=f"({_told(base)})^({exponent + change})", value=new)
    if isinstance(base, sp.Add):
        yield from _inside(_scalar(base, step, term=False), lambda new: new**exponent)
    if isinstance(base, Binder):
        yield from _inside(_scalar(base.body, step, term=False), lambda new: _bound(base, new) ** exponent)
    if isinstance(base, sp.Trace):
        yield from _inside(_matrix(base.arg, term=False), lambda new: sp.Trace(new) ** exponent)
    if isinstance(base, sp.Function) and len(base.args) == 1:
        yield from _inside(_scalar(base.args[0], step, term=True), lambda new: base.func(new) ** exponent)


def _bound(binder: Binder, body: Any) -> Any:
    match binder:
        case Length():
            return length(binder.indices, body)
        case Largest():
            return largest(binder.indices[0], body)
        case Total():
            return total(binder.indices[0], body)
    raise TypeError(f"no wrong versions are known of {type(binder).__name__}; state a sum, a maximum or a length")


def _matrix(e: Any, *, term: bool) -> Iterator[Variation]:
    """Of a matrix: constants and signs of terms, transposes, inverses, and what stands inside."""
    if term:
        yield from _as_term(e, lambda number: number * e)
    match e:
        case MatAdd():
            yield from _terms(e.args, lambda parts: sum(parts[1:], parts[0]), lambda part: _matrix(part, term=True))
        case MatMul():
            for place, part in enumerate(e.args):
                inner = _matrix(part, term=False) if part.is_Matrix else _scalar_in_product(part)
                yield from _inside(inner, _at(e.args, place, _product))
        case Inverse():
            yield Variation(kind="inverse dropped", part=_told(e), value=e.arg)
            yield Variation(kind="exponent", part=f"({_told(e.arg)})^(-2)", value=e * e)
            yield from _inside(_matrix(e.arg, term=False), lambda new: new.I)
        case MatPow():
            for change in (WHOLE, -WHOLE):
                new = sp.MatPow(e.base, e.exp + change).doit()
                yield Variation(kind="exponent", part=f"({_told(e.base)})^({e.exp + change})", value=new)
            yield from _inside(_matrix(e.base, term=False), lambda new: sp.MatPow(new, e.exp))
        case Transpose():
            yield Variation(kind="transpose", part=_told(e), value=e.arg)
            yield from _inside(_matrix(e.arg, term=False), lambda new: new.T)
        case sp.MatrixSymbol():
            yield Variation(kind="transpose", part=_told(e), value=e.T)


def _scalar_in_product(factor: Any) -> Iterator[Variation]:
    for part in sp.Mul.make_args(factor):
        base, exponent = part.as_base_exp()
        if part.is_number:
            continue
        for change in (WHOLE, -WHOLE):
            new = factor * base**change
            yield Variation(kind="exponent", part=f"({_told(base)})^({exponent + change})", value=new)


def _product(parts: tuple[Any, ...]) -> Any:
    result = parts[0]
    for part in parts[1:]:
        result = result * part
    return result


def _table(entries: Any) -> Iterator[Variation]:
    """Of an explicit matrix: every entry, and the transpose."""
    for place, entry in enumerate(entries):
        name = f"entry {place // entries.cols + 1}, {place % entries.cols + 1}: "

        def put(new: Any, at: int = place) -> Any:
            return sp.ImmutableMatrix(entries.rows, entries.cols, [*entries[:at], new, *entries[at + 1 :]])

        for variation in _inside(_scalar(entry, ROOT, term=True), put):
            yield replace(variation, part=name + variation.part)
    yield Variation(kind="transpose", part="the whole matrix", value=sp.ImmutableMatrix(entries).T)
