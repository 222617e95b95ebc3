"""Every refusal: what is outside the calculus is named, shown, and met with a remedy."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import sympy
from sympy import Identity, Inverse, MatMul, MatPow, MatrixSymbol, Trace, ZeroMatrix

from tests.verify.prove.vocabulary import I_N, A, B, K, N, P, R, Z, c, m, y
from verify.claim import Step
from verify.prove import Equation, Instance, prove
from verify.prove.matrices import rational
from verify.prove.matrices.derivation import Derivation, RewriteLine, Trial, UnsoundStepError, check
from verify.prove.matrices.from_sympy import Reader
from verify.prove.matrices.polynomial import Polynomial

t = sympy.Symbol("t")


def _refused(left: Any, right: Any, message: str, **options: Any) -> None:
    with pytest.raises(ValueError, match=message):
        prove("refused", left, right, **options)


@pytest.mark.parametrize(
    ("left", "message"),
    [
        (MatMul(Z, Z), "cannot multiply a m × N matrix by a m × N one"),
        (Z + Z.T, "cannot add a N × m matrix to a m × N one|cannot add a m × N matrix to a N × m one"),
        (Inverse(Z), "only a square matrix has an inverse, not the m × N one"),
        (Inverse(A - A * Identity(N)), "is the inverse of zero"),
        (MatPow(Z, 2), "only a square matrix has powers"),
        (MatPow(A, sympy.Rational(1, 2)), "only whole powers"),
        (MatPow(A, N), "only whole powers"),
        (sympy.HadamardProduct(A, B), "HadamardProduct is outside the calculus"),
        (sympy.Matrix([[1]]), "expected a sympy expression"),
        (sympy.ImmutableMatrix([[1, 2], [3, 4]]), "outside the calculus"),
        (0, "expected a sympy expression, got 0"),
        (sympy.true, "expected a matrix expression or a scalar"),
        (sympy.sqrt(c) * A, "not a rational function of"),
        (sympy.Float(0.5) * A, "has a float in it"),
        (y[0, 0] * A, "not a rational function of"),
        (A / Trace(B), "a trace may be added and multiplied only"),
        (Trace(MatMul(Z, A)), "only a square matrix has a trace, not the m × N one"),
        ((t * A + I_N).I, "may vanish; declare its symbols positive or nonzero"),
        (Inverse(y.T * A * y), "divides by a number that is not a rational function"),
        (sympy.Symbol("w", commutative=False) * Trace(A), "does not commute"),
        (A + MatrixSymbol("A", N, N) * MatrixSymbol("A", N, K) * P.T, "two different symbols are called 'A'"),
        (MatrixSymbol("B⁻¹", N, N), "the symbol B⁻¹ is called like an inverse"),
        (sympy.Symbol("c") * A + c * A, "two different symbols are called 'c'"),
    ],
)
def test_expressions(left: Any, message: str) -> None:
    _refused(left, A, message)


def test_letters_for_inverses_avoid_the_names_of_symbols() -> None:
    crowd = sum((MatrixSymbol(f"{letter}_b", N, N) for letter in "RSGWXY"), A)
    first, second = (crowd + 2 * A).I, (crowd + A * B).I
    identity = prove("crowd", first * second, second * first)
    shown = [step.expression.split(" = ")[0] for step in identity.derivation if step.rule.startswith("definition")]
    assert shown == ["R′₁", "R′₂"]
    assert identity.status == "refuted"


def test_shapes_of_the_sides() -> None:
    _refused(A, Z, "the left side is N × N and the right side m × N")


def test_shapes_compare_as_expressions() -> None:
    left = MatrixSymbol("L", m, K - N) * MatrixSymbol("M", -N + K, m)
    assert prove("same", left, left).status == "proved"


@pytest.mark.parametrize(
    ("premises", "message"),
    [
        ((Equation(A, 2 * A + Identity(N) - A, "impossible"), Equation(A, ZeroMatrix(N, N), "zero")), "contradiction"),
        ((Equation(t * B, A, "scaled"),), "cannot be solved for B: its coefficient t may vanish"),
        ((Equation(A, Z, "shapes"),), "the left side is N × N and the right side m × N"),
        ((Equation(A, A.T, "twice"), Equation(B, B.T, "twice")), "two premises share a name"),
    ],
)
def test_premises(premises: tuple[Equation, ...], message: str) -> None:
    _refused(A, B, message, premises=premises)


def test_contradictions_that_only_completion_finds() -> None:
    left, right = (MatrixSymbol(name, N, N) for name in "XY")
    premises = (Equation(left * A, I_N, "left inverse"), Equation(A * right, ZeroMatrix(N, N), "no right inverse"))
    _refused(right * B, B * left, "contradiction", premises=(*premises, Equation(right * left, I_N, "invertible")))


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (lambda sizes, rng: {A: [[1]]}, "expected 2 × 2|expected 3 × 3"),
        (lambda sizes, rng: {A: rational.draw(rng, sizes[N], sizes[N])}, "violates the premise 'symmetric'"),
        (lambda sizes, rng: {A: [[0.5] * sizes[N]] * sizes[N]}, "is a float"),
        (lambda sizes, rng: {A: [["a"] * sizes[N]] * sizes[N]}, "not an exact rational number"),
        (lambda sizes, rng: {A: []}, "a matrix needs rows of one positive length"),
    ],
)
def test_samples(sample: Callable[..., Any], message: str) -> None:
    _refused(A * B, B * A, message, premises=(Equation(A, A.T, "symmetric"),), sample=sample)


def test_samples_may_give_scalars_and_pass_over_sizes() -> None:
    def sample(sizes: Any, rng: Any) -> Any:
        return {c: 2, A: [[2, 0], [0, 2]]} if sizes[N] == 2 else None

    premises = (Equation(A, c * I_N, "a multiple of the identity"),)
    identity = prove("scaled", A * B, B, premises=premises, sample=sample)
    assert identity.status == "refuted"
    assert "N = 2, c = 2, " in str(identity.witness)
    assert prove("nothing", A * B, B, premises=premises, sample=lambda sizes, rng: None).status == "unknown"


def test_premises_undefined_at_a_draw_are_passed_over() -> None:
    singular = (Equation(A.I * A.I, B, "square of the inverse"),)
    sample = lambda sizes, rng: {A: rational.zeros(sizes[N], sizes[N])}  # noqa: E731
    assert prove("singular", B, A, premises=singular, sample=sample).status == "unknown"


def test_evaluation() -> None:
    instance = Instance({N: Fraction(1), A: rational.matrix([[0]])})
    with pytest.raises(ZeroDivisionError):
        instance.evaluate(A.I)
    with pytest.raises(ValueError, match="cannot evaluate B"):
        instance.evaluate(B)
    with pytest.raises(ValueError, match="cannot evaluate c exactly"):
        instance.evaluate(c * A)
    with pytest.raises(ValueError, match="gives no value to B"):
        Instance.read("at N = 2, A = [[1]]: left", [B])


def test_a_false_line_is_caught() -> None:
    reader = Reader.of([A, R])
    instance = Instance({N: Fraction(1), A: rational.matrix([[3]])})
    false = RewriteLine(Step(expression="A = 0", rule="none"), reader.matrix(A))
    nothing = Polynomial.zero(reader.scalars, "N", "N")
    equal = Trial(instance, rational.zeros(1, 1), rational.zeros(1, 1))
    with pytest.raises(UnsoundStepError, match=r"A = 0 \[none\] is false at N = 1, A = \[\[3\]\]"):
        check(Derivation((), (false,), nothing), equal, reader)
    different = Trial(instance, rational.zeros(1, 1), rational.unit_matrix(1))
    with pytest.raises(UnsoundStepError, match="the sides of a proved identity differ at N = 1"):
        check(Derivation((), (), nothing), different, reader)


def test_polynomials_check_their_shapes() -> None:
    reader = Reader.of([Z, A])
    rectangle, square = reader.matrix(Z), reader.matrix(A)
    with pytest.raises(ValueError, match="cannot add a N × N matrix to a m × N one"):
        rectangle + square
    with pytest.raises(ValueError, match="cannot multiply a m × N matrix by a m × N one"):
        rectangle * rectangle
    with pytest.raises(ValueError, match="only a square matrix has a trace, not a m × N one"):
        rectangle.trace()


def test_a_scalar_with_no_matrix_nearby() -> None:
    assert prove("numbers", sympy.Rational(1, 2) + sympy.Rational(1, 2), sympy.Integer(1)).status == "proved"
    assert prove("numbers", sympy.Integer(2), sympy.Integer(1)).witness == "at : left = [[2]], right = [[1]]"
