"""Assumption 2 [T]: at the start every B_k has full row rank, with a certified lower bound on ζ₀.

ζ₀ = min_k λ_min(B_k B_kᵀ) > 0 for B_k = Z̄C_k, where column h of C_k ∈ R^{N×H} is softmax(VᵀQ_h⁽⁰⁾v_k).

This is a fact about one start, and it is decided either way. A regular B_k B_kᵀ is certified by its inverse in
balls, whose largest eigenvalue is 1/λ_min. A deficient one is recognised by counting: the rank is at most the number
of different prompt tokens (equal ones make equal rows of C_k) and of different Q_h (equal ones make equal columns).

Wrong if the rank of some B_k is certainly below N, or if the singular values of B_k, computed in
float64, contradict the certified ζ₀.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import flint
import numpy as np
import torch

from numerics.measure import attention_rounding, rounding
from numerics.model import attention
from theorems.network.enclosed import Problem, by_token, enclose, least_eigenvalues, problem_of
from theorems.setting.experiment import Experiment
from verify.certify import balls
from verify.certify.compare import between, bound_of, upper
from verify.certify.norms import smallest
from verify.certify.precision import until_decided
from verify.claim import Agreement, Assumption, Bound, Claim

STATEMENT = r"""
zeta_0 = min_k lambda_min (B_k^((0)) B_k^((0) top)) > 0, quad
B_k = overline(Z) C_k, quad C_k = ("softmax"(V^top Q_1 v_k), dots, "softmax"(V^top Q_H v_k))
"""

ACCURACY = 24  # bits of ζ₀; traces of powers give about 30 − log₂ log N
LIMIT = 1024  # bits; a ζ₀ below about 1e-300 is left undecided


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A start, and the power of the singular values of B_k that is taken for the eigenvalues of B_k B_kᵀ."""

    problem: Problem
    power: int = 2


def certify_rank(subject: Experiment | Variant) -> Iterator[Assumption | Bound]:
    """ζ₀ lies above a certified positive bound, so rank B_k = N for every k."""
    problem = _variant(subject).problem
    (N, K, _, _), most = problem.sizes, largest_rank(problem)
    found = least_eigenvalue(problem)
    least = flint.arb(0) if found is None else found
    detail = f"rank B_k ≤ {most}" if found is None else f"ζ₀ ∈ {found.str(6)}, certified"
    yield Assumption(
        name="assumption2",
        margin=least,
        meaning=f"ζ₀ = min_k λ_min(B_k B_kᵀ) at the start is positive: every B_k has full row rank ({detail})",
    )
    rank = between(N if least > 0 else 0, most)
    yield bound_of("N ≤ rank B_k", [flint.arb(N)] * K, [rank] * K, detail)


def measure_singular_values(subject: Experiment | Variant) -> Iterator[Agreement]:
    """The least singular value of all B_k in float64, squared, equals the certified ζ₀."""
    variant = _variant(subject)
    found = least_eigenvalue(variant.problem)
    if found is None:
        return
    value, error = _least_singular_value(variant.problem)
    yield Agreement(
        name="ζ₀",
        predicted=float(found.mid()),
        observed=value**variant.power,
        tolerance=2 * upper(found.sqrt()) * error + error**2 + upper(found.rad()),
        reason="rounding of logits, softmax and singular values; width of the enclosure",
    )


def largest_rank(problem: Problem) -> int:
    """An upper bound on rank B_k for every k: the number of different prompt tokens and of different Q_h."""
    N = problem.instance.prompt_length
    heads = problem.queries.reshape(len(problem.queries), -1)
    return min(len(np.unique(problem.tokens[:N], axis=0)), len(np.unique(heads, axis=0)))


@lru_cache(maxsize=8)
def least_eigenvalue(problem: Problem) -> flint.arb | None:
    """An enclosure of ζ₀ that is certainly positive; None if the rank is deficient or open at `LIMIT` bits.

    It is known to `ACCURACY` bits unless `LIMIT` is in the way.
    """
    if largest_rank(problem) < problem.instance.prompt_length:
        return None

    def enclosure() -> flint.arb:
        enclosed = enclose(problem)
        mixings = by_token(enclosed.attention([balls(query) for query in problem.queries]))
        return smallest(least_eigenvalues(mixings, enclosed.z_bar))

    return until_decided(enclosure, lambda zeta: bool(zeta.rel_accuracy_bits() >= ACCURACY), limit=LIMIT).value


def _least_singular_value(problem: Problem) -> tuple[float, float]:
    """The least singular value of all B_k in float64, and a bound on its error.

    The error of B_k = Z̄C_k is at most that of the softmax weights times ‖Z̄‖‖C_k‖_F, where ‖C_k‖_F ≤ √H, and the
    decomposition adds a modest multiple of u‖B_k‖, taken as N H. Singular values move by no more than the matrix does.
    """
    N, _, _, H = problem.sizes
    tokens, queries = torch.from_numpy(problem.tokens.copy()), torch.from_numpy(problem.queries.copy())
    weights = attention(queries, tokens, N).permute(2, 1, 0).numpy()  # K × N × H
    rho = attention_rounding(problem.tokens[:N], problem.queries, problem.tokens)
    with flint.ctx.workprec(128):
        z_bar = np.array(enclose(problem).z_bar.mid().tolist(), dtype=float)
    values = np.linalg.svd(z_bar @ weights, compute_uv=False)
    size = np.linalg.norm(z_bar, 2) * np.sqrt(H)
    return float(values[:, N - 1].min()), float((rho + rounding(N + 2) * N + rounding(N * H)) * size)


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(problem=problem_of(subject))


def too_few_heads(experiment: Experiment) -> Variant:
    """The network has N − 1 heads."""
    problem, kept = problem_of(experiment), experiment.instance.prompt_length - 1
    return Variant(problem=replace(problem, queries=problem.queries[:kept], weights=problem.weights[:kept]))


def two_equal_tokens(experiment: Experiment) -> Variant:
    """Two prompt tokens are equal."""
    problem = problem_of(experiment)
    tokens = problem.tokens.copy()
    tokens[1] = tokens[0]
    return Variant(problem=replace(problem, tokens=tokens))


def beta_zero(experiment: Experiment) -> Variant:
    """β = 0: all heads start alike."""
    problem = problem_of(experiment)
    return Variant(problem=replace(problem, queries=np.zeros_like(problem.queries)))


def singular_value_not_squared(experiment: Experiment) -> Variant:
    """ζ₀ is compared with the least singular value instead of its square."""
    return Variant(problem=problem_of(experiment), power=1)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start"),
    checks=(certify_rank, measure_singular_values),
    controls=(too_few_heads, two_equal_tokens, beta_zero, singular_value_not_squared),
    catches={
        certify_rank: (too_few_heads, two_equal_tokens, beta_zero),
        measure_singular_values: (singular_value_not_squared,),
    },
    drops=(too_few_heads, two_equal_tokens, beta_zero),
)
