"""Limit, both ways [T]: the gap is small exactly when the learned matrix is close to the limit matrix.

For every θ: mτ ‖Ã − Â‖_F² / (2K) ≤ L(θ) − L* ≤ ‖Z̄‖₂² ‖Ã − Â‖_F² / (2K).

Wrong if, anywhere along a training run, the gap leaves this interval, or if a constant is not the
best possible: both ends are attained, along the extreme eigenvectors of Z̄².
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp

from numerics.measure import rounding
from theorems.defects import noise_ignores_task, penalty_n_tau, penalty_twice
from theorems.experiment import Experiment
from theorems.notation import N, Z, m, tau
from verify.claim import Agreement, Bound, Claim, Identity
from verify.prove import prove, prove_positive_definite

STATEMENT = r"""
(m tau)/(2 K) norm(tilde(A) - hat(A))_F^2 <= L(theta) - L^* <= norm(overline(Z))_2^2/(2 K) norm(tilde(A) - hat(A))_F^2
"""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with the two constants multiplied by wrong factors, or the norm not squared."""

    experiment: Experiment
    lower: float = 1.0
    upper: float = 1.0
    power: int = 2


def derive_lower_constant(subject: Experiment | Variant) -> Iterator[Identity]:
    """Z̄² − mτI = ZᵀZ is positive semidefinite, so ‖Z̄x‖² ≥ mτ‖x‖² for every x."""
    gram = _variant(subject).experiment.limit.z_bar_squared
    yield prove("Z̄² = ZᵀZ + mτI", gram, Z.T * Z + m * tau * sp.Identity(N))
    yield prove_positive_definite("Z̄² ⪰ mτI", gram, factor=Z, shift=m * tau)


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
    checks=(derive_lower_constant, measure_interval, measure_attained),
    controls=(
        penalty_n_tau, penalty_twice, noise_ignores_task,
        lower_constant_doubled, upper_constant_halved, norm_not_squared,
    ),
)  # fmt: skip
