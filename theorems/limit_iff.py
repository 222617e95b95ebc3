"""Limit, both ways [T]: the gap is small exactly when the learned matrix is close to the limit matrix.

For every θ: mτ ‖Ã − Â‖_F² / (2K) ≤ L(θ) − L* ≤ ‖Z̄‖₂² ‖Ã − Â‖_F² / (2K).

By Lemma 5 the gap is ‖Z̄X‖_F² / (2K) with X = Ã − Â, and each end differs from it by a sum of squares. So the right
end is attained by some X ≠ 0, along the top eigenvector of Z̄²; the left one exactly where ZX = 0, hence by some X ≠ 0
if and only if rank Z < N. Then both constants are the best possible; if rank Z = N the best left constant is larger.

Wrong if that leaves a remainder, if the gap leaves this interval anywhere along a training run, or if the gap along
the extreme eigenvectors of Z̄² is not at the end that it should be at, or is at one that it should not reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

import flint
import numpy as np
import sympy as sp

from numerics.measure import rounding
from theorems.network.letters import Z_bar
from theorems.network.stated import evaluated
from theorems.setting.defects import noise_ignores_task, penalty_n_tau, penalty_twice
from theorems.setting.limit import Limit
from theorems.setting.notation import K, N, Z, m, tau
from verify.claim import Agreement, Bound, Claim, Identity, planted
from verify.prove import Equation, prove, prove_positive_definite
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.quantity import norm as length_of
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
(m tau)/(2 K) norm(tilde(A) - hat(A))_F^2 <= L(theta) - L^* <= norm(overline(Z))_2^2/(2 K) norm(tilde(A) - hat(A))_F^2
quad "for every" theta, \
"over all" tilde(A) in RR^(N times K) without {hat(A)}: quad
"the right end is attained; the left one if and only if rank" Z < N
"""

X: Any = sp.MatrixSymbol("X", N, K)  # Ã − Â
M: Any = sp.MatrixSymbol("M", N, N)
u: Any = sp.MatrixSymbol("u", N, 1)
row: Any = sp.MatrixSymbol("a", K, 1)
W: Any = sp.MatrixSymbol("W", N, m)
top = sp.Symbol("s", positive=True)  # ‖Z̄‖₂²


SIZE = sp.Trace(X.T * X)
LEFT_END = m * tau / (2 * K) * SIZE
RIGHT_END = top / (2 * K) * SIZE
LEFT_ROOM = sp.Trace((Z * X).T * (Z * X)) / (2 * K)  # what the gap exceeds the left end by
RIGHT_ROOM = sp.Trace((M * X).T * (M * X)) / (2 * K)  # and falls short of the right one


@dataclass(frozen=True)
class BothEnds:
    """The interval for the gap, with a factor for either constant and the power of the distance."""

    experiment: Any  # an Experiment; the proofs, which others quote, look at its limit at most
    _: KW_ONLY
    lower: float = 1.0
    upper: float = 1.0
    power: int = 2


def derive_lower_constant(subject: BothEnds) -> Iterator[Identity]:
    """‖Z̄X‖_F² − mτ‖X‖_F² = ‖ZX‖_F² ≥ 0, because Z̄² − mτI = ZᵀZ."""
    gram = subject.experiment.limit.z_bar_squared
    yield prove_positive_definite("Z̄² ⪰ mτI", gram, factor=Z, shift=m * tau)
    gap = sp.Trace(X.T * gram * X) / (2 * K) - sp.Rational(subject.lower) * LEFT_END
    yield prove("(‖Z̄X‖_F² − mτ‖X‖_F²)/(2K) = ‖ZX‖_F²/(2K) ≥ 0", gap, LEFT_ROOM)


def _proofs() -> Iterator[Identity]:
    """The derivation of this file at the paper's limit; it looks at no experiment."""
    return derive_lower_constant(BothEnds(SimpleNamespace(limit=Limit())))


def _lower(vector: Any) -> Relation:
    """√(mτ) ‖x‖ ≤ ‖Z̄x‖ for a vector x."""
    return Relation(sp.sqrt(m * tau) * length_of(vector), length_of(Z_bar * vector))


LOWER = Lemma(__name__, "Limit, both ways: ‖Z̄x‖² ≥ mτ‖x‖²", _lower, _proofs)


def derive_upper_constant(subject: BothEnds) -> Iterator[Identity]:
    """‖Z̄‖₂²‖X‖_F² − ‖Z̄X‖_F² = ‖MX‖_F² ≥ 0, because ‖Z̄‖₂²I − Z̄² is positive semidefinite, hence some MᵀM."""
    gram = subject.experiment.limit.z_bar_squared
    norm = Equation(top * sp.Identity(N) - gram, M.T * M, "‖Z̄x‖ ≤ ‖Z̄‖₂‖x‖, the definition of ‖Z̄‖₂: ‖Z̄‖₂²I − Z̄² = MᵀM")
    gap = sp.Rational(subject.upper) * RIGHT_END - sp.Trace(X.T * gram * X) / (2 * K)
    yield prove(
        "(‖Z̄‖₂²‖X‖_F² − ‖Z̄X‖_F²)/(2K) = ‖MX‖_F²/(2K) ≥ 0",
        gap,
        RIGHT_ROOM,
        premises=(norm,),
        sample=partial(_diagonal, subject.experiment.limit.penalty),
    )


def _diagonal(penalty: Any, sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any]:
    """A diagonal Z with 3, 4, 5 or 0 on the diagonal and M with 4, 3, 0 or 5, rows shifted: ZᵀZ + MᵀM = 25 I."""
    pairs = [rng.choice(((3, 4), (4, 3), (5, 0), (0, 5))) if i < sizes[m] else (0, 5) for i in range(sizes[N])]
    level = sp.Rational(rng.randint(1, 4), 2)
    return {
        Z: [[pairs[j][0] * (i == j) for j in range(sizes[N])] for i in range(sizes[m])],
        M: [[pairs[j][1] * ((i + 1) % sizes[N] == j) for j in range(sizes[N])] for i in range(sizes[N])],
        tau: level,
        top: 25 + penalty.subs({**sizes, tau: level}),
    }


def derive_attained(subject: BothEnds) -> Iterator[Identity]:
    """The right end is attained along the top eigenvector, the left one along ker Z and nowhere else."""
    gram, rank_one = subject.experiment.limit.z_bar_squared, u * row.T
    left, right = (end.subs(X, rank_one) for end in (LEFT_END, RIGHT_END))
    gap = sp.Trace(rank_one.T * gram * rank_one) / (2 * K)
    eigenvector = Equation(gram * u, top * u, "Z̄²u = ‖Z̄‖₂²u: the top eigenvector")
    yield prove(
        "‖Z̄uaᵀ‖_F² = ‖Z̄‖₂²‖uaᵀ‖_F², over 2K",
        gap,
        sp.Rational(subject.upper) * right,
        premises=(eigenvector,),
        sample=partial(_eigenvector, subject.experiment.limit.penalty),
    )
    kernel = Equation(Z * u, sp.ZeroMatrix(m, 1), "Zu = 0")
    yield prove(
        "Zu = 0 ⟹ ‖Z̄uaᵀ‖_F² = mτ‖uaᵀ‖_F², over 2K",
        gap,
        sp.Rational(subject.lower) * left,
        premises=(kernel,),
        sample=_null_vector,
    )
    inverse = Equation(W * Z, sp.Identity(N), "rank Z = N: Z has a left inverse W")
    equality = Equation(Z * X, sp.ZeroMatrix(m, K), "‖ZX‖_F² = 0, equality at the left end")
    yield prove(
        "rank Z = N and ZX = 0 ⟹ X = 0", X, sp.ZeroMatrix(N, K), premises=(inverse, equality), sample=_left_inverse
    )


def measure_interval(subject: BothEnds) -> Iterator[Bound]:
    """Along training the gap stays between the two multiples of ‖Ã − Â‖_F²."""
    experiment, trained = subject.experiment, subject.experiment.study.trained
    gaps, low, high = _ends(subject, trained.mixtures)
    # The ends are products and sums of at most N K + N + 4 rounded terms of one sign.
    error = experiment.gap_rounding(trained.mixtures) + rounding(trained.final.size + len(trained.final) + 4) * high
    for name, observed, bound, reason in (
        ("mτ‖Ã − Â‖²/(2K) ≤ Δ", low, gaps, "Z̄² ⪰ mτI and Lemma 5"),
        ("Δ ≤ ‖Z̄‖²‖Ã − Â‖²/(2K)", gaps, high, "Z̄² ⪯ ‖Z̄‖²I and Lemma 5"),
    ):
        yield Bound(
            name=name,
            observed=observed,
            bound=bound,
            rounding=error,
            reason=reason,
            x=trained.iterations,
            x_label="training step",
        )


def measure_attained(subject: BothEnds) -> Iterator[Agreement | Bound]:
    """Along the extreme eigenvectors of Z̄² the right end is attained, the left one exactly if rank Z < N."""
    experiment, a_hat = subject.experiment, subject.experiment.theory.a_hat
    _, vectors = np.linalg.eigh(experiment.theory.z_bar_squared)
    size = float(np.abs(a_hat).max())  # comparable with Â, so that rounding stays relative to the gap
    rank = _rank(experiment.instance.features[: experiment.instance.prompt_length])
    for name, vector, end in (("left", vectors[:, 0], 1), ("right", vectors[:, -1], 2)):
        moved = (a_hat + size * vector[:, None])[None]
        values = _ends(subject, moved)
        # Eigenvectors are orthonormal to N u and enter the loss squared.
        error = experiment.gap_rounding(moved) + 4 * rounding(moved.size) * values[2]
        if name == "left" and rank == experiment.instance.prompt_length:
            yield Bound(
                name="left end < Δ: not attained",
                observed=values[1],
                bound=values[0],
                rounding=error,
                reason=f"rank Z = N = {rank}, exactly",
            )
            continue
        reason = "rounding" if name == "right" else f"rounding; rank Z = {rank} < N, exactly"
        yield Agreement(
            name=f"{name} end attained", predicted=values[end], observed=values[0], tolerance=error, reason=reason
        )


def _rank(features: np.ndarray) -> int:
    """The rank of the float64 numbers themselves, exactly."""
    return int(flint.fmpq_mat([[flint.fmpq(*x.as_integer_ratio()) for x in row] for row in features.tolist()]).rank())


def _eigenvector(penalty: Any, sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any]:
    """Z with orthogonal columns, the first of which is the longest; its unit vector is the top eigenvector."""
    first = rng.randint(2, 4)
    level = sp.Rational(rng.randint(1, 4), 2)
    return {
        Z: [[(first if j == 0 else 1) * (i == j) for j in range(sizes[N])] for i in range(sizes[m])],
        u: [[int(j == 0)] for j in range(sizes[N])],
        tau: level,
        top: first**2 + penalty.subs({**sizes, tau: level}),
    }


def _null_vector(sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any] | None:
    """A Z whose last two columns are equal; None for a single column."""
    if sizes[N] < 2:
        return None
    rows = [[rng.randint(-3, 3) for _ in range(sizes[N] - 1)] for _ in range(sizes[m])]
    tail = [[1], [-1]]
    return {Z: [[*given, given[-1]] for given in rows], u: [[0]] * (sizes[N] - 2) + tail}


def _left_inverse(sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any] | None:
    """Z = (D, 0)ᵀ with D regular and diagonal, W = (D⁻¹, 0) and X = 0; None for m < N."""
    if sizes[m] < sizes[N]:
        return None
    scale = [rng.randint(1, 3) for _ in range(sizes[N])]
    return {
        Z: [[scale[j] * (i == j) for j in range(sizes[N])] for i in range(sizes[m])],
        W: [[sp.Rational(int(i == j), scale[j]) for i in range(sizes[m])] for j in range(sizes[N])],
        X: [[0] * sizes[K] for _ in range(sizes[N])],
    }


def _ends(subject: BothEnds, mixtures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gaps and the two ends of their interval, for each mixture matrix."""
    experiment, theory = subject.experiment, subject.experiment.theory
    known = {
        SIZE: np.linalg.norm(mixtures - theory.a_hat, axis=(-2, -1)) ** subject.power,
        top: float(np.linalg.eigvalsh(theory.z_bar_squared)[-1]),
        K: experiment.instance.dictionary_size,
        m: experiment.instance.feature_count,
        tau: experiment.instance.noise,
    }
    low, high = evaluated(LEFT_END, known), evaluated(RIGHT_END, known)
    return experiment.gaps(mixtures), subject.lower * low, subject.upper * high


PENALTIES = "penalty_n_tau", "penalty_twice"
CONSTANTS = "lower_constant_doubled", "upper_constant_halved"

CLAIM = Claim(
    statement=STATEMENT,
    about=BothEnds,
    heeds=("instance", "start", "training"),
    builds_on=("lemma5",),
    cites=("A positive semidefinite matrix is MᵀM for some M (Horn, Johnson, Matrix Analysis, Theorem 7.2.6)",),
    checks=(derive_lower_constant, derive_upper_constant, derive_attained, measure_interval, measure_attained),
    controls=dict(
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
        noise_ignores_task=noise_ignores_task,
        lower_constant_doubled=planted("The lower constant is mτ/K instead of mτ/(2K).", lower=2.0),
        upper_constant_halved=planted("The upper constant is ‖Z̄‖²/(4K) instead of ‖Z̄‖²/(2K).", upper=0.5),
        norm_not_squared=planted("The distance enters with power 1 instead of 2.", power=1),
    ),
    catches={
        derive_lower_constant: (*PENALTIES, "lower_constant_doubled"),
        derive_upper_constant: ("upper_constant_halved",),
        derive_attained: (*PENALTIES, *CONSTANTS),
        measure_interval: (*PENALTIES, "noise_ignores_task", "lower_constant_doubled", "norm_not_squared"),
        measure_attained: (*PENALTIES, "noise_ignores_task", *CONSTANTS, "norm_not_squared"),
    },
    stated=("LEFT_END", "RIGHT_END", "LEFT_ROOM", "RIGHT_ROOM"),
)
