"""Faults in python-flint, sympy and Python's own fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import flint
import sympy as sp
from sympy.matrices import expressions as me
from sympy.polys.fields import FracElement

from tests.ground.breaking import Fault, comparison, function, method, operator
from tests.ground.faults_floats import after

arb, arb_mat = flint.arb, flint.arb_mat


def middle(ball: Any) -> Any:
    return ball.mid()


def exact(matrix: Any) -> Any:
    """The midpoints alone."""
    return matrix.mid()


def off(size: str) -> Callable[[Any], Any]:
    return lambda ball: ball * (1 + arb(size))


def _compared_by_midpoints(original: Any) -> Any:
    def compare(left: Any, right: Any, code: int) -> Any:
        a, b = (x.mid() if isinstance(x, arb) else x for x in (left, right))
        return original(a, b, code)

    return compare


def _reversed_comparison(original: Any) -> Any:
    return lambda left, right, code: original(left, right, {0: 4, 4: 0, 1: 5, 5: 1}.get(code, code))


def _identity_corner(matrix: Any) -> Any:
    """The upper left entry, a little larger."""
    changed = arb_mat(matrix)
    changed[0, 0] = changed[0, 0] * (1 + arb("1e-6"))
    return changed


def of_ball(name: str, broken: Any) -> Any:
    return partial(method, arb, name, broken)


def of_matrix(name: str, broken: Any) -> Any:
    return partial(method, arb_mat, name, broken)


def product(kind: type, change: Callable[[Any], Any]) -> Any:
    """The products of two of a kind, changed."""
    return partial(operator, kind, "multiply", lambda old: lambda a, b: _changed(old(a, b), change))


def _changed(result: Any, change: Callable[[Any], Any]) -> Any:
    return result if result is NotImplemented else change(result)


BALLS = [
    ("exp off by 1e-6", "long_run", of_ball("exp", after(off("1e-6")))),
    ("exp off by 1e-30", "certified_network", of_ball("exp", after(off("1e-30")))),
    ("exp without its radius", "certified_network", of_ball("exp", after(middle))),
    ("expm1 off by 1e-6", "theorem1", of_ball("expm1", after(off("1e-6")))),
    ("log off by 1e-6", "theorem1", of_ball("log", after(off("1e-6")))),
    ("tanh off by 1e-6", "lemma2_sharp", of_ball("tanh", after(off("1e-6")))),
    ("sqrt off by 1e-6", "attainment", of_ball("sqrt", after(off("1e-6")))),
    ("sqrt without its radius", "attainment", of_ball("sqrt", after(middle))),
    ("upper end is the midpoint", "long_run", of_ball("upper", lambda _: lambda self: self.mid())),
    ("lower end is the midpoint", "long_run", of_ball("lower", lambda _: lambda self: self.mid())),
    ("abs_upper is the midpoint", "long_run", of_ball("abs_upper", lambda _: lambda self: abs(self.mid()))),
    ("abs_lower is the midpoint", "long_run", of_ball("abs_lower", lambda _: lambda self: abs(self.mid()))),
    ("midpoint a little up", "long_run", of_ball("mid", after(off("1e-6")))),
    ("radius zero", "assumption2", of_ball("rad", lambda _: lambda self: arb(0))),
    ("union is the first", "long_run", of_ball("union", lambda _: lambda self, other: self)),
    ("nonnegative part is everything", "long_run", of_ball("nonnegative_part", lambda _: lambda self: self)),
    ("max is min", "long_run", of_ball("max", lambda _: arb.min)),
    ("min is max", "assumption2", of_ball("min", lambda _: arb.max)),
    ("everything is finite", "long_run", of_ball("is_finite", lambda _: lambda self: True)),
    ("everything is zero", "long_run", of_ball("is_zero", lambda _: lambda self: True)),
    ("floor is ceil", "long_run", of_ball("floor", lambda _: arb.ceil)),
    ("unique integer is one less", "lemma7", of_ball("unique_fmpz", after(lambda n: n - 1))),
    ("accuracy overstated", "certified_network", of_ball("rel_accuracy_bits", after(lambda bits: bits + 1000))),
    ("contains says yes", "long_run", of_ball("contains", lambda _: lambda self, other: True)),
    ("overlaps says no", "long_run", of_ball("overlaps", lambda _: lambda self, other: False)),
    ("comparisons of balls by midpoints", "long_run", partial(comparison, arb, _compared_by_midpoints)),
    ("comparisons of balls reversed", "long_run", partial(comparison, arb, _reversed_comparison)),
    ("products of balls without radius", "long_run", product(arb, middle)),
    ("products of balls off by 1e-6", "long_run", product(arb, lambda ball: ball + arb("1e-6"))),
    (
        "sums of balls without radius",
        "long_run",
        partial(operator, arb, "add", lambda old: lambda a, b: _changed(old(a, b), middle)),
    ),
    (
        "differences of balls without radius",
        "long_run",
        partial(operator, arb, "subtract", lambda old: lambda a, b: _changed(old(a, b), middle)),
    ),
    (
        "quotients of balls without radius",
        "long_run",
        partial(operator, arb, "true_divide", lambda old: lambda a, b: _changed(old(a, b), middle)),
    ),
    ("inverse off by 1e-6", "attainment", of_matrix("inv", after(_identity_corner))),
    ("inverse without radii", "attainment", of_matrix("inv", after(exact))),
    ("solution of a system off", "attainment", of_matrix("solve", after(_identity_corner))),
    ("determinant halved", "proposition1", of_matrix("det", after(lambda d: d / 2))),
    ("trace doubled", "ridge", of_matrix("trace", after(lambda t: 2 * t))),
    ("transpose is none", "ridge", of_matrix("transpose", lambda _: lambda self: self)),
    ("entries in reverse", "long_run", of_matrix("entries", after(lambda entries: entries[::-1]))),
    ("rows in reverse", "long_run", of_matrix("tolist", after(lambda rows: rows[::-1]))),
    ("matrix midpoints a little up", "long_run", of_matrix("mid", after(_identity_corner))),
    ("matrix products without radii", "long_run", product(arb_mat, exact)),
    ("matrix products off by 1e-6", "long_run", product(arb_mat, _identity_corner)),
]


def _dropping(original: Any) -> Any:
    """The last term of a sum is lost."""

    def broken(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        return result.func(*result.args[:-1]) if isinstance(result, sp.Add) and len(result.args) > 2 else result

    return broken


def _without_factor(original: Any) -> Any:
    return lambda self: (sp.S.One, original(self)[1])


EXACT = [
    (
        "fmpq sums off by one",
        "lemma7",
        partial(operator, flint.fmpq, "add", lambda old: lambda a, b: old(old(a, b), 1)),
    ),
    ("fmpq products negated", "lemma7", product(flint.fmpq, lambda x: -x)),
    ("rref off", "lemma7", partial(method, flint.fmpq_mat, "rref", after(lambda result: (2 * result[0], result[1])))),
    ("fmpq_mat.inv doubled", "noiseless", partial(method, flint.fmpq_mat, "inv", after(lambda x: 2 * x))),
    ("fmpq_mat.transpose negated", "lemma6", partial(method, flint.fmpq_mat, "transpose", after(lambda x: -1 * x))),
    ("fmpq_mat.solve doubled", "theorem1", partial(method, flint.fmpq_mat, "solve", after(lambda x: 2 * x))),
    ("fmpq_poly products negated", "lemma1", product(flint.fmpq_poly, lambda x: -x)),
    ("fmpq_mpoly products negated", "lemma7", product(flint.fmpq_mpoly, lambda x: -x)),
    ("expand drops a term", "long_run", partial(function, sp, "expand", _dropping)),
    ("the method expand drops a term", "long_run", partial(function, sp.Expr, "expand", _dropping)),
    ("xreplace does nothing", "long_run", partial(function, sp.Basic, "xreplace", lambda _: lambda self, rule: self)),
    ("subs does nothing", "lemma4", partial(function, sp.Basic, "subs", lambda _: lambda self, *a, **o: self)),
    ("rational sums off by one", "lemma4", partial(function, sp.Rational, "__add__", after(lambda x: x + sp.S.One))),
    (
        "rational products negated",
        "lemma4",
        partial(function, sp.Rational, "__mul__", after(lambda x: sp.Rational(-x.p, x.q))),
    ),
    ("coefficients of matrix products lost", "lemma4", partial(function, me.MatMul, "as_coeff_mmul", _without_factor)),
    (
        "coefficients lost with the matrices",
        "lemma4",
        partial(function, me.MatMul, "as_coeff_matrices", _without_factor),
    ),
    ("cancel drops the denominator", "lemma4", partial(function, sp, "cancel", after(lambda x: sp.numer(x)))),
    ("simplify says zero", "lemma2_sharp", partial(function, sp, "simplify", lambda _: lambda *a, **o: sp.S.Zero)),
    ("radsimp doubles", "long_run", partial(function, sp, "radsimp", after(lambda x: 2 * x))),
    ("diff doubled", "lemma2_sharp", partial(function, sp, "diff", after(lambda x: 2 * x))),
    ("limit is zero", "lemma2_sharp", partial(function, sp, "limit", lambda _: lambda *a, **o: sp.S.Zero)),
    ("powers of powers not split", "lemma7", partial(function, sp, "expand_power_exp", lambda _: lambda x, **o: x)),
    ("field sums off by one", "lemma4", partial(function, FracElement, "__add__", after(lambda x: x + 1))),
    ("field products doubled", "lemma4", partial(function, FracElement, "__mul__", after(lambda x: x + x))),
    (
        "Fraction sums off by one",
        "lemma4",
        partial(
            function,
            Fraction,
            "__add__",
            lambda old: lambda a, b: old(old(a, b), 1) if isinstance(b, (int, Fraction)) else old(a, b),
        ),
    ),
    (
        "Fraction products doubled",
        "lemma4",
        partial(
            function,
            Fraction,
            "__mul__",
            lambda old: lambda a, b: old(old(a, b), 2) if isinstance(b, (int, Fraction)) else old(a, b),
        ),
    ),
    ("Fractions are all equal", "lemma4", partial(function, Fraction, "__eq__", lambda _: lambda a, b: True)),
    (
        "Fraction quotients exchanged",
        "lemma4",
        partial(function, Fraction, "__truediv__", lambda old: lambda a, b: old(Fraction(b), a) if a else old(a, b)),
    ),
    (
        "lambdify squares",
        "lemma2_sharp",
        partial(function, sp, "lambdify", lambda old: lambda names, body, *a, **o: old(names, body**2, *a, **o)),
    ),
]

FAULTS = (
    *(Fault(name=name, area="balls", claim=claim, plant=plant) for name, claim, plant in BALLS),
    *(Fault(name=name, area="exact", claim=claim, plant=plant) for name, claim, plant in EXACT),
)
