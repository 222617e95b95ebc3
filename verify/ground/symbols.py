"""The few operations of sympy that proofs rest on, on cases multiplied out by hand.

Every case makes fresh symbols, so that no earlier result in sympy's cache can answer for it. Results are read as
exact numbers: a polynomial is evaluated by integer arithmetic on its printed tree, not by sympy.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.matrices import expressions as me

from verify.ground.compare import first_trouble
from verify.ground.selftest import SelfTest

POINTS = ((2, 3, 5), (-1, 4, 7), (3, -2, 11))  # values of x, y, z


def _symbols() -> tuple[Any, Any, Any]:
    x, y, z = (sp.Dummy(name) for name in "xyz")
    return x, y, z


def value(expression: Any, at: dict[Any, int]) -> Fraction:
    """The value of a tree of sums, products and whole powers, by Python's integers.

    Raises:
        ValueError: the tree holds something else.
    """
    if expression in at:
        return Fraction(at[expression])
    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    parts = [value(part, at) for part in expression.args]
    if isinstance(expression, sp.Add):
        return sum(parts, Fraction(0))
    if isinstance(expression, sp.Mul):
        result = Fraction(1)
        for part in parts:
            result *= part
        return result
    if isinstance(expression, sp.Pow) and parts[1].denominator == 1:
        return parts[0] ** int(parts[1])
    raise ValueError(f"{expression} is no polynomial")


def _agree(name: str, changed: Any, truth: Any, symbols: tuple[Any, ...]) -> str | None:
    """The expression against a Python function of the same numbers, at every point."""
    for point in POINTS:
        found = value(changed, dict(zip(symbols, point, strict=True)))
        expected = truth(*map(Fraction, point))
        if str(found) != str(expected):
            return f"{name} is {changed}, which at {point} is {found}, expected {expected}"
    return None


def _expansion() -> str | None:
    x, y, z = symbols = _symbols()
    product = (x + 2 * y - z / 3) * (x - y) ** 2

    def truth(a: Fraction, b: Fraction, c: Fraction) -> Fraction:
        return (a + 2 * b - c / 3) * (a - b) ** 2

    for name, expanded in (("expand((x + 2y − z/3)(x − y)²)", sp.expand(product)), ("its method", product.expand())):
        trouble = _agree(name, expanded, truth, symbols)
        if trouble:
            return trouble
        if any(isinstance(part, sp.Add) for part in sp.preorder_traversal(expanded) if part is not expanded):
            return f"{name} is {expanded}, which is not multiplied out"
    return first_trouble([("(x + y)² − x² − 2xy − y²", sp.expand((x + y) ** 2 - x**2 - 2 * x * y - y**2), 0)])


def _replacement() -> str | None:
    x, y, z = symbols = _symbols()
    body = x**2 * y + z
    for name, changed in (
        ("(x²y + z) with y, z → z, 3", body.xreplace({y: z, z: sp.Integer(3)})),
        ("the same by subs", body.subs({y: z, z: 3}, simultaneous=True)),
    ):
        trouble = _agree(name, changed, lambda a, b, c: a**2 * c + 3, symbols)
        if trouble:
            return trouble
    return first_trouble(
        [
            ("x²y + z at 2, 3, 1/2", body.subs({x: 2, y: 3, z: sp.Rational(1, 2)}), "25/2"),
            ("x in x²y + z", body.has(x), True),
            ("free symbols of x²y + 1", (body - z).free_symbols == {x, y}, True),
            ("x equals y", x == y, False),
            ("x + y equals y + x", x + y == y + x, True),
        ]
    )


def _numbers() -> str | None:
    third, seventh = sp.Rational(1, 3), sp.Rational(2, 7)
    return first_trouble(
        [
            ("1/3 + 2/7", third + seventh, "13/21"),
            ("1/3 − 2/7", third - seventh, "1/21"),
            ("1/3 · 2/7", third * seventh, "2/21"),
            ("(1/3)/(2/7)", third / seventh, "7/6"),
            ("(2/7)³", seventh**3, "8/343"),
            ("1/3 < 2/7", third < seventh, False),
            ("6/4", sp.Rational(6, 4), "3/2"),
            ("−(1/3)", -third, "-1/3"),
            ("2 + 1/3", 2 + third, "7/3"),
            ("√(9/4)", sp.sqrt(sp.Rational(9, 4)), "3/2"),
            ("(√2)²", sp.sqrt(2) ** 2, 2),
            ("1/3 equals 2/6", third == sp.Rational(2, 6), True),
            ("sum of parts", sp.Add(third, seventh, 1), "34/21"),
            ("product of parts", sp.Mul(third, seventh, 21), 2),
        ]
    )


def _rewriting() -> str | None:
    x, y, z = symbols = _symbols()
    quotient = (x**2 - y**2) / (x - y) + z / (2 * y)
    positive = sp.Dummy("p", positive=True)
    for name, changed in (("cancel", sp.cancel(quotient)), ("factor", sp.factor(quotient))):
        trouble = _agree(f"{name}((x² − y²)/(x − y) + z/2y)", changed, lambda a, b, c: a + b + c / (2 * b), symbols)
        if trouble:
            return trouble
    above, below = sp.fraction(x / (2 * y))
    s, t = sp.Dummy("s", integer=True), sp.Dummy("t", integer=True)
    return first_trouble(
        [
            ("numerator of x/2y", above == x, True),
            ("denominator of x/2y", below == 2 * y, True),
            ("radsimp of 1/(1 + √2)", sp.radsimp(1 / (1 + sp.sqrt(2))), "-1 + sqrt(2)"),
            ("√(p²) of a positive p", sp.sqrt(positive**2) == positive, True),
            ("p^(s+t) split", sp.expand_power_exp(positive ** (s + t)).args == (positive ** (s + t)).args, False),
            ("terms of x + y", set(sp.Add.make_args(x + y)) == {x, y}, True),
            ("factors of xy", set(sp.Mul.make_args(x * y)) == {x, y}, True),
        ]
    )


def _simplification() -> str | None:
    x, y, _ = _symbols()
    return first_trouble(
        [
            ("is x − y simply 0", sp.simplify(x - y) == 0, False),
            ("is x/2 − 1/3 simply 0", sp.simplify(x / 2 - sp.Rational(1, 3)) == 0, False),
            ("(x + 1)² − x² − 2x − 1 made simple", sp.simplify((x + 1) ** 2 - x**2 - 2 * x - 1), 0),
        ]
    )


def _fields() -> str | None:
    a, b = sp.Dummy("a"), sp.Dummy("b")
    field = sp.ZZ.frac_field(a, b)
    p, q = field.from_sympy(a + 2 * b), field.from_sympy(a / (3 * b))
    at = {a: 4, b: 5}
    cases = (
        ("(a + 2b) + a/3b", p + q, Fraction(14) + Fraction(4, 15)),
        ("(a + 2b) · a/3b", p * q, Fraction(56, 15)),
        ("(a + 2b) − a/3b", p - q, Fraction(14) - Fraction(4, 15)),
        ("(a + 2b) / (a/3b)", p / q, Fraction(105, 2)),
        ("−(a + 2b)", -p, Fraction(-14)),
    )
    return first_trouble(
        [(name, value(field.to_sympy(found), at), truth) for name, found, truth in cases]
        + [
            ("(a + 2b) − (a + 2b) is true", bool(p - p), False),
            ("a + 2b is true", bool(p), True),
            ("a + 2b equals a/3b", p == q, False),
        ]
    )


def _matrices() -> str | None:
    n, m = sp.Dummy("n", integer=True, positive=True), sp.Dummy("m", integer=True, positive=True)
    A, B = sp.MatrixSymbol("A", n, m), sp.MatrixSymbol("B", m, n)
    x = sp.Dummy("x")
    product = 3 * x * A * B
    coefficient, word = product.as_coeff_mmul()
    factors, matrices = product.as_coeff_matrices()
    square = sp.MatrixSymbol("S", n, n)
    return first_trouble(
        [
            ("coefficient of 3x A B", coefficient == 3 * x, True),
            ("word of 3x A B", word.args == (A, B), True),
            ("coefficient and matrices of 3x A B", factors == 3 * x and list(matrices) == [A, B], True),
            ("shape of A B", (A * B).shape == (n, n), True),
            ("(A B)ᵀ", (A * B).T.doit() == B.T * A.T, True),
            ("A B is B A", A * B == B * A, False),
            ("trace is of S", sp.Trace(square).arg == square, True),
            ("terms of S + 2S²", set((square + 2 * square**2).args) == {square, 2 * square**2}, True),
            ("inverse of S", square.I.arg == square and square.I.exp == -1, True),
            ("(S⁻¹)⁻¹", square == square.I.I, True),
            ("S with T for S", square.xreplace({square: A * B}) == A * B, True),
            ("S with A B for S, by subs", square.subs(square, A * B) == A * B, True),
            ("power of S", (me.MatPow(square, 2).base, me.MatPow(square, 2).exp) == (square, 2), True),
            ("matrix symbols of A Bᵀ", (A * B).atoms(sp.MatrixSymbol) == {A, B}, True),
        ]
    )


def _analysis() -> str | None:
    x, y, z = symbols = _symbols()
    return (
        _agree("d/dx (x³y + z/x)", sp.diff(x**3 * y + z / x, x), lambda a, b, c: 3 * a**2 * b - c / a**2, symbols)
        or _agree("a function of x²y + z", sp.sympify(x**2 * y + z), lambda a, b, c: a**2 * b + c, symbols)
        or first_trouble(
            [
                ("x²y + z as a function", sp.lambdify((x, y, z), x**2 * y + z)(2, 3, 5), 17),
                ("d/dx exp(2x) at 0", sp.diff(sp.exp(2 * x), x).subs(x, 0), 2),
                ("limit of (3x² + 1)/(x² + x) at ∞", sp.limit((3 * x**2 + 1) / (x**2 + x), x, sp.oo), 3),
                ("|−3/2|", sp.Abs(sp.Rational(-3, 2)), "3/2"),
            ]
        )
    )


ALWAYS = "sympy"
UNITS = "sympy.physics.units"  # loaded by the first call of simplify
TESTS = tuple(
    SelfTest(name=f"sympy: {name}", area="exact", against=against, check=check, loaded=loaded)
    for name, against, check, loaded in (
        ("rational numbers", "integers", _numbers, ALWAYS),
        ("expand", "the factors, multiplied as integers", _expansion, ALWAYS),
        ("xreplace, subs, equality", "integers", _replacement, ALWAYS),
        ("cancel, factor, radsimp", "the quotient, evaluated in integers", _rewriting, ALWAYS),
        ("simplify", "differences that are zero and that are not", _simplification, UNITS),
        ("fields of fractions", "fractions", _fields, ALWAYS),
        ("coefficients, words and shapes of matrix expressions", "the expression as it was written", _matrices, ALWAYS),
        ("derivatives, limits and functions", "the same by hand, in integers", _analysis, ALWAYS),
    )
)
