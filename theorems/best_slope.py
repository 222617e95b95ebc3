"""The slope of the error [B]: the derivative of ridge's mean error in its penalty c has the sign of c − mτ.

In the setting of the claim `best`, at an unseen token with features z_k and w = Zᵀz_k,
R'(c) = 2 (c − mτ) wᵀ(ZᵀZ + cI)⁻³w = 2 (c − mτ) Σ_i u_i² s_i² / (s_i² + c)³
with s_i the singular values of Z and u_i the components of z_k along its left singular vectors: R falls up to c = mτ
and rises from there, for clean labels and for noisy ones, whose errors differ by the constant mτ.

Wrong if an identity leaves a remainder, or if the sum over the singular values that LAPACK finds is another number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from random import Random as Generator
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.measure import rounding
from theorems.best import BEST, Choice, answer_at, c, columns, inverse, p, risk, w
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import N, Z, Z_query, m, z_k
from verify.certify import evaluate
from verify.claim import Agreement, Argument, Claim, Identity, Step, planted
from verify.prove import Equation, prove

STATEMENT = r"""
R(c) = EE(y^top (Z^top Z + c I)^(-1) w - lambda^top z_k)^2, quad w = Z^top z_k, quad EE lambda lambda^top = I
quad ==> \
R'(c) = 2 (c - m tau) w^top (Z^top Z + c I)^(-3) w = 2 (c - m tau) sum_i (u_i^2 s_i^2)/(s_i^2 + c)^3
"""

step = sp.Symbol("h", positive=True)  # a change of c
left: Any = sp.MatrixSymbol("U", m, m)
right: Any = sp.MatrixSymbol("V", N, N)
values: Any = sp.MatrixSymbol("S", m, N)  # 0 off its diagonal, where the singular values stand
parts: Any = sp.MatrixSymbol("u", m, 1)

QUOTIENT = (c + step - p) * sp.Trace(w.T * inverse(c + step) * inverse(c) * inverse(c + step) * w) + (c - p) * sp.Trace(
    w.T * inverse(c + step) * inverse(c) * inverse(c) * w
)  # (R(c + h) − R(c)) / h
SLOPE = 2 * (c - p) * sp.Trace(w.T * inverse(c) * inverse(c) * inverse(c) * w)  # R'(c)


@dataclass(frozen=True)
class Slope(Choice):
    """The penalty at which the slope is said to vanish, and the power of s_i² + c in it."""

    _: KW_ONLY
    power: int = 3


def derive_slope(subject: Choice) -> Iterator[Identity]:
    """R(c + h) − R(c) = h Q(h), and Q(0) = 2 (c − mτ) wᵀ(ZᵀZ + cI)⁻³w."""
    resolvent = Equation(inverse(c) - inverse(c + step), step * inverse(c + step) * inverse(c), "resolvent identity")
    yield prove("X_c − X_{c+h} = h X_{c+h} X_c", resolvent.left, resolvent.right)
    change = risk(answer_at(c + step), BEST) - risk(answer_at(c), BEST)
    stated = QUOTIENT.subs(p, subject.best)
    yield prove("R(c + h) − R(c) = h Q(h)", change, step * stated, premises=(resolvent,), sample=_any)
    yield prove("Q(0) = 2 (c − p) wᵀX_c³w", stated.subs(step, 0), SLOPE.subs(p, subject.best))


def derive_stationary(subject: Choice) -> Iterator[Identity]:
    """R'(c*) = 0 for all Z and z_k, without which no penalty is the best one."""
    yield prove("R'(c*) = 0", SLOPE.subs(p, BEST).subs(c, subject.best), sp.Integer(0))


def _any(sizes: Mapping[Any, int], rng: Generator) -> Mapping[Any, Any]:
    """The premise is an identity: it holds for all values."""
    return {}


def argue_slope(subject: Choice) -> Iterator[Argument]:
    """Q is continuous, so its value at 0 is the derivative of R."""
    yield Argument(
        name="R'(c) = Q(0)",
        steps=(
            Step(expression="Q(h) is a sum of products with (ZᵀZ + (c + h)I)⁻¹", rule="as above"),
            Step(expression="it is continuous at h = 0", rule="the inverse of a regular matrix depends on it smoothly"),
        ),
    )


def derive_singular_values(subject: Slope) -> Iterator[Identity]:
    """With Z = USVᵀ and z_k = Uu, wᵀ(ZᵀZ + cI)⁻³w = uᵀS(SᵀS + cI)⁻³Sᵀu, the sum Σ u_i²s_i²/(s_i² + c)³."""
    premises = (
        Equation(left.T * left, sp.Identity(m), "UᵀU = I"),
        Equation(left * left.T, sp.Identity(m), "UUᵀ = I"),
        Equation(right.T * right, sp.Identity(N), "VᵀV = I"),
        Equation(right * right.T, sp.Identity(N), "VVᵀ = I"),
    )
    whole, features = left * values * right.T, left * parts
    factor = (values.T * values + c * sp.Identity(N)).I
    weights = sp.MatMul(*[factor] * subject.power)
    slope = 2 * (c - p) * sp.Trace(parts.T * values * weights * values.T * parts)
    yield prove("R'(c) by singular values", _with(SLOPE, whole, features), slope, premises=premises, sample=_rotations)


def _with(expression: Any, matrix: Any, vector: Any) -> Any:
    """The expression with other matrices in place of Z and z_k."""
    result: Any = expression.subs({Z: matrix, z_k: vector})
    return result


def _rotations(sizes: Mapping[Any, int], rng: Generator) -> Mapping[Any, Any]:
    """Rotations by a rational angle in the first two directions, and a diagonal S."""
    return {
        left: _rotation(sizes[m], rng),
        right: _rotation(sizes[N], rng),
        values: [[rng.randint(0, 3) * (i == j) for j in range(sizes[N])] for i in range(sizes[m])],
    }


def _rotation(size: int, rng: Generator) -> list[list[Any]]:
    cosine, sine = rng.choice(((3, 4), (4, -3), (5, 0)))
    rows = [[sp.Integer(int(i == j)) for j in range(size)] for i in range(size)]
    if size > 1:
        rows[0][:2] = [sp.Rational(cosine, 5), sp.Rational(sine, 5)]
        rows[1][:2] = [-sp.Rational(sine, 5), sp.Rational(cosine, 5)]
    return rows


def measure_singular_values(subject: Slope) -> Iterator[Agreement]:
    """Along the singular vectors that LAPACK finds, the sum of the statement is the derivative, at every token."""
    data, known = subject.experiment.instance, symbol_values(subject.experiment.instance)
    prompt, unseen = np.split(data.features.T, [data.prompt_length], axis=1)
    vectors, found, _ = np.linalg.svd(prompt, full_matrices=False)
    best = float(data.feature_count * data.noise)
    along = (vectors.T @ unseen) ** 2  # u_i², one column for each token
    for factor in (0.5, 2.0):
        penalty = factor * best
        with flint.ctx.workprec(PRECISION):
            each = [{z_k: z, c: penalty, p: best} for z in columns(known[Z_query])]
            slopes = np.array([float(evaluate(SLOPE, known | more).mid()) for more in each])
        weights = 2 * (penalty - best) * found**2 / (found**2 + penalty) ** subject.power
        # They are those of a matrix within e‖Z‖ of Z, e = γ of N m, and the vectors are orthonormal to e. The slope is
        # 2(c − p) z_kᵀf(ZZᵀ)z_k with f(M) = (M + cI)⁻² − c(M + cI)⁻³, and ‖f(M) − f(M')‖ ≤ 5‖M − M'‖/c³ with
        # ‖M − M'‖ ≤ 2e s_1²; what the vectors are off by adds 2e, since f ≤ s_1²/c³, and the rounding of the sum less.
        size = np.sum(unseen**2, axis=0) * 2 * abs(penalty - best) * found[0] ** 2 / penalty**3
        yield Agreement(
            name=f"Σ u_i²s_i²/(s_i² + c)³ at c = {factor:g} mτ",
            predicted=slopes,
            observed=along.T @ weights,
            tolerance=13 * rounding(prompt.size + 16) * size,
            reason="backward stability of the singular value decomposition",
        )


CLAIM = Claim(
    statement=STATEMENT,
    about=Slope,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    builds_on=("best",),
    checks=(derive_slope, argue_slope, derive_stationary, derive_singular_values, measure_singular_values),
    controls=dict(
        n_tau=planted("The slope vanishes at Nτ.", multiple=N / m),
        twice=planted("The slope vanishes at 2mτ.", multiple=sp.Integer(2)),
        square_for_cube=planted("The slope has (s_i² + c)² in place of the cube.", power=2),
        fourth_for_cube=planted("The slope has (s_i² + c)⁴ in place of the cube.", power=4),
    ),
    stated=("QUOTIENT", "SLOPE"),
    catches={
        derive_slope: ("n_tau", "twice"),
        derive_stationary: ("n_tau", "twice"),
        derive_singular_values: ("square_for_cube", "fourth_for_cube"),
        measure_singular_values: ("square_for_cube", "fourth_for_cube"),
    },
)
