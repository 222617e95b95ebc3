"""Measurements on mixture matrices and prompts, with their own rounding errors. numpy in and out."""

from __future__ import annotations

from typing import Any

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


def logit_size(prompt: Float[ndarray, "N d"], queries: Float[ndarray, "H d d"], tokens: Float[ndarray, "K d"]) -> float:
    """The largest sum of absolute values of the products that make a logit v_n' Q_h v_k."""
    sizes = np.abs(prompt) @ np.abs(queries) @ np.abs(tokens).T
    return float(sizes.max())


def softmax_rounding(logit_error: Any, N: int) -> Any:
    """rho: the relative error of a softmax weight over N entries in float64, whose logits err by `logit_error`.

    The logits are those less their largest, as they are exponentiated. Relative to the exact weight and to the
    computed one alike: a weight and the sum that it is divided by are off by a factor of at most exp(logit_error)
    each, and by at most N + 6 roundings together (N - 1 in the sum, a division, two for each of two exponentials that
    are good to a unit in the last place), whose factor is at most exp(gamma_{N+6}). Infinite where it overflows.
    """
    with np.errstate(over="ignore"):
        return np.expm1(2 * np.asarray(logit_error) + rounding(N + 6))[()]


def attention_rounding(
    prompt: Float[ndarray, "N d"], queries: Float[ndarray, "H d d"], tokens: Float[ndarray, "K d"]
) -> float:
    """rho of the attention weights softmax(v_n' Q_h v_k) over the prompt in float64, the largest of all.

    A logit is a sum of d products with sums of d products; one rounding more is that of its distance to the largest
    logit, which can be twice as large as either.
    """
    N, d = prompt.shape
    error = rounding(2 * d + 2) * logit_size(prompt, queries, tokens)
    return float(softmax_rounding(error, N))


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
