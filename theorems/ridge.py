"""Ridge regression [T]: the limiting coefficients are the ridge solution, by two formulas.

For every N, m and τ > 0, the minimiser of (1/2N) Σ_i (y_i − λᵀz_i)² + (mτ/2N) ‖λ‖² is unique and equals
λ̂ = (ZZᵀ + mτI_m)⁻¹ Z y = Z (ZᵀZ + mτI_N)⁻¹ y.

Wrong if the gradient does not vanish at λ̂, if the Hessian is not positive definite, if the two
formulas differ, or if an independent solver finds another minimiser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import flint
import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy import ndarray

from numerics.baselines import ridge_least_squares, ridge_sklearn
from numerics.measure import UNIT_ROUNDOFF
from theorems.network.assumptions import OfExperiment
from theorems.setting.defects import penalty_n_tau, penalty_tau_squared, penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, symbol_values
from theorems.setting.notation import N, Z, m, task, tau, y
from theorems.setting.study import stream
from verify.certify import as_float64, balls, evaluate
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

ORACLE_LABELS = 20


@dataclass(frozen=True)
class RidgeSolution:
    """The coefficients of an experiment's limit."""

    experiment: Experiment


def derive_minimiser(subject: OfExperiment) -> Iterator[Identity]:
    """λ̂ solves the ridge problem with penalty mτ: zero gradient, positive definite Hessian, the excess of others."""
    coefficients = subject.experiment.limit.lambda_hat
    gradient = HESSIAN * coefficients - Z * y  # N times the gradient
    yield prove("gradient vanishes at λ̂", gradient, sp.ZeroMatrix(m, 1))
    yield prove_positive_definite("Hessian is positive definite", HESSIAN, factor=Z.T, shift=m * tau)
    off = task - coefficients
    excess = sp.Trace(off.T * HESSIAN * off) / (2 * N)
    yield prove("f(λ) − f(λ̂) = (λ − λ̂)ᵀ Hessian (λ − λ̂)/2N", _objective(task) - _objective(coefficients), excess)


def _objective(coefficients: sp.MatrixExpr) -> sp.Expr:
    """f(λ) = (1/2N) ‖y − Zᵀλ‖² + (mτ/2N) ‖λ‖²."""
    error = y - Z.T * coefficients
    return (sp.Trace(error.T * error) + m * tau * sp.Trace(coefficients.T * coefficients)) / (2 * N)


def derive_push_through(subject: OfExperiment) -> Iterator[Identity]:
    """The two formulas for λ̂ agree: the push-through identity."""
    yield prove("(ZZᵀ + mτI)⁻¹ Z y = Z (ZᵀZ + mτI)⁻¹ y", PRIMAL, DUAL)
    yield prove("λ̂ = Z (ZᵀZ + mτI)⁻¹ y", subject.experiment.limit.lambda_hat, DUAL)


def measure_oracles(subject: OfExperiment) -> Iterator[Agreement]:
    """λ̂ equals scikit-learn's Ridge and scipy's augmented least squares."""
    experiment, data = subject.experiment, subject.experiment.instance
    features = data.features[: data.prompt_length]
    labels = stream(experiment.study.seed, "oracle labels").standard_normal((data.prompt_length, ORACLE_LABELS))
    penalty = data.feature_count * data.noise
    design = np.vstack([features, np.sqrt(penalty) * np.eye(data.feature_count)])
    claimed = {formula: solution_of(stated, experiment, labels) for formula, stated in _formulas(experiment).items()}
    length = np.linalg.norm(claimed["dual"][0], axis=0)
    reason = "backward stability: the forward error of least squares and of the normal equations"
    for name, solve in (("scikit-learn Ridge", ridge_sklearn), ("scipy augmented least squares", ridge_least_squares)):
        observed = solve(features, labels, penalty)
        for formula, (predicted, width) in claimed.items():
            yield Agreement(
                name=f"{name}, {formula}",
                predicted=predicted,
                observed=observed,
                tolerance=_forward_error(design, length, labels) + width,
                reason=reason,
            )


def _formulas(experiment: Experiment) -> dict[str, sp.MatrixExpr]:
    """The two formulas of the statement, and the one by which the limit is evaluated."""
    return {"primal": PRIMAL, "dual": DUAL, "the limit's": experiment.limit.lambda_hat}


def solution_of(
    stated: sp.MatrixExpr, experiment: Experiment, labels: Float[ndarray, "N p"]
) -> tuple[Float[ndarray, "m p"], float]:
    """A stated formula for λ̂ at each column of labels, and how far it may be from that, all entries alike."""
    columns = sp.MatrixSymbol("Y", N, labels.shape[1])
    with flint.ctx.workprec(PRECISION):
        known = symbol_values(experiment.instance) | {columns: balls(labels)}
        found = as_float64(evaluate(stated.subs(y, columns), known))
    return found


def _forward_error(design: np.ndarray, length: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How far a backward stable solution x of min ‖A x − b‖ can be from the exact one, of that length, for each column.

    With κ the condition number of the design A and σ its least singular value, by least squares at most a multiple of
    u(2κ‖x‖ + (κ + 1)‖r‖/σ), and ‖r‖ ≤ ‖b‖ = ‖y‖; by the normal equations of u(κ²‖x‖ + ‖A‖‖y‖/σ²), of which ‖A‖/σ = κ.
    The multiple allowed is the number of entries of the design. N. J. Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., Theorems 20.1 and 10.4.
    """
    values = np.linalg.svd(design, compute_uv=False)
    condition, least = values[0] / values[-1], values[-1]
    terms = (2 * condition + condition**2) * length + (2 * condition + 1) * np.linalg.norm(labels, axis=0) / least
    result: np.ndarray = design.size * UNIT_ROUNDOFF * terms
    return result


CLAIM = Claim(
    statement=STATEMENT,
    about=RidgeSolution,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    checks=(derive_minimiser, derive_push_through, measure_oracles),
    controls=dict(penalty_n_tau=penalty_n_tau, penalty_twice=penalty_twice, penalty_tau_squared=penalty_tau_squared),
    stated=("HESSIAN", "PRIMAL", "DUAL"),
    catches={
        derive_minimiser: ("penalty_n_tau", "penalty_twice", "penalty_tau_squared"),
        derive_push_through: ("penalty_n_tau", "penalty_twice", "penalty_tau_squared"),
        measure_oracles: ("penalty_n_tau", "penalty_twice", "penalty_tau_squared"),
    },
)
