"""Assumption 2 [T]: at the start every B_k has full row rank, with a certified lower bound on ζ₀.

ζ₀ = min_k λ_min(B_k B_kᵀ) > 0 for B_k = Z̄C_k, where column h of C_k ∈ R^{N×H} is softmax(VᵀQ_h⁽⁰⁾v_k).

This is a fact about one start, and it is decided either way. A regular B_k B_kᵀ is certified by its inverse in
balls, whose largest eigenvalue is 1/λ_min. A deficient one is recognised by counting: the rank is at most the number
of different prompt tokens (equal ones make equal rows of C_k) and of different Q_h (equal ones make equal columns).

Wrong if the rank of some B_k is certainly below N, or if the singular values of B_k, computed in
float64, contradict the certified ζ₀.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

import flint
import numpy as np
import torch

from numerics.measure import attention_rounding, rounding
from numerics.model import attention
from theorems.network.enclosed import Problem, enclose, largest_rank, least_eigenvalue, too_few_heads
from theorems.network.problem import problem_of
from theorems.setting.experiment import Experiment
from verify.certify.compare import between, bound_of, upper
from verify.claim import Agreement, Assumption, Bound, Claim, planted

STATEMENT = r"""
zeta_0 = min_k lambda_min (B_k^((0)) B_k^((0) top)) > 0, quad
B_k = overline(Z) C_k, quad C_k = ("softmax"(V^top Q_1 v_k), dots, "softmax"(V^top Q_H v_k))
"""


@dataclass(frozen=True)
class StartingRank:
    """The start, changed or not, and the power of singular values that is taken for eigenvalues of B_kB_kᵀ."""

    experiment: Experiment
    _: KW_ONLY
    change: Callable[[Problem], Problem] = lambda problem: problem
    power: int = 2

    @cached_property
    def problem(self) -> Problem:
        """The data and the parameters whose rank is looked at."""
        return self.change(problem_of(self.experiment))


def certify_rank(subject: StartingRank) -> Iterator[Assumption | Bound]:
    """ζ₀ lies above a certified positive bound, so rank B_k = N for every k."""
    (N, K, _, _), most = subject.problem.sizes, largest_rank(subject.problem)
    found = least_eigenvalue(subject.problem)
    least = flint.arb(0) if found is None else found
    detail = f"rank B_k ≤ {most}" if found is None else f"ζ₀ ∈ {found.str(6)}, certified"
    named = {"largest_rank": most} if found is None else {"zeta0": float(found.mid())}
    yield Assumption(
        name="assumption2",
        margin=least,
        meaning=f"ζ₀ = min_k λ_min(B_k B_kᵀ) at the start is positive: every B_k has full row rank ({detail})",
        quantities=named,
    )
    rank = between(N if least > 0 else 0, most)
    yield bound_of("N ≤ rank B_k", [flint.arb(N)] * K, [rank] * K, detail, quantities=named)


def measure_singular_values(subject: StartingRank) -> Iterator[Agreement]:
    """The least singular value of all B_k in float64, squared, equals the certified ζ₀."""
    found = least_eigenvalue(subject.problem)
    if found is None:
        return
    value, error = _least_singular_value(subject.problem)
    yield Agreement(
        name="ζ₀",
        predicted=float(found.mid()),
        observed=value**subject.power,
        tolerance=2 * upper(found.sqrt()) * error + error**2 + upper(found.rad()),
        reason="rounding of logits, softmax and singular values; width of the enclosure",
    )


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


def _two_equal_tokens(problem: Problem) -> Problem:
    tokens = problem.tokens.copy()
    tokens[1] = tokens[0]
    return replace(problem, tokens=tokens)


def _heads_alike(problem: Problem) -> Problem:
    return replace(problem, queries=np.zeros_like(problem.queries))


CLAIM = Claim(
    statement=STATEMENT,
    about=StartingRank,
    heeds=("instance", "start"),
    checks=(certify_rank, measure_singular_values),
    controls=dict(
        too_few_heads=planted("The network has N − 1 heads.", change=too_few_heads),
        two_equal_tokens=planted("Two prompt tokens are equal.", change=_two_equal_tokens),
        beta_zero=planted("β = 0: all heads start alike.", change=_heads_alike),
        singular_value_not_squared=planted(
            "ζ₀ is compared with the least singular value instead of its square.", power=1
        ),
    ),
    catches={
        certify_rank: ("too_few_heads", "two_equal_tokens", "beta_zero"),
        measure_singular_values: ("singular_value_not_squared",),
    },
    drops=("too_few_heads", "two_equal_tokens", "beta_zero"),
)
