"""Polynomials and rules as mathematics in Unicode: R Zᵀ Z − c R, tr(A B), (yᵀ R y)²."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import sympy
from sympy.printing.pretty.pretty_symbology import pretty_symbol

from verify.prove.matrices.polynomial import ONE, Atom, Monomial, Polynomial, Word

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def superscript(number: int) -> str:
    return str(number).translate(SUPERSCRIPTS)


def subscript(number: int) -> str:
    return str(number).translate(SUBSCRIPTS)


def show_name(name: str) -> str:
    """Ztilde as Z̃, lambda as λ; names that are Unicode already stay as they are."""
    return str(pretty_symbol(name)) if name.isascii() else name


def show_atom(atom: Atom) -> str:
    name = show_name(atom.name)
    if not atom.transposed:
        return name
    return f"({name})ᵀ" if name.endswith("⁻¹") else f"{name}ᵀ"


def show_word(word: Word) -> str:
    return " ".join(map(show_atom, word)) or "I"


def show_trace(word: Word) -> str:
    if word[0].rows != ONE:
        return f"tr({show_word(word)})"
    return f"({show_word(word)})" if len(word) > 1 else show_word(word)


def show_monomial(key: Monomial, *, square: bool = True) -> str:
    """The monomial; a scalar without any matrix shows nothing, unless it is a multiple of the identity."""
    factors = [
        show_trace(word) + (superscript(count) if count > 1 else "") for word, count in Counter(key.traces).items()
    ]
    if key.word or square:
        factors.append(show_word(key.word))
    return " ".join(factors)


def show_scalar(expression: Any) -> str:
    """A scalar: products without stars, powers raised, quotients with a slash."""
    if isinstance(expression, sympy.Symbol):
        return show_name(expression.name)
    if isinstance(expression, sympy.Add):
        terms = sorted(map(show_scalar, expression.as_ordered_terms()), key=lambda term: term.startswith("−"))
        return " + ".join(terms).replace("+ −", "− ")
    if isinstance(expression, sympy.Pow) and expression.exp.is_Integer and expression.exp > 0:
        return _factor(expression.base) + superscript(int(expression.exp))
    above, below = sympy.fraction(expression)
    if below != 1:
        return f"{_factor(above)}/{_factor(below, tight=True)}"
    if isinstance(expression, sympy.Mul):
        number, rest = expression.as_coeff_Mul()
        text = " ".join(_factor(factor) for factor in rest.as_ordered_factors())
        text = text if abs(number) == 1 else f"{abs(number)} {text}"
        return f"−{text}" if number < 0 else text
    return str(expression).replace("-", "−")


def _factor(expression: Any, *, tight: bool = False) -> str:
    grouped = isinstance(expression, sympy.Add) or (tight and isinstance(expression, sympy.Mul))
    return f"({show_scalar(expression)})" if grouped else show_scalar(expression)


def show(polynomial: Polynomial) -> str:
    """The polynomial, its common denominator in front: 1/(2 K) [Zᵀ Z − I]."""
    terms = [(key, sympy.factor(polynomial.scalars.write(value))) for key, value in polynomial.descending()]
    below = [sympy.fraction(value)[1] for _, value in terms]
    square = polynomial.rows != ONE
    if sum(denominator != 1 for denominator in below) < 2:
        return _sum(terms, square)
    common = sympy.lcm_list(below)
    cleared = [(key, sympy.cancel(value * common)) for key, value in terms]
    return f"1/{_factor(common, tight=True)} [{_sum(cleared, square)}]"


def _sum(terms: Iterable[tuple[Monomial, Any]], square: bool) -> str:
    """Terms with a plus, then terms with a minus."""
    plus: list[str] = []
    minus: list[str] = []
    for key, coefficient in terms:
        negative = coefficient.could_extract_minus_sign()
        body = _term(-coefficient if negative else coefficient, show_monomial(key, square=square))
        (minus if negative else plus).append(body)
    if not plus:
        return "−" + " − ".join(minus) if minus else "0"
    return " − ".join([" + ".join(plus), *minus])


def _term(coefficient: Any, body: str) -> str:
    if coefficient == 1 and body:
        return body
    number = show_scalar(coefficient)
    if not body:
        return number
    return f"({number}) {body}" if isinstance(coefficient, sympy.Add) or "/" in number else f"{number} {body}"
