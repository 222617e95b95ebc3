"""Eq. (8) [T]: full attention with the paper's embedding matrices equals a mixture of softmax columns.

With W^V_h = (0, w_h), (W^K_h)ᵀ W^Q_h = diag(Q_h, 0) and the diagonal of the K × K output as the answer,
ŷ_k = Σ_h w_{h,k} yᵀ softmax(Vᵀ Q_h v_k) for every token k.

For all d, N, K, H by block matrices: with J = (I_d, 0)ᵀ and j the last unit vector, E = JṼ + j(yᵀ, 0).

Wrong if that leaves a remainder, or if for one random network and prompt the two sides differ beyond rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from random import Random

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from numerics.measure import rounding, softmax_rounding
from numerics.model import Network, attention, full_attention, initial_network, mixture, predict
from theorems.setting.experiment import Experiment
from theorems.setting.notation import Drawn, K, N, P, Q_h, Sizes, V, V_tilde, d, e_k, w_h, y
from theorems.setting.study import stream
from verify.claim import Agreement, Argument, Claim, Identity, Step, planted
from verify.prove import Equation, prove, selection
from verify.prove.matrices.rational import draw, transpose

STATEMENT = r"""
W_h^V = (0, w_h), quad (W_h^K)^top W_h^Q = mat(Q_h, 0; 0, 0), quad E^P = mat(V; y^top), quad
E = mat(v_1, dots, v_N, v_(N+1), dots, v_K; y_1, dots, y_N, 0, dots, 0) quad ==> \
hat(y)_k := ["diag" sum_(h=1)^H W_h^V E^P "softmax"((W_h^K E^P)^top W_h^Q E)]_k
= sum_(h=1)^H w_(h,k) thin y^top "softmax"(V^top Q_h v_k), quad k = 1, dots, K
"""

TRIALS = 5

S_h = sp.MatrixSymbol("S_h", N, K)  # softmax of the logits, column by column
A = sp.MatrixSymbol("A", d, d)  # invertible: W^K_h = (A, 0), W^Q_h = (A⁻ᵀQ_h, 0)
J = sp.MatrixSymbol("J", d + 1, d)
j = sp.MatrixSymbol("j", d + 1, 1)
row = sp.MatrixSymbol("e_1", K, 1)

EMBEDDED = J * V + j * y.T  # E^P
EMBEDDED_ALL = J * V_tilde + j * y.T * P  # E
W_KEY, W_QUERY, W_VALUE = A * J.T, A.T.I * Q_h * J.T, w_h * j.T
LOGITS = V.T * Q_h * V_tilde
ANSWER = (e_k.T * w_h) * (y.T * S_h * e_k)

BLOCKS = (
    Equation(J.T * J, sp.Identity(d), "J = (I, 0)ᵀ"),
    Equation(j.T * j, sp.Identity(1), "j is a unit vector"),
    Equation(J.T * j, sp.ZeroMatrix(d, 1), "j stands below J"),
)
SELECTED = (Equation(P * P.T, sp.Identity(N), "P = (I, 0)"), Equation(V_tilde * P.T, V, "ṼPᵀ = V"))


@dataclass(frozen=True)
class FullAttention:
    """What is compared with Eq. (8): the network's whole output (K × K), and what is made of its matrices."""

    experiment: Experiment
    _: KW_ONLY
    full: Callable[..., Tensor] = full_attention
    transposed: bool = False
    labels_in_logits: bool = False
    first_row: bool = False


def derive_reduction(subject: FullAttention) -> Iterator[Identity]:
    """For every head the embeddings and block matrices give the logits VᵀQ_hṼ and w_{h,k} yᵀ softmax(VᵀQ_h v_k)."""
    prompt, whole = EMBEDDED, EMBEDDED_ALL
    yield _prove("E^P is the part of E that P selects", whole * P.T, prompt, *SELECTED)
    W_query = A.T.I * Q_h.T * J.T if subject.transposed else W_QUERY
    yield _prove("(W^K)ᵀW^Q = diag(Q_h, 0)", W_KEY.T * W_query, J * Q_h * J.T)
    product = J * Q_h * J.T + (j * j.T if subject.labels_in_logits else sp.ZeroMatrix(d + 1, d + 1))
    yield _prove("(W^K E^P)ᵀ W^Q E = VᵀQ_hṼ", prompt.T * product * whole, LOGITS)
    output = W_VALUE * prompt * S_h
    left = row if subject.first_row else e_k
    yield _prove("[W^V E^P S]_kk = w_hk yᵀ S e_k", left.T * output * e_k, ANSWER)


def argue_sum(subject: FullAttention) -> Iterator[Argument]:
    """From the heads' logits and outputs to Eq. (8)."""
    yield Argument(
        name="ŷ_k = Σ_h w_hk yᵀ softmax(VᵀQ_h v_k)",
        steps=(
            Step(expression="S = softmax(VᵀQ_hṼ) has S e_k = softmax(VᵀQ_h v_k)", rule="softmax acts on each column"),
            Step(expression="[Σ_h W^V_h E^P S_h]_kk = Σ_h w_hk yᵀ S_h e_k", rule="the diagonal of a sum is the sum"),
        ),
    )


def _prove(name: str, left: sp.MatrixExpr, right: sp.MatrixExpr, *premises: Equation) -> Identity:
    return prove(name, left, right, premises=(*BLOCKS, *premises), sample=_blocks)


def _blocks(sizes: Sizes, rng: Random) -> Drawn:
    """J = (I, 0)ᵀ, the last unit vector j, and a prompt of the first N of K random tokens."""
    size, prompt, count = sizes[d], sizes.get(N, 1), sizes.get(K, 1)
    if prompt > count:
        return None
    tokens = draw(rng, size, count)
    return {
        J: transpose(selection(range(size), size + 1)),
        j: transpose(selection([size], size + 1)),
        P: selection(range(prompt), count),
        V_tilde: tokens,
        V: [column[:prompt] for column in tokens],
        e_k: transpose(selection([rng.randrange(count)], count)),
        row: transpose(selection([0], count)),
    }


def measure_reduction(subject: FullAttention) -> Iterator[Agreement]:
    """Full attention and Eq. (8) give the same predictions for random parameters and labels."""
    experiment = subject.experiment
    data, rng = experiment.instance, stream(experiment.study.seed, "eq8")
    N, K, d, H = data.prompt_length, data.dictionary_size, data.token_dimension, len(experiment.study.start.queries)
    tokens = torch.from_numpy(data.tokens)
    for trial in range(TRIALS):
        network = initial_network(rng, heads=H, d=d, K=K, scale=1.0, weight_scale=1.0)
        labels = torch.from_numpy(rng.standard_normal(N))
        key = torch.from_numpy(np.linalg.qr(rng.standard_normal((d, d)))[0])
        reduced = predict(labels[None, :], mixture(network, tokens, N))[0]
        yield Agreement(
            name=f"random network {trial + 1}",
            predicted=torch.diagonal(subject.full(network, tokens, labels, key)).numpy(),
            observed=reduced.numpy(),
            tolerance=_rounding_error(network, tokens, labels, N),
            reason="rounding analysis of both sides",
        )


def _rounding_error(network: Network, tokens: Tensor, labels: Tensor, N: int) -> np.ndarray:
    """A bound on the difference of the two float64 evaluations, for each token (shape K).

    A logit is a sum over at most d + 1 products of sums over d + 1 products, so each evaluation
    errs by gamma_{4(d+1)} |V|' |A'A^-T| |Q| |v|; for orthogonal A the middle factor is at most d
    in the norm used here, which is Frobenius, and two roundings more shift it by the largest. The sums over N labels
    and H heads add gamma_{N+H+1} to the error of a softmax weight, all of it twice.
    """
    d = tokens.shape[1]
    norms = torch.linalg.norm(tokens, dim=1)
    sizes = torch.linalg.matrix_norm(network.queries)  # |Q_h|_F
    logit = rounding(4 * (d + 1) + 2) * d * norms[:N].max() * sizes[:, None] * norms[None, :]  # H x K
    relative = (1 + torch.from_numpy(softmax_rounding(logit.numpy(), N))) * (1 + rounding(N + len(sizes) + 1)) - 1
    mass = (attention(network.queries, tokens, N) * labels.abs()[None, :, None]).sum(dim=1)  # H x K
    bound: np.ndarray = (2 * (relative * network.weights.abs() * mass).sum(dim=0)).numpy()
    return bound


def _softmax_over_queries(network: Network, tokens: Tensor, labels: Tensor, key: Tensor) -> Tensor:
    logits = tokens[: len(labels)] @ network.queries @ tokens.T
    seen = torch.einsum("n,hnk->hk", labels, torch.softmax(logits, dim=2))
    return torch.diag((network.weights * seen).sum(dim=0))


def _queries_transposed(network: Network, tokens: Tensor, labels: Tensor, key: Tensor) -> Tensor:
    return full_attention(replace(network, queries=network.queries.mT), tokens, labels, key)


def _first_row(network: Network, tokens: Tensor, labels: Tensor, key: Tensor) -> Tensor:
    return torch.diag(full_attention(network, tokens, labels, key)[0])


CLAIM = Claim(
    statement=STATEMENT,
    about=FullAttention,
    heeds=("dictionary", "H"),
    checks=(derive_reduction, argue_sum, measure_reduction),
    controls=dict(
        wrong_softmax_axis=planted(
            "Attention is normalised over the queries instead of the prompt.", full=_softmax_over_queries
        ),
        transposed_query=planted(
            "The key and query matrices exchange their roles: Q_h becomes its transpose.",
            full=_queries_transposed,
            transposed=True,
        ),
        row_instead_of_diagonal=planted(
            "The answer is read from the first row of the output instead of its diagonal.",
            full=_first_row,
            first_row=True,
        ),
        labels_in_logits=planted("(W^K)ᵀW^Q = diag(Q_h, 1): the labels enter the logits.", labels_in_logits=True),
    ),
    stated=("EMBEDDED", "EMBEDDED_ALL", "W_KEY", "W_QUERY", "W_VALUE", "LOGITS", "ANSWER"),
    catches={
        derive_reduction: ("transposed_query", "row_instead_of_diagonal", "labels_in_logits"),
        measure_reduction: ("wrong_softmax_axis", "transposed_query", "row_instead_of_diagonal"),
    },
)
