"""Limit, both ways [T]: the gap is small exactly when the learned matrix is close to the limit matrix.

For every θ: mτ ‖Ã − Â‖_F² / (2K) ≤ L(θ) − L* ≤ ‖Z̄‖₂² ‖Ã − Â‖_F² / (2K).

By Lemma 5 the gap is ‖Z̄X‖_F² / (2K) with X = Ã − Â, and each end differs from it by a sum of squares.

Wrong if that leaves a remainder, if the gap leaves this interval anywhere along a training run, or if a
constant is not the best possible: both ends are attained, along the extreme eigenvectors of Z̄².
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import numpy as np
import sympy as sp

from numerics.measure import rounding
from theorems.defects import noise_ignores_task, penalty_n_tau, penalty_twice
from theorems.experiment import Experiment
from theorems.notation import K, N, Z, m, tau
from verify.claim import Agreement, Bound, Claim, Identity
from verify.prove import Equation, prove, prove_positive_definite
from verify.prove.identity import concluded

STATEMENT = r"""
(m tau)/(2 K) norm(tilde(A) - hat(A))_F^2 <= L(theta) - L^* <= norm(overline(Z))_2^2/(2 K) norm(tilde(A) - hat(A))_F^2
"""

X: Any = sp.MatrixSymbol("X", N, K)  # Ã − Â
M: Any = sp.MatrixSymbol("M", N, N)
top = sp.Symbol("s", positive=True)  # ‖Z̄‖₂²


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with the two constants multiplied by wrong factors, or the norm not squared."""

    experiment: Experiment
    lower: float = 1.0
    upper: float = 1.0
    power: int = 2


def derive_lower_constant(subject: Experiment | Variant) -> Iterator[Identity]:
    """‖Z̄X‖_F² − mτ‖X‖_F² = ‖ZX‖_F² ≥ 0, because Z̄² − mτI = ZᵀZ."""
    variant = _variant(subject)
    gram = variant.experiment.limit.z_bar_squared
    yield prove_positive_definite("Z̄² ⪰ mτI", gram, factor=Z, shift=m * tau)
    gap = sp.Trace(X.T * gram * X) - sp.Rational(variant.lower) * m * tau * sp.Trace(X.T * X)
    found = prove("‖Z̄X‖_F² − mτ‖X‖_F² = ‖ZX‖_F²", gap, sp.Trace((Z * X).T * (Z * X)))
    yield concluded(found, "‖Z̄X‖_F² ≥ mτ‖X‖_F²")


def derive_upper_constant(subject: Experiment | Variant) -> Iterator[Identity]:
    """‖Z̄‖₂²‖X‖_F² − ‖Z̄X‖_F² = ‖MX‖_F² ≥ 0, because ‖Z̄‖₂²I − Z̄² is positive semidefinite, hence some MᵀM."""
    variant = _variant(subject)
    gram = variant.experiment.limit.z_bar_squared
    norm = Equation(top * sp.Identity(N) - gram, M.T * M, "‖Z̄x‖ ≤ ‖Z̄‖₂‖x‖, the definition of ‖Z̄‖₂: ‖Z̄‖₂²I − Z̄² = MᵀM")
    gap = sp.Rational(variant.upper) * top * sp.Trace(X.T * X) - sp.Trace(X.T * gram * X)
    found = prove(
        "‖Z̄‖₂²‖X‖_F² − ‖Z̄X‖_F² = ‖MX‖_F²", gap, sp.Trace((M * X).T * (M * X)),
        premises=(norm,), sample=partial(_diagonal, variant.experiment.limit.penalty),
    )  # fmt: skip
    yield concluded(
        found, "‖Z̄X‖_F² ≤ ‖Z̄‖₂²‖X‖_F²",
        "a sum of squares; that a positive semidefinite matrix is some MᵀM is a textbook fact, not proved here",
    )  # fmt: skip


def _diagonal(penalty: Any, sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any]:
    """A diagonal Z with 3, 4, 5 or 0 on the diagonal and M with 4, 3, 0 or 5, so that ZᵀZ + MᵀM = 25 I."""
    pairs = [rng.choice(((3, 4), (4, 3), (5, 0), (0, 5))) if i < sizes[m] else (0, 5) for i in range(sizes[N])]
    level = sp.Rational(rng.randint(1, 4), 2)
    return {
        Z: [[pairs[j][0] * (i == j) for j in range(sizes[N])] for i in range(sizes[m])],
        M: [[pairs[j][1] * (i == j) for j in range(sizes[N])] for i in range(sizes[N])],
        tau: level,
        top: 25 + penalty.subs({**sizes, tau: level}),
    }


def measure_interval(subject: Experiment | Variant) -> Iterator[Bound]:
    """Along training the gap stays between the two multiples of ‖Ã − Â‖_F²."""
    variant = _variant(subject)
    experiment, trained = variant.experiment, variant.experiment.study.trained
    gaps, low, high = _ends(variant, trained.mixtures)
    # The ends are products and sums of at most N K + N + 4 rounded terms of one sign.
    error = experiment.gap_rounding(trained.mixtures) + rounding(trained.final.size + len(trained.final) + 4) * high
    for name, observed, bound, reason in (
        ("mτ‖Ã − Â‖²/(2K) ≤ Δ", low, gaps, "Z̄² ⪰ mτI and Lemma 5"),
        ("Δ ≤ ‖Z̄‖²‖Ã − Â‖²/(2K)", gaps, high, "Z̄² ⪯ ‖Z̄‖²I and Lemma 5"),
    ):
        yield Bound(
            name=name, observed=observed, bound=bound, rounding=error, reason=reason,
            x=trained.iterations, x_label="training step",
        )  # fmt: skip


def measure_attained(subject: Experiment | Variant) -> Iterator[Agreement]:
    """Both constants are attained: by a null vector of Z (where m < N) and by the top eigenvector of Z̄²."""
    variant = _variant(subject)
    experiment, a_hat = variant.experiment, variant.experiment.theory.a_hat
    _, vectors = np.linalg.eigh(experiment.theory.z_bar_squared)
    size = float(np.abs(a_hat).max())  # comparable with Â, so that rounding stays relative to the gap
    has_null_vector = experiment.instance.feature_count < experiment.instance.prompt_length
    for name, vector, end in (("lower", vectors[:, 0], 1), ("upper", vectors[:, -1], 2)):
        if name == "lower" and not has_null_vector:
            continue
        moved = (a_hat + size * vector[:, None])[None]
        values = _ends(variant, moved)
        # Eigenvectors are orthonormal to N u and enter the loss squared.
        error = experiment.gap_rounding(moved) + 4 * rounding(moved.size) * values[2]
        yield Agreement(
            name=f"{name} constant", predicted=values[end], observed=values[0], tolerance=error, reason="rounding"
        )


def _ends(variant: Variant, mixtures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gaps and the two ends of their interval, for each mixture matrix."""
    experiment, theory = variant.experiment, variant.experiment.theory
    distance = np.linalg.norm(mixtures - theory.a_hat, axis=(-2, -1)) ** variant.power
    scale = distance / (2 * experiment.instance.dictionary_size)
    largest = float(np.linalg.eigvalsh(theory.z_bar_squared)[-1])
    return experiment.gaps(mixtures), variant.lower * theory.penalty * scale, variant.upper * largest * scale


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def lower_constant_doubled(experiment: Experiment) -> Variant:
    """The lower constant is mτ/K instead of mτ/(2K)."""
    return Variant(experiment=experiment, lower=2.0)


def upper_constant_halved(experiment: Experiment) -> Variant:
    """The upper constant is ‖Z̄‖²/(4K) instead of ‖Z̄‖²/(2K)."""
    return Variant(experiment=experiment, upper=0.5)


def norm_not_squared(experiment: Experiment) -> Variant:
    """The distance enters with power 1 instead of 2."""
    return Variant(experiment=experiment, power=1)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "training"),
    builds_on=("lemma5",),
    cites=("A positive semidefinite matrix is MᵀM for some M (Horn, Johnson, Matrix Analysis, Theorem 7.2.6)",),
    checks=(derive_lower_constant, derive_upper_constant, measure_interval, measure_attained),
    controls=(
        penalty_n_tau, penalty_twice, noise_ignores_task,
        lower_constant_doubled, upper_constant_halved, norm_not_squared,
    ),
)  # fmt: skip
