"""The one-layer multi-head softmax transformer: full attention, and the reduced form of Eq. (8).

Shapes: H heads, K tokens of dimension d, prompt of the first N tokens. A `Network` is the pair
theta = (Q_1..Q_H, w_1..w_H); every function works on any device and dtype.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from numerics.measure import attention_rounding, rounding

SAYS_NOTHING = 1e200  # a relative error that is no bound; finite, so that no weight is still no error
UNDERFLOW = 1e-300  # a softmax weight below that may be any other such number, or 0


@dataclass(frozen=True, kw_only=True)
class Network:
    """Parameters: `queries` holds Q_h (H x d x d), `weights` holds w_h (H x K)."""

    queries: Float[Tensor, "H d d"]
    weights: Float[Tensor, "H K"]

    def to(self, *, device: str, dtype: torch.dtype) -> Network:
        """The same numbers on another device or in another precision, detached from any graph."""
        return Network(
            queries=self.queries.detach().to(device=device, dtype=dtype),
            weights=self.weights.detach().to(device=device, dtype=dtype),
        )


def initial_network(
    rng: np.random.Generator, *, heads: int, d: int, K: int, scale: float, weight_scale: float = 0.0
) -> Network:
    """Q_h with i.i.d. N(0, scale^2) entries, w with N(0, weight_scale^2), drawn by numpy: alike on every device."""
    queries = torch.from_numpy(scale * rng.standard_normal((heads, d, d)))
    weights = weight_scale * rng.standard_normal((heads, K)) if weight_scale else np.zeros((heads, K))
    return Network(queries=queries, weights=torch.from_numpy(weights))


def logits(queries: Float[Tensor, "H d d"], tokens: Float[Tensor, "K d"], N: int) -> Float[Tensor, "H N K"]:
    """V^T Q_h v_k, for every head h and token k."""
    return tokens[:N] @ queries @ tokens.T


def attention(queries: Float[Tensor, "H d d"], tokens: Float[Tensor, "K d"], N: int) -> Float[Tensor, "H N K"]:
    """softmax(V^T Q_h v_k) over the prompt positions, for every head h and token k."""
    return torch.softmax(logits(queries, tokens, N), dim=1)


def mixture(network: Network, tokens: Float[Tensor, "K d"], N: int) -> Float[Tensor, "N K"]:
    """The matrix whose column k turns prompt labels into the prediction for token k: yhat_k = y . column k."""
    return torch.einsum("hk,hnk->nk", network.weights, attention(network.queries, tokens, N))


def predict(labels: Float[Tensor, "P N"], mixed: Float[Tensor, "N K"]) -> Float[Tensor, "P K"]:
    """Eq. (8): the predictions of all K labels for each of P prompts."""
    return labels @ mixed


def full_attention(
    network: Network, tokens: Float[Tensor, "K d"], labels: Float[Tensor, " N"], key: Float[Tensor, "d d"]
) -> Float[Tensor, "K K"]:
    """The transformer as defined: embeddings, W^Q, W^K, W^V, softmax per column, heads summed.

    `key` is any invertible A; then W^K = (A, 0), W^Q_h = (A^-T Q_h, 0), so (W^K)^T W^Q_h = diag(Q_h, 0),
    and W^V_h = (0, w_h). The prediction is the diagonal of the result.
    """
    N, (K, d) = len(labels), tokens.shape
    zero = tokens.new_zeros
    embedding = torch.cat([tokens.T, torch.cat([labels, zero(K - N)])[None, :]])  # E, (d+1) x K
    prompt = embedding[:, :N]  # E^P, (d+1) x N
    W_key = torch.cat([key, zero(d, 1)], dim=1)
    output = zero(K, K)
    for Q, w in zip(network.queries, network.weights, strict=True):
        W_query = torch.cat([torch.linalg.solve(key.T, Q), zero(d, 1)], dim=1)
        W_value = torch.cat([zero(K, d), w[:, None]], dim=1)
        scores = (W_key @ prompt).T @ (W_query @ embedding)  # N x K
        output = output + W_value @ prompt @ torch.softmax(scores, dim=0)
    return output


def mixture_float64(network: Network, tokens: Float[ndarray, "K d"], N: int) -> Float[ndarray, "N K"]:
    """`mixture` evaluated in float64 on the CPU, as numpy."""
    exact = network.to(device="cpu", dtype=torch.float64)
    result: ndarray = mixture(exact, torch.from_numpy(np.ascontiguousarray(tokens)), N).numpy()
    return result


def mixture_rounding(network: Network, tokens: Float[ndarray, "K d"], N: int) -> Float[ndarray, "N K"]:
    """A bound on the rounding error of `mixture_float64`, whatever the order of its sums.

    Relative to the computed softmax weights s they err by rho, and H + 1 roundings touch every term w_h s_h. Where
    that says nothing, because the logits are too large, the bound is too large for anything to exceed it.
    """
    exact, data = network.to(device="cpu", dtype=torch.float64), np.ascontiguousarray(tokens)
    rho = attention_rounding(data[:N], exact.queries.numpy(), data)
    weights = attention(exact.queries, torch.from_numpy(data), N).numpy() + UNDERFLOW
    with np.errstate(over="ignore"):  # the weights of a run that diverges
        terms = np.einsum("hk,hnk->nk", np.abs(exact.weights.numpy()), weights)
        bound: ndarray = min(rho + rounding(len(exact.weights) + 1), SAYS_NOTHING) * terms
    return bound
