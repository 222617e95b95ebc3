"""Lemma 4 [T]: regression on noisy features is ridge regression.

For all N and m, all labels y_i and features z_i, and noise ε̃_i with independent entries of mean 0 and variance τ:
E (1/2N) Σ_i (y_i − λᵀ(z_i + ε̃_i))² = (1/2N) Σ_i (y_i − λᵀz_i)² + (τ/2) ‖λ‖².
Its minimiser is the ridge solution with penalty Nτ next to Σ_i (y_i − λᵀz_i)².

Only the first two moments of the noise are used.

Wrong if the expectation, taken term by term, leaves a remainder, or if the minimiser is another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import sympy as sp

from theorems.setting.experiment import Experiment
from theorems.setting.notation import N, Z, m, task, tau, y
from verify.claim import Claim, Identity, planted
from verify.prove import Random, prove, prove_expectation, prove_positive_definite

STATEMENT = r"""
tilde(epsilon)_i "independent with independent entries of mean" 0 "and variance" tau quad ==> quad \
EE_tilde(epsilon) 1/(2 N) sum_(i=1)^N (y_i - lambda^top (z_i + tilde(epsilon)_i))^2
= 1/(2 N) sum_(i=1)^N (y_i - lambda^top z_i)^2 + tau/2 norm(lambda)^2, \
"with the minimiser" (Z Z^top + N tau I_m)^(-1) Z y
"""

noise = sp.MatrixSymbol("ε̃", m, N)  # its columns are the ε̃_i
shift = sp.MatrixSymbol("μ", m, N)  # a mean that the noise must not have


ERROR = (y - Z.T * task).T * (y - Z.T * task) / (2 * N)
RIGHT = ERROR + tau / 2 * task.T * task
HESSIAN = Z * Z.T + N * tau * sp.Identity(m)  # N times that of the right side
BEST = (Z * Z.T + N * tau * sp.Identity(m)).I * Z * y


@dataclass(frozen=True)
class NoisyRegression:
    """The weight of ‖λ‖² times a factor, a mean of the noise, and whether the labels carry the noise too."""

    experiment: Experiment
    _: KW_ONLY
    factor: sp.Expr = sp.Integer(1)
    mean: sp.MatrixExpr = sp.ZeroMatrix(m, N)
    labels_noisy: bool = False

    def right(self, coefficients: sp.MatrixExpr) -> sp.MatrixExpr:
        """The right side at these coefficients."""
        return (RIGHT + (self.factor - 1) * tau / 2 * task.T * task).subs(task, coefficients)


def derive_expectation(subject: NoisyRegression) -> Iterator[Identity]:
    """The mean over the noise adds (τ/2) ‖λ‖² to the squared error."""
    noisy = noise + subject.mean
    labels = y + noisy.T * task if subject.labels_noisy else y
    error = labels - (Z + noisy).T * task
    left, right = error.T * error / (2 * N), subject.right(task)
    yield prove_expectation("E (1/2N) ‖y − (Z + Ẽ)ᵀλ‖²", left, right, randoms=[Random(noise, tau)])


def derive_ridge(subject: NoisyRegression) -> Iterator[Identity]:
    """(ZZᵀ + NτI)⁻¹ Z y minimises the right side: zero gradient, positive definite Hessian, the excess of others."""
    hessian = HESSIAN + (subject.factor - 1) * N * tau * sp.Identity(m)
    yield prove("gradient vanishes", hessian * BEST - Z * y, sp.ZeroMatrix(m, 1))
    yield prove_positive_definite("Hessian is positive definite", hessian, factor=Z.T, shift=N * tau)
    off = task - BEST
    excess = subject.right(task) - subject.right(BEST)
    yield prove("f(λ) − f(λ̂) = (λ − λ̂)ᵀ Hessian (λ − λ̂)/2N", excess, off.T * HESSIAN * off / (2 * N))


CLAIM = Claim(
    statement=STATEMENT,
    about=NoisyRegression,
    checks=(derive_expectation, derive_ridge),
    controls=dict(
        weight_doubled=planted("The weight of ‖λ‖² is τ instead of τ/2.", factor=sp.Integer(2)),
        weight_times_m=planted("The weight of ‖λ‖² is mτ/2, as if the noise of all features fell on one.", factor=m),
        variance_squared=planted("The weight of ‖λ‖² is τ²/2: τ taken for a standard deviation.", factor=tau),
        weight_negative=planted("The weight of ‖λ‖² is −τ/2.", factor=sp.Integer(-1)),
        noise_has_a_mean=planted("The noise does not have mean 0.", mean=shift),
        labels_share_the_noise=planted(
            "The labels carry the same noise as the features, so the two are not independent.", labels_noisy=True
        ),
    ),
    stated=("RIGHT", "HESSIAN", "BEST"),
    drops=("noise_has_a_mean", "labels_share_the_noise"),
    catches={
        derive_expectation: (
            "weight_doubled",
            "weight_times_m",
            "variance_squared",
            "weight_negative",
            "noise_has_a_mean",
            "labels_share_the_noise",
        ),
        derive_ridge: ("weight_doubled", "weight_times_m", "variance_squared", "weight_negative"),
    },
)
