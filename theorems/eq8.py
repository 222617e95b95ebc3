"""Eq. (8) [T]: full attention with the paper's embedding matrices equals a mixture of softmax columns.

With W^V_h = (0, w_h), (W^K_h)ᵀ W^Q_h = diag(Q_h, 0) and the diagonal of the K × K output as the answer,
ŷ_k = Σ_h w_{h,k} yᵀ softmax(Vᵀ Q_h v_k) for every token k.

Wrong if one random network and prompt exist for which the two differ beyond rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from numerics.measure import rounding
from numerics.model import Network, attention, full_attention, mixture, predict
from theorems.experiment import Experiment, stream
from verify.claim import Agreement, Claim

STATEMENT = r"""
hat(y)_k = sum_(h=1)^H w_(h,k) thin y^top "softmax"(V^top Q_h v_k)
= ["diag" sum_(h=1)^H W_h^V E^P "softmax"((W_h^K E^P)^top W_h^Q E)]_k, quad k = 1, dots, K
"""

TRIALS = 5


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment, and the full attention that is compared with Eq. (8) (K x K output)."""

    experiment: Experiment
    full: Callable[..., torch.Tensor]


def measure_reduction(subject: Experiment | Variant) -> Iterator[Agreement]:
    """Full attention and Eq. (8) give the same predictions for random parameters and labels."""
    experiment, full = _parts(subject)
    data, rng = experiment.instance, stream(experiment.study.seed, "eq8")
    N, K, d, H = data.prompt_length, data.dictionary_size, data.token_dimension, len(experiment.study.start.queries)
    tokens = torch.from_numpy(data.tokens)
    for trial in range(TRIALS):
        network = Network(
            queries=torch.from_numpy(rng.standard_normal((H, d, d))),
            weights=torch.from_numpy(rng.standard_normal((H, K))),
        )
        labels = torch.from_numpy(rng.standard_normal(N))
        key = torch.from_numpy(np.linalg.qr(rng.standard_normal((d, d)))[0])
        reduced = predict(labels[None, :], mixture(network, tokens, N))[0]
        yield Agreement(
            name=f"random network {trial + 1}",
            predicted=torch.diagonal(full(network, tokens, labels, key)).numpy(),
            observed=reduced.numpy(),
            tolerance=_rounding_error(network, tokens, labels, N),
            reason="rounding analysis of both sides",
        )


def _rounding_error(network: Network, tokens: torch.Tensor, labels: torch.Tensor, N: int) -> np.ndarray:
    """A bound on the difference of the two float64 evaluations, for each token (shape K).

    A logit is a sum over at most d + 1 products of sums over d + 1 products, so each evaluation
    errs by gamma_{4(d+1)} |V|' |A'A^-T| |Q| |v|; for orthogonal A the middle factor is at most d
    in the norm used here, which is Frobenius. A logit error e multiplies every softmax weight by
    at most exp(2e); the sums over N labels and H heads add gamma_{N+H+4}, all of it twice.
    """
    d = tokens.shape[1]
    norms = torch.linalg.norm(tokens, dim=1)
    sizes = torch.linalg.matrix_norm(network.queries)  # |Q_h|_F
    logit = rounding(4 * (d + 1)) * d * norms[:N].max() * sizes[:, None] * norms[None, :]  # H x K
    relative = torch.expm1(2 * logit) + rounding(N + len(sizes) + 4)
    mass = (attention(network.queries, tokens, N) * labels.abs()[None, :, None]).sum(dim=1)  # H x K
    bound: np.ndarray = (2 * (relative * network.weights.abs() * mass).sum(dim=0)).numpy()
    return bound


def _parts(subject: Experiment | Variant) -> tuple[Experiment, Callable[..., torch.Tensor]]:
    return (subject.experiment, subject.full) if isinstance(subject, Variant) else (subject, full_attention)


def wrong_softmax_axis(experiment: Experiment) -> Variant:
    """Attention is normalised over the queries instead of the prompt."""

    def full(network: Network, tokens: torch.Tensor, labels: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        logits = tokens[: len(labels)] @ network.queries @ tokens.T
        seen = torch.einsum("n,hnk->hk", labels, torch.softmax(logits, dim=2))
        return torch.diag((network.weights * seen).sum(dim=0))

    return Variant(experiment=experiment, full=full)


def transposed_query(experiment: Experiment) -> Variant:
    """The key and query matrices exchange their roles: Q_h becomes its transpose."""

    def full(network: Network, tokens: torch.Tensor, labels: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        turned = Network(queries=network.queries.mT, weights=network.weights)
        return full_attention(turned, tokens, labels, key)

    return Variant(experiment=experiment, full=full)


def row_instead_of_diagonal(experiment: Experiment) -> Variant:
    """The answer is read from the first row of the output instead of its diagonal."""

    def full(network: Network, tokens: torch.Tensor, labels: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        return torch.diag(full_attention(network, tokens, labels, key)[0])

    return Variant(experiment=experiment, full=full)


CLAIM = Claim(
    statement=STATEMENT,
    checks=(measure_reduction,),
    controls=(wrong_softmax_axis, transposed_query, row_instead_of_diagonal),
)
