"""Quantities as mathematics in Unicode: γ Σ_k ‖Z̄ s_hk‖ √K, max_i |v_iᵀ u|, (Σ_h ‖Q_h‖_F²)^½."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import sympy as sp
from sympy.tensor.indexed import Indexed

from verify.prove.inequalities.quantity import Binder, Largest, Length, Letter, Norm, Total
from verify.prove.matrices.format_polynomial import show_name, superscript

BRACKETS = {
    "2": ("‖", "‖"),
    "1": ("‖", "‖₁"),
    "inf": ("‖", "‖_∞"),
    "op": ("‖", "‖₂"),
    "F": ("‖", "‖_F"),
    "least": ("σ_min(", ")"),
}


@cache
def spell(quantity: Any) -> str:
    """A scalar quantity; minus signs and fractions as a reader writes them."""
    if isinstance(quantity, sp.Add):
        return _sum(quantity)
    if isinstance(quantity, (sp.Mul, sp.Pow, sp.Rational, sp.exp)):
        return _product(quantity)
    if isinstance(quantity, Norm):
        left, right = ("|", "|") if quantity.matrix.shape == (1, 1) else BRACKETS[quantity.kind]
        return f"{left}{spell_matrix(quantity.matrix)}{right}"
    if isinstance(quantity, Binder):
        return _bound(quantity)
    if isinstance(quantity, sp.Abs):
        return f"|{spell(quantity.args[0])}|"
    if isinstance(quantity, Indexed):
        return f"{_name(str(quantity.base))}_{''.join(map(str, quantity.indices))}"
    return _name(str(quantity))


def _name(name: str) -> str:
    return name if "_" in name else show_name(name)


def _sum(quantity: Any) -> str:
    """Terms with a plus first; among them numbers and symbols, then norms, then sums and maxima."""
    ranked = [(2 if term.has(Binder) else 1 if term.has(Norm) else 0, _term(term)) for term in quantity.args]
    ordered = sorted(ranked, key=lambda pair: (pair[1].startswith("−"), *pair))
    return " + ".join(text for _, text in ordered).replace("+ −", "− ")


def _term(quantity: Any) -> str:
    return f"({spell(quantity)})" if isinstance(quantity, (Total, Largest)) else spell(quantity)


def _product(quantity: Any) -> str:
    number, rest = quantity.as_coeff_Mul()
    above, below = _sides(sp.Mul.make_args(rest))
    above = [str(abs(number.p))] * (abs(number.p) != 1 or not above) + above
    below = [str(number.q)] * (number.q != 1) + below
    text = " ".join(above)
    if below:
        text += "/" + (below[0] if len(below) == 1 else f"({' '.join(below)})")
    return f"−{text}" if number < 0 else text


def _sides(factors: Iterable[Any]) -> tuple[list[str], list[str]]:
    """What stands above and below the fraction line."""
    above: list[tuple[int, str]] = []
    below: list[tuple[int, str]] = []
    for factor in factors:
        if factor == 1:
            continue
        base, exponent = factor.as_base_exp()
        negative = exponent.could_extract_minus_sign()
        (below if negative else above).append((_place(base), _power(base, abs(exponent) if negative else exponent)))
    return [text for _, text in sorted(above)], [text for _, text in sorted(below)]


def _place(base: Any) -> int:
    """Numbers and symbols come first, then norms, then sums and maxima."""
    return 2 if isinstance(base, (Binder, sp.Add)) else 1 if isinstance(base, Norm) else 0


def _power(base: Any, exponent: Any) -> str:
    if isinstance(base, Length) and exponent == 2:
        return f"({_inside(base)})"
    inner = "e" if base is sp.E else spell(base)
    plain = base is sp.E or isinstance(base, (Norm, sp.Symbol, Indexed, Length)) or base.is_Integer
    grouped = inner if plain else f"({inner})"
    if exponent == 1:
        return f"({inner})" if isinstance(base, (sp.Add, Total, Largest)) else inner
    if exponent.is_Integer:
        return grouped + superscript(int(exponent))
    if exponent == sp.Rational(1, 2):
        return f"√{grouped}"
    raised = spell(exponent)
    return f"{grouped}^{raised}" if isinstance(exponent, (sp.Symbol, sp.Idx)) else f"{grouped}^({raised})"


def _bound(quantity: Any) -> str:
    body = spell(quantity.body)
    under = "".join(map(str, quantity.indices))
    grouped = f"({body})" if isinstance(quantity.body, sp.Add) else body
    if isinstance(quantity, Length):
        return f"({_inside(quantity)})^½"
    return f"{'max' if isinstance(quantity, Largest) else 'Σ'}_{under} {grouped}"


def _inside(quantity: Any) -> str:
    """The sum of squares under the root of a length."""
    body = spell(quantity.body)
    grouped = body if isinstance(quantity.body, Norm) else f"({body})"
    return f"Σ_{''.join(map(str, quantity.indices))} {grouped}²"


def spell_matrix(matrix: Any) -> str:
    """A matrix expression: words in letters, transposes and numbers in front."""
    if isinstance(matrix, sp.MatAdd):
        terms = sorted(map(spell_matrix, matrix.args), key=lambda text: text.startswith("−"))
        return " + ".join(terms).replace("+ −", "− ")
    if isinstance(matrix, sp.MatMul):
        number, rest = matrix.as_coeff_matrices()
        words = [f"({spell_matrix(m)})" if isinstance(m, sp.MatAdd) else spell_matrix(m) for m in rest]
        if number == 1:
            return " ".join(words)
        factor = f"({spell(number)})" if isinstance(number, sp.Add) else spell(number)
        return ("−" if number == -1 else factor + " ") + " ".join(words)
    if isinstance(matrix, sp.Transpose):
        inner = spell_matrix(matrix.arg)
        return f"{inner}ᵀ" if isinstance(matrix.arg, sp.MatrixSymbol) else f"({inner})ᵀ"
    if isinstance(matrix, Letter):
        return matrix.name  # type: ignore[no-any-return]
    if isinstance(matrix, sp.ImmutableDenseMatrix):
        return "[" + "; ".join(" ".join(map(spell, row)) for row in matrix.tolist()) + "]"
    if isinstance(matrix, sp.Identity):
        return "I"
    return _name(str(matrix))
