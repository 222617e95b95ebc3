"""Measurements on mixture matrices and prompts, with their own rounding errors. numpy in and out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

UNIT_ROUNDOFF = float(np.finfo(np.float64).eps) / 2


def rounding(terms: int) -> float:
    """gamma_n = n u / (1 - n u): a sum of n products has at most this relative error.

    Relative to the sum of absolute values; Higham, Accuracy and Stability of Numerical Algorithms,
    2nd ed., Lemma 3.1.
    """
    return terms * UNIT_ROUNDOFF / (1 - terms * UNIT_ROUNDOFF)


def token_losses(mixed: Float[ndarray, "... N K"], moments: Float[ndarray, "K K"]) -> Float[ndarray, "... K"]:
    """Population loss of each token, (a' M_PP a - 2 a' M_Pk + M_kk)/2, in float64."""
    N = mixed.shape[-2]
    quadratic = np.sum(mixed * (moments[:N, :N] @ mixed - 2 * moments[:N]), axis=-2)
    losses: ndarray = (quadratic + np.diag(moments)) / 2
    return losses


def token_loss_rounding(
    mixed: Float[ndarray, "... N K"], weight: Float[ndarray, "K K"], terms: int
) -> Float[ndarray, "... K"]:
    """A bound on the rounding error of `token_losses`.

    `weight` bounds |M| from above: the sum of absolute values of the `terms` products that make an
    entry of the moments M. Each loss is an inner product of inner products, so at most
    terms + 2N + 4 roundings touch any of its terms (N in the product, one subtraction, one
    multiplication, N in the sum, two at the end).
    """
    N = mixed.shape[-2]
    size = np.abs(mixed)
    absolute = np.sum(size * (weight[:N, :N] @ size + 2 * weight[:N]), axis=-2) + np.diag(weight)
    bound: ndarray = rounding(terms + 2 * N + 4) * absolute / 2
    return bound


def mean_squared_gap(predicted: Float[ndarray, "P K"], reference: Float[ndarray, "P K"]) -> Float[ndarray, " P"]:
    """(1/2K) |predicted - reference|^2 for each of P prompts."""
    gap: ndarray = np.mean((predicted - reference) ** 2, axis=1) / 2
    return gap
