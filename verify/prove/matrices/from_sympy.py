"""From sympy to polynomials: shapes are checked, inverses become letters with their two equations.

An inverse in an expression asserts that it exists. Writing R for G⁻¹, all that is used about R is
G R = I and R G = I; it is symmetric when G is. Equal matrices G, compared in normal form and up to
a scalar factor, share one letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

import sympy
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.prove.matrices.format_polynomial import show, show_name, subscript
from verify.prove.matrices.polynomial import ONE, UNIT, Atom, Polynomial, Word
from verify.prove.matrices.rewriting import Rules, both_ways, reduce
from verify.prove.matrices.scalars import Scalars, dimension_text

INVERSE = "⁻¹"


@dataclass(frozen=True)
class Inverse:
    """The letter of an inverse, and the polynomial (largest coefficient 1) that it inverts."""

    atom: Atom
    of: Polynomial


@dataclass(frozen=True)
class Note:
    """Something done while reading, with its reason and the polynomial that vanishes by it."""

    template: str
    shown: tuple[Polynomial, ...]  # what fills the template
    reason: str
    vanishing: Polynomial

    @property
    def expression(self) -> str:
        return self.template.format(*map(show, self.shown))


@dataclass
class Reader:
    """Reads the expressions of one proof, and gathers the inverses and the rules that it meets."""

    scalars: Scalars
    letter: str
    numbered: bool = True
    rules: Rules = field(default_factory=Rules)
    inverses: list[Inverse] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @classmethod
    def of(cls, expressions: Iterable[Any]) -> Reader:
        """A reader of these expressions.

        Raises:
            ValueError: two different symbols share a name or a symbol is called like an inverse, a scalar
                does not commute, or an expression is no sympy expression.
        """
        known = list(expressions)
        scalars = Scalars.of(known)
        names = {symbol.name for e in known for symbol in e.atoms(sympy.MatrixSymbol, sympy.Symbol)}
        if named := [name for name in names if name.endswith(INVERSE)]:
            raise ValueError(f"the symbol {named[0]} is called like an inverse: rename it, or write Inverse(...)")
        letters = chain("RSGWXY", ("R" + "′" * primes for primes in count(1)))
        letter = next(letter for letter in letters if not any(name.startswith(letter) for name in names))
        inverted = {node.arg for e in known for node in e.atoms(sympy.Inverse)}
        several = sum(not isinstance(of, sympy.MatrixSymbol) for of in inverted) > 1
        return cls(scalars, letter, several)

    def assume(self, equation: Polynomial, reason: str) -> None:
        """Use the equation polynomial = 0, in normal form, and its transpose from now on.

        Raises:
            ValueError: it cannot be oriented, or contradicts what is known.
        """
        for each in (equation, equation.transpose()):
            rest, rounds = reduce(each, self.rules)
            if rest:
                parents = tuple(rule for step in rounds for rule in step.rules)
                self.rules += both_ways(rest, reason, parents)

    def matrix(self, expression: Any) -> Polynomial:
        """The polynomial of a matrix expression, or of a scalar one as a 1 × 1 matrix.

        Raises:
            ValueError: shapes do not fit, or the expression holds something outside the calculus.
        """
        match expression:
            case sympy.MatrixSymbol():
                rows, cols = map(dimension_text, expression.shape)
                return Polynomial.product(self.scalars, (Atom(False, expression.name, False, rows, cols, False),))
            case sympy.Identity():
                return Polynomial.scalar(self.scalars, self.scalars.domain.one, dimension_text(expression.rows))
            case sympy.ZeroMatrix():
                return Polynomial.zero(self.scalars, *map(dimension_text, expression.shape))
            case sympy.Transpose():
                return self.matrix(expression.arg).transpose()
            case sympy.Inverse():
                return self._inverse(self.matrix(expression.arg), expression)
            case sympy.MatPow():
                return self._power(expression)
            case sympy.MatAdd():
                return self._sum(expression)
            case sympy.MatMul():
                return self._product(expression)
            case MatrixExpr():
                raise ValueError(f"{type(expression).__name__} is outside the calculus: {expression}")
            case sympy.Expr():
                return self.scalar(expression)
        raise ValueError(f"expected a matrix expression or a scalar, got {expression!r}")

    def _sum(self, expression: Any) -> Polynomial:
        total, *others = map(self.matrix, expression.args)
        for other in others:
            if other.shape != total.shape:
                raise ValueError(
                    f"cannot add a {_size(other)} matrix to a {_size(total)} one in {expression}: check its shapes"
                )
            total += other
        return total

    def _product(self, expression: Any) -> Polynomial:
        numbers, matrices = _split(expression.args)
        total = self.matrix(matrices[0])
        for other in map(self.matrix, matrices[1:]):
            if other.rows != total.cols:
                raise ValueError(
                    f"cannot multiply a {_size(total)} matrix by a {_size(other)} one in {expression}: check its shapes"
                )
            total *= other
        for number in numbers:
            total = total.scaled(self.scalar(number))
        return total

    def _power(self, expression: Any) -> Polynomial:
        base, exponent = self.matrix(expression.base), expression.exp
        if not exponent.is_Integer:
            raise ValueError(
                f"only whole powers are in the calculus, got {expression}; introduce the power as a symbol"
            )
        if exponent < 0:
            base = self._inverse(base, expression)
        if base.rows != base.cols:
            raise ValueError(f"only a square matrix has powers, got a {_size(base)} one in {expression}")
        result = Polynomial.scalar(self.scalars, self.scalars.domain.one, base.rows)
        for _ in range(abs(int(exponent))):
            result *= base
        return result

    def scalar(self, expression: Any) -> Polynomial:
        """The 1 × 1 polynomial of a scalar expression, in which traces may occur.

        Raises:
            ValueError: it is not polynomial in its traces and rational in its symbols.
        """
        if not expression.has(sympy.Trace):
            return Polynomial.scalar(self.scalars, self.scalars.read(expression))
        match expression:
            case sympy.Trace():
                return self._trace(expression)
            case sympy.Add():
                total = Polynomial.zero(self.scalars, ONE, ONE)
                for term in expression.args:
                    total += self.scalar(term)
                return total
            case sympy.Mul():
                return self._scalar_product(expression.args)
            case sympy.Pow() if expression.exp.is_Integer and expression.exp > 0:
                return self._scalar_product([expression.base] * int(expression.exp))
        raise ValueError(f"a trace may be added and multiplied only, not as in {expression}")

    def _scalar_product(self, factors: Iterable[Any]) -> Polynomial:
        total = Polynomial.scalar(self.scalars, self.scalars.domain.one)
        for factor in factors:
            total *= self.scalar(factor)
        return total

    def _trace(self, expression: Any) -> Polynomial:
        inner = self.matrix(expression.arg)
        if inner.rows != inner.cols:
            raise ValueError(f"only a square matrix has a trace, not the {_size(inner)} one in {expression}")
        return inner.trace()

    def _inverse(self, given: Polynomial, expression: Any) -> Polynomial:
        if given.rows != given.cols:
            raise ValueError(f"only a square matrix has an inverse, not the {_size(given)} one in {expression}")
        of = self._simplified(given)
        if not of:
            raise ValueError(f"{expression} is the inverse of zero")
        value = of.terms[of.leading]
        if not self.scalars.nonzero(value):
            raise ValueError(
                f"cannot use {expression}: the coefficient {self.scalars.write(value)} of its largest term may "
                "vanish; declare its symbols positive or nonzero"
            )
        of = of.divided(value)
        if of.rows == ONE and of.leading != UNIT:
            raise ValueError(f"{expression} divides by a number that is not a rational function of the scalars")
        word = of.leading.word
        if len(of.terms) > 1 or of.leading.traces or any(letter.rows != letter.cols for letter in word):
            return self._letter(of).divided(value)
        return self._of_product(of, word).divided(value)

    def _simplified(self, given: Polynomial) -> Polynomial:
        of, rounds = reduce(given, self.rules)
        if rounds:
            reasons = "; ".join(dict.fromkeys(step.rules[0].reason for step in rounds))
            self.notes.append(Note("{} = {}", (given, of), reasons, given - of))
        return of

    def _of_product(self, of: Polynomial, word: Word) -> Polynomial:
        """The inverse of a product of square matrices: each of them is invertible, because the product is."""
        result = one = Polynomial.scalar(self.scalars, self.scalars.domain.one, of.rows)
        for atom in reversed(word):
            result *= self._of_atom(atom)
        if len(word) > 1:
            reason = "inverse of a product of square matrices"
            self.notes.append(Note("({})⁻¹ = {}", (of, result), reason, of * result - one))
        return result

    def _of_atom(self, atom: Atom) -> Polynomial:
        for known in self.inverses:
            if atom == known.atom:
                return known.of
            if atom == known.atom.flip():
                return known.of.transpose()
        if atom.transposed:
            return self._of_atom(atom.flip()).transpose()
        return self._letter(Polynomial.product(self.scalars, (atom,)))

    def _letter(self, of: Polynomial) -> Polynomial:
        """The inverse of a polynomial with largest coefficient 1, as one letter."""
        flipped, _ = reduce(of.transpose(), self.rules)
        for known in self.inverses:
            if known.of == of:
                return Polynomial.product(self.scalars, (known.atom,))
            if known.of == flipped:
                return Polynomial.product(self.scalars, (known.atom.flip(),))
        atom = Atom(True, self._name(of), False, of.rows, of.cols, flipped == of)
        self.inverses.append(Inverse(atom, of))
        letter = Polynomial.product(self.scalars, (atom,))
        one = Polynomial.scalar(self.scalars, self.scalars.domain.one, of.rows)
        name = show_name(atom.name)
        reason = "definition; symmetric, because what it inverts is" if atom.symmetric else "definition"
        if not _is_letter(of):
            self.notes.append(Note(name + " = ({})⁻¹", (of,), reason, of * letter - one))
        for equation in (of * letter - one, letter * of - one):
            self.assume(equation, f"definition of {name}")
        return letter

    def _name(self, of: Polynomial) -> str:
        if _is_letter(of):
            return f"{of.leading.word[0].name}{INVERSE}"
        taken = sum(inverse.atom.name.startswith(self.letter) for inverse in self.inverses)
        return self.letter + subscript(taken + 1) if self.numbered or taken else self.letter


def _is_letter(polynomial: Polynomial) -> bool:
    key = polynomial.leading
    return len(polynomial.terms) == len(key.word) == 1 and not key.traces


def _split(factors: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """The scalar factors, and the matrix factors in their order."""
    numbers: list[Any] = []
    matrices: list[Any] = []
    for factor in factors:
        (matrices if isinstance(factor, MatrixExpr) else numbers).append(factor)
    return numbers, matrices


def _size(polynomial: Polynomial) -> str:
    return " × ".join(polynomial.shape)
