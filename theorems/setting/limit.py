"""The limit of training as symbolic expressions, and their evaluation on an instance.

The formulas exist once: every number of the limit is an evaluation of the expressions below.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy import ndarray
from sympy.matrices import expressions as me

from numerics.instance import Instance
from numerics.measure import UNIT_ROUNDOFF
from theorems.setting.notation import K, N, P, Z, Z_query, Z_tilde, m, tau, y
from verify.certify import as_float64, balls, evaluate

PRECISION = 256  # bits of the balls; enough for condition numbers up to about 1e40, checked on evaluation


@dataclass(frozen=True)
class Limit:
    """The fixed point of training for a ridge penalty; the paper's is m tau."""

    penalty: sp.Expr = m * tau

    @property
    def z_bar_squared(self) -> sp.MatrixExpr:
        """Z^T Z + m tau I (N x N), the square of the paper's Z-bar."""
        return Z.T * Z + self.penalty * sp.Identity(N)

    @property
    def z_bar(self) -> sp.MatrixExpr:
        """Z-bar (N x N)."""
        return me.MatPow(self.z_bar_squared, sp.Rational(1, 2))

    @property
    def a_hat(self) -> sp.MatrixExpr:
        """The limit matrix (N x K): (Z^T Z + m tau I)^-1 (Z^T Z-tilde + m tau (I_N, 0))."""
        return self.z_bar_squared.I * (Z.T * Z_tilde + self.penalty * P)

    @property
    def coefficient_map(self) -> sp.MatrixExpr:
        """Z (Z^T Z + m tau I)^-1 (m x N): prompt labels to ridge coefficients."""
        return Z * self.z_bar_squared.I

    @property
    def lambda_hat(self) -> sp.MatrixExpr:
        """The ridge coefficients (m x 1)."""
        return self.coefficient_map * y

    @property
    def loss_star(self) -> sp.Expr:
        """The least population loss, Lemma 5 with noisy targets: only unseen tokens contribute."""
        explained = Z_query.T * Z * self.z_bar_squared.I * Z.T * Z_query
        return (sp.Trace(Z_query.T * Z_query) + (K - N) * self.penalty - sp.Trace(explained)) / (2 * K)


@dataclass(frozen=True, kw_only=True)
class LimitValues:
    """The limit on one instance: float64 numbers, each within two unit roundoffs of its array's largest entry."""

    penalty: float
    z_bar_squared: Float[ndarray, "N N"]
    z_bar: Float[ndarray, "N N"]
    a_hat: Float[ndarray, "N K"]
    coefficient_map: Float[ndarray, "m N"]
    loss_star: float

    @cached_property
    def z_norm(self) -> float:
        """‖Z̄‖₂."""
        return float(np.linalg.norm(self.z_bar, 2))

    @cached_property
    def f_max(self) -> float:
        """f̄_max, the largest norm of a column of Z̄."""
        return float(np.linalg.norm(self.z_bar, axis=0).max())

    @cached_property
    def target(self) -> Float[ndarray, "N K"]:
        """A = Z̄Â, whose columns are the a_k."""
        result: ndarray = self.z_bar @ self.a_hat
        return result

    @cached_property
    def a_norm(self) -> float:
        """‖A‖₂."""
        return float(np.linalg.norm(self.target, 2))

    def predict(self, labels: Float[ndarray, "P N"], features: Float[ndarray, "K m"]) -> Float[ndarray, "P K"]:
        """y-hat-star: the prompt's own labels, then the ridge predictions of the unseen tokens."""
        ridge = labels @ self.coefficient_map.T @ features[labels.shape[1] :].T
        return np.concatenate([labels, ridge], axis=1)


def limit_values(limit: Limit, instance: Instance) -> LimitValues:
    """Evaluate every expression of `limit` on `instance`, in balls rounded to float64.

    Raises:
        ArithmeticError: some number is not known to float64 accuracy at `PRECISION` bits.
    """
    with flint.ctx.workprec(PRECISION):
        values = symbol_values(instance)

        def rounded(expression: sp.Expr) -> ndarray:
            middle, radius = as_float64(evaluate(expression, values))
            if not radius <= 2 * UNIT_ROUNDOFF * np.max(np.abs(middle)):
                raise ArithmeticError(f"{expression} is known only to within {radius:.2g} at {PRECISION} bits")
            return middle

        return LimitValues(
            penalty=float(evaluate(limit.penalty, values).mid()),
            z_bar_squared=rounded(limit.z_bar_squared),
            z_bar=rounded(limit.z_bar),
            a_hat=rounded(limit.a_hat),
            coefficient_map=rounded(limit.coefficient_map),
            loss_star=float(evaluate(limit.loss_star, values).mid()),
        )


def symbol_values(instance: Instance) -> dict[sp.Basic, Any]:
    """The exact numbers behind the letters of `theorems.setting.notation` on one instance."""
    prompt, features = instance.prompt_length, instance.features.T
    return {
        N: prompt,
        K: instance.dictionary_size,
        m: instance.feature_count,
        tau: instance.noise,
        Z: balls(features[:, :prompt]),
        Z_tilde: balls(features),
        Z_query: balls(features[:, prompt:]),
        P: balls(np.eye(prompt, instance.dictionary_size)),
    }
