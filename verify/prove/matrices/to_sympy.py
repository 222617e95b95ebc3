"""From polynomials back to sympy, for results that go on into other expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy

from verify.prove.matrices.from_sympy import Inverse
from verify.prove.matrices.polynomial import ONE, Polynomial, Word


def write(polynomial: Polynomial, symbols: Iterable[Any], inverses: Iterable[Inverse]) -> Any:
    """The sympy expression of a polynomial in the matrix symbols and inverses; a scalar if it is 1 × 1."""
    letters: dict[str, Any] = {symbol.name: symbol for symbol in symbols}
    for inverse in inverses:
        letters[inverse.atom.name] = sympy.Inverse(_sum(inverse.of, letters))
    return _sum(polynomial, letters)


def _sum(polynomial: Polynomial, letters: Mapping[str, Any]) -> Any:
    scalars = polynomial.scalars
    rows, cols = (scalars.write(scalars.dimensions[size]) for size in polynomial.shape)
    is_scalar = polynomial.shape == (ONE, ONE)
    total = sympy.Integer(0) if is_scalar else sympy.ZeroMatrix(rows, cols)
    for key, value in polynomial.descending():
        factor = scalars.write(value) * sympy.prod([sympy.Trace(_word(word, letters)) for word in key.traces])
        matrix = _word(key.word, letters) if key.word else sympy.Identity(rows)
        total += factor if is_scalar else factor * matrix
    return total


def _word(word: Word, letters: Mapping[str, Any]) -> Any:
    factors = [letters[atom.name].T if atom.transposed else letters[atom.name] for atom in word]
    return sympy.MatMul(*factors) if len(factors) > 1 else factors[0]
