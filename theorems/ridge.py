"""Ridge regression [T]: the limiting coefficients are the ridge solution, by two formulas.

For every N, m and τ > 0, the minimiser of (1/2N) Σ_i (y_i − λᵀz_i)² + (mτ/2N) ‖λ‖² is unique and equals
λ̂ = (ZZᵀ + mτI_m)⁻¹ Z y = Z (ZᵀZ + mτI_N)⁻¹ y.

Wrong if the gradient does not vanish at λ̂, if the Hessian is not positive definite, if the two
formulas differ, or if an independent solver finds another minimiser.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from numerics.baselines import ridge_least_squares, ridge_sklearn
from numerics.measure import UNIT_ROUNDOFF
from theorems.defects import penalty_n_tau, penalty_tau_squared, penalty_twice
from theorems.experiment import Experiment, stream
from theorems.notation import N, Z, m, tau, y
from verify.claim import Agreement, Claim, Identity
from verify.prove import prove, prove_positive_definite

STATEMENT = r"""
tau > 0 quad ==> quad hat(lambda) := arg min_lambda 1/(2 N) sum_(i=1)^N (y_i - lambda^top z_i)^2
+ (m tau)/(2 N) norm(lambda)^2 " is unique," \
hat(lambda) = (Z Z^top + m tau I_m)^(-1) Z y = Z (Z^top Z + m tau I_N)^(-1) y
"""

HESSIAN = Z * Z.T + m * tau * sp.Identity(m)  # N times that of the objective
PRIMAL = (Z * Z.T + m * tau * sp.Identity(m)).I * Z * y
DUAL = Z * (Z.T * Z + m * tau * sp.Identity(N)).I * y

other = sp.MatrixSymbol("λ", m, 1)

ORACLE_LABELS = 20


def derive_minimiser(experiment: Experiment) -> Iterator[Identity]:
    """λ̂ solves the ridge problem with penalty mτ: zero gradient, positive definite Hessian, the excess of others."""
    coefficients = experiment.limit.lambda_hat
    gradient = HESSIAN * coefficients - Z * y  # N times the gradient
    yield prove("gradient vanishes at λ̂", gradient, sp.ZeroMatrix(m, 1))
    yield prove_positive_definite("Hessian is positive definite", HESSIAN, factor=Z.T, shift=m * tau)
    off = other - coefficients
    excess = sp.Trace(off.T * HESSIAN * off) / (2 * N)
    yield prove("f(λ) − f(λ̂) = (λ − λ̂)ᵀ Hessian (λ − λ̂)/2N", _objective(other) - _objective(coefficients), excess)


def _objective(coefficients: Any) -> Any:
    """f(λ) = (1/2N) ‖y − Zᵀλ‖² + (mτ/2N) ‖λ‖²."""
    error = y - Z.T * coefficients
    return (sp.Trace(error.T * error) + m * tau * sp.Trace(coefficients.T * coefficients)) / (2 * N)


def derive_push_through(experiment: Experiment) -> Iterator[Identity]:
    """The two formulas for λ̂ agree: the push-through identity."""
    yield prove("(ZZᵀ + mτI)⁻¹ Z y = Z (ZᵀZ + mτI)⁻¹ y", PRIMAL, DUAL)
    yield prove("λ̂ = Z (ZᵀZ + mτI)⁻¹ y", experiment.limit.lambda_hat, DUAL)


def measure_oracles(experiment: Experiment) -> Iterator[Agreement]:
    """λ̂ equals scikit-learn's Ridge and scipy's augmented least squares."""
    data = experiment.instance
    features = data.features[: data.prompt_length]
    labels = stream(experiment.study.seed, "oracle labels").standard_normal((data.prompt_length, ORACLE_LABELS))
    penalty = data.feature_count * data.noise
    predicted = experiment.theory.coefficient_map @ labels
    design = np.vstack([features, np.sqrt(penalty) * np.eye(data.feature_count)])
    tolerance = _forward_error(design, predicted, labels)
    reason = "backward stability: the forward error of least squares and of the normal equations"
    for name, solve in (("scikit-learn Ridge", ridge_sklearn), ("scipy augmented least squares", ridge_least_squares)):
        observed = solve(features, labels, penalty)
        yield Agreement(name=name, predicted=predicted, observed=observed, tolerance=tolerance, reason=reason)


def _forward_error(design: np.ndarray, solution: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How far a backward stable solution x of min ‖A x − b‖ can be from the exact one, for each column of labels.

    With κ the condition number of the design A and σ its least singular value, by least squares at most a multiple of
    u(2κ‖x‖ + (κ + 1)‖r‖/σ), and ‖r‖ ≤ ‖b‖ = ‖y‖; by the normal equations of u(κ²‖x‖ + ‖A‖‖y‖/σ²), of which ‖A‖/σ = κ.
    The multiple allowed is the number of entries of the design. N. J. Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., Theorems 20.1 and 10.4.
    """
    values = np.linalg.svd(design, compute_uv=False)
    condition, least = values[0] / values[-1], values[-1]
    sizes = np.linalg.norm(solution, axis=0), np.linalg.norm(labels, axis=0)
    terms = (2 * condition + condition**2) * sizes[0] + (2 * condition + 1) * sizes[1] / least
    result: np.ndarray = design.size * UNIT_ROUNDOFF * terms
    return result


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    checks=(derive_minimiser, derive_push_through, measure_oracles),
    controls=(penalty_n_tau, penalty_twice, penalty_tau_squared),
    stated=("HESSIAN", "PRIMAL", "DUAL"),
    catches={
        derive_minimiser: (penalty_n_tau, penalty_twice, penalty_tau_squared),
        derive_push_through: (penalty_n_tau, penalty_twice, penalty_tau_squared),
        measure_oracles: (penalty_n_tau, penalty_twice, penalty_tau_squared),
    },
)
