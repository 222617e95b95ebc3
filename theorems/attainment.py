"""Attainment [B]: the infimum of the loss is attained, with no training of Q at all.

If every B_k = Z̄C_k has full row rank, the weights w_k = B_k†Z̄â_k = C_kᵀ(C_kC_kᵀ)⁻¹â_k give ã_k = C_kw_k = â_k
for every token k, hence L(θ) = L*, the least value that Lemma 5 allows: inf L = L*, for all N, K, d, m, H.

Theorem 1 needs inf L = L* for its gap to be a gap. Wrong if C_kw_k differs from â_k, or if at some start
the loss of these weights, computed in balls from the moments of the labels, is not L* to sixty digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

import flint
import sympy as sp

from theorems.network.enclosed import Ball, Enclosed, Matrix, Problem, by_token, enclose, largest_rank, too_few_heads
from theorems.network.problem import problem_of
from theorems.noiseless import penrose
from theorems.setting.defects import penalty_n_tau, penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import C, H, N, Z, a_hat, m, tau
from theorems.setting.study import stream
from verify.certify import evaluate
from verify.certify.compare import bound_of
from verify.certify.precision import until_decided
from verify.claim import Assumption, Bound, Claim, Identity, planted
from verify.prove import prove, prove_positive_definite

STATEMENT = r"""
"rank" B_k = N " for all " k quad ==> quad min_w L(Q, w) = L^*, quad
w_k = B_k^dagger overline(Z) hat(a)_k = C_k^top (C_k C_k^top)^(-1) hat(a)_k
"""

R = sp.MatrixSymbol("Z̄", N, N)  # any invertible matrix, Z̄ among them
B = sp.MatrixSymbol("B", N, H)

WEIGHTS = C.T * (C * C.T).I * a_hat
PSEUDOINVERSE = B.T * (B * B.T).I
SPLIT = R.T.I * (C * C.T).I * R.I  # (B Bᵀ)⁻¹ for B = Z̄C

DIGITS = 60  # of L*, relative to L(0), the loss without weights
START_BITS, LIMIT = 256, 4096  # 60 digits are 200 bits; the condition of C_k C_kᵀ takes the rest


@dataclass(frozen=True)
class ExplicitWeights:
    """The start, changed or not; one of the weights changed by `shift`, or all with another power of C_kC_kᵀ."""

    experiment: Experiment
    _: KW_ONLY
    change: Callable[[Problem], Problem] = lambda problem: problem
    shift: float = 0.0
    power: int = -1

    @cached_property
    def problem(self) -> Problem:
        """The data and the start."""
        return self.change(problem_of(self.experiment))

    @property
    def weights(self) -> sp.MatrixExpr:
        """What is claimed to be w_k."""
        return WEIGHTS if self.power == -1 else C.T * sp.MatPow(C * C.T, self.power) * a_hat

    def mixture(self, problem: Problem, enclosed: Enclosed) -> Matrix:
        """Ã for the explicit weights, N × K, the first of the last token's shifted.

        Raises:
            ZeroDivisionError: the rank of some C_k is open at this precision.
        """
        weights = explicit_weights(problem, enclosed, self.weights)
        weights[0][-1] += self.shift
        return enclosed.mixture(enclosed.attention_of(problem), weights)


def derive_weights(subject: ExplicitWeights) -> Iterator[Identity]:
    """C_kw_k = â_k, and CᵀZ̄ᵀ(Z̄CCᵀZ̄ᵀ)⁻¹Z̄ = Cᵀ(CCᵀ)⁻¹ is B_k†Z̄ by Penrose's four equations."""
    yield prove("C_k w_k = â_k", C * subject.weights, a_hat)
    for equation in penrose(B, PSEUDOINVERSE, "B", "B†"):
        yield prove(equation.name, equation.left, equation.right)
    # (B Bᵀ)⁻¹ = Z̄⁻ᵀ (C Cᵀ)⁻¹ Z̄⁻¹ for B = Z̄C, because the product with B Bᵀ is I.
    mixing = R * C
    yield prove("B Bᵀ Z̄⁻ᵀ(CCᵀ)⁻¹Z̄⁻¹ = I", mixing * mixing.T * SPLIT, sp.Identity(N))
    yield prove("B†Z̄â = Cᵀ(CCᵀ)⁻¹â", mixing.T * SPLIT * R * a_hat, subject.weights)
    yield prove_positive_definite("Z̄² ≻ 0", subject.experiment.limit.z_bar_squared, factor=Z, shift=m * tau)


def certify_attained(subject: ExplicitWeights) -> Iterator[Assumption | Bound]:
    """At the network's own start and at another one, the loss of these weights is L* to sixty digits."""
    start, rng = subject.problem, stream(0, "attainment")
    other = replace(start, queries=start.queries + 0.5 * rng.standard_normal(start.queries.shape))
    for name, problem in (("the start", start), ("another Q", other)):
        deficit = problem.instance.prompt_length - largest_rank(problem)
        yield Assumption(
            name="assumption2", margin=flint.arb(1 - deficit), meaning=f"rank B_k is not certainly below N at {name}"
        )
        yield _certify(subject, problem, name)


def _certify(subject: ExplicitWeights, problem: Problem, name: str) -> Bound:
    """|L(w) − L*| in units of 10⁻⁶⁰ L(0), at the precision that decides."""

    def difference() -> tuple[flint.arb, flint.arb]:
        enclosed = enclose(problem)
        scale = sum(enclosed.variances, flint.arb(0)) / (2 * enclosed.K) * flint.arb(10) ** -DIGITS
        return abs(enclosed.loss(subject.mixture(problem, enclosed)) - enclosed.loss_star), scale

    attempt = until_decided(
        difference, lambda pair: bool(pair[0] <= pair[1] or pair[0] > pair[1]), bits=START_BITS, limit=LIMIT
    )
    observed, allowed = attempt.value or (flint.arb("nan"), flint.arb(0))
    reason, named = f"10⁻{DIGITS} L(0), {attempt.bits} bits", {f"bits at {name}": attempt.bits}
    return bound_of(f"|L(w) − L*| at {name}", [observed], [allowed], reason, quantities=named)


def explicit_weights(problem: Problem, enclosed: Enclosed, stated: sp.MatrixExpr) -> list[list[Ball]]:
    """w_k = B_k†Z̄â_k as H × K, by the stated formula in C_k and â_k.

    With fewer heads than N they are the least-squares weights (CᵀZ̄²C)⁻¹CᵀZ̄²â_k.

    Raises:
        ZeroDivisionError: the rank of some C_k is open at this precision.
    """
    columns = []
    for k, mixing in enumerate(by_token(enclosed.attention_of(problem))):
        target = flint.arb_mat([[row[k]] for row in enclosed.a_hat.tolist()])
        if mixing.nrows() <= mixing.ncols():
            weights = evaluate(stated, {C: mixing, a_hat: target, N: mixing.nrows(), H: mixing.ncols()})
        else:
            pulled = mixing.transpose() * enclosed.z_bar * enclosed.z_bar
            weights = (pulled * mixing).inv() * (pulled * target)
        columns.append(weights.entries())
    return [list(row) for row in zip(*columns, strict=True)]


CLAIM = Claim(
    statement=STATEMENT,
    about=ExplicitWeights,
    heeds=("instance", "start"),
    assumptions=("assumption2",),
    builds_on=("lemma5",),
    checks=(derive_weights, certify_attained),
    controls=dict(
        too_few_heads=planted("The network has N − 1 heads; the weights are the best there are.", change=too_few_heads),
        penalty_n_tau=penalty_n_tau,
        penalty_twice=penalty_twice,
        one_weight_changed=planted("One weight of an unseen token is off by 10⁻²⁰.", shift=1e-20),
        square_not_inverted=planted("The weights are Cᵀ(CCᵀ)â_k, without the inverse.", power=1),
    ),
    catches={
        derive_weights: ("penalty_n_tau", "penalty_twice", "square_not_inverted"),
        certify_attained: (
            "too_few_heads",
            "penalty_n_tau",
            "penalty_twice",
            "one_weight_changed",
            "square_not_inverted",
        ),
    },
    stated=("WEIGHTS", "PSEUDOINVERSE", "SPLIT"),
    drops=("too_few_heads",),
)
