"""Proposition 1 [T, rank law B]: a Gaussian start satisfies Assumption 2 almost surely.

If a coordinate of the prompt tokens takes N different values (Assumption 3), H ≥ N, and Q_h⁽⁰⁾ has i.i.d. N(0, β²)
entries with β > 0, then with probability one every B_k⁽⁰⁾ = Z̄C_k has full row rank, for all N, K, d, m, H. More
precisely, for any tokens with v_k ≠ 0: rank B_k⁽⁰⁾ = min(H, n) for all k almost surely, where n is the number of
different prompt tokens. So Assumption 2 holds almost surely if H ≥ N and the prompt tokens are distinct, which is all
that Assumption 3 is needed for, and almost surely fails otherwise.

At most: C_k has H columns, and equal tokens give equal rows. At least: Z̄ and the denominators of softmax do not
change the rank, and at Q_h = (h − 1) ε v_kᵀ the numerators are powers x_i^{h−1} of x_i = exp(‖v_k‖² v_iᵀε), a
Vandermonde matrix, whose minors do not vanish if ε tells the tokens apart. So a minor of order min(H, n) is an
analytic function of Q that is not zero everywhere, and its zeros are a null set (cited).

Wrong if a step leaves a remainder, if the minor at that start is another number, or if a random start has another rank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from random import Random
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.network.attention_rank import minor_over_vandermonde, rank_of_attention
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION, Limit
from theorems.setting.notation import Drawn, H, N, Sizes, Z, d, m, tau
from theorems.setting.study import stream
from verify.certify import evaluate
from verify.certify.compare import between, bound_of
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step, defect_of_experiment, planted
from verify.prove import Equation, prove, prove_positive_definite

STATEMENT = r"""
(Q_h^((0)))_(a b) tilde cal(N)(0, beta^2) " i.i.d.", quad beta > 0, quad v_1, dots, v_K != 0 quad ==> \
PP("rank" B_k^((0)) = min(H, abs({v_1, dots, v_N})) " for all " k in [K]) = 1, \
PP("rank" B_k^((0)) = N " for all " k in [K]) = cases(
  1 quad "if" H >= N "and" v_1\, dots\, v_N "are distinct (as under Assumption 3)",
  0 quad "otherwise")
"""

different = sp.Symbol("n", integer=True, positive=True)  # how many prompt tokens are different
STATED_RANK = sp.Min(H, different)

# Vectors over the prompt: coefficients c_i, numerators exp(v_iᵀQ_hv_k), powers x_i^g; X = diag(x), f_n picks entry n.
c, numerators, power, ones, f_n = (sp.MatrixSymbol(name, N, 1) for name in ("c", "e", "p", "1", "f_n"))
X, x_n = sp.MatrixSymbol("X", N, N), sp.Symbol("x_n", real=True)
Q_h, V = sp.MatrixSymbol("Q_h", d, d), sp.MatrixSymbol("V", d, N)
v_i, v_k, direction = (sp.MatrixSymbol(name, d, 1) for name in ("v_i", "v_k", "ε"))
f_i, f_j = (sp.MatrixSymbol(name, N, 1) for name in ("f_i", "f_j"))
head = sp.Symbol("h", real=True)

ANALYTIC = (
    "B. S. Mityagin, The zero set of a real analytic function, Math. Notes 107 (2020) 529–530 (arXiv:1512.07276v1), "
    "Proposition 0: the zeros of a real-analytic function on a connected open set, not identically zero, are null"
)

SCALES = (0.125, 1.0, 8.0)  # values of β; powers of two, so that β times a float64 number is exact
START_BITS = 4096  # of the minor, whose relative size can be far below the largest product in its expansion
TOKENS = 4  # tokens k that are looked at, spread over the dictionary


@dataclass(frozen=True)
class RankLaw:
    """The law, or another power in the recursion, another start, equal heads, or another rank claimed."""

    experiment: Experiment
    _: KW_ONLY
    factor_power: int = 1
    transposed: bool = False
    heads_equal: int = 1
    rank: sp.Expr | None = None
    scale: float = 1.0
    repeated: bool = False

    def claimed(self, heads: int, prompt: np.ndarray) -> Any:
        """What the law gives, which need not be a whole number if the law is wrong."""
        tokens = len(prompt) if self.repeated else len(np.unique(prompt, axis=0))
        return (STATED_RANK if self.rank is None else self.rank).subs({H: heads, different: tokens})


def derive_invariance(subject: RankLaw) -> Iterator[Identity]:
    """Z̄ and the denominators of softmax do not change the rank, and equal tokens give equal rows."""
    whole = ones.T * numerators
    mixed, name = c.T * (numerators * whole.I) * whole, "Σ_i c_i s_i · Σ_i exp(v_iᵀQ_hv_k) = Σ_i c_i exp(v_iᵀQ_hv_k)"
    yield prove(name, mixed, c.T * numerators)
    yield prove_positive_definite("Z̄² ≻ 0", subject.experiment.limit.z_bar_squared, factor=Z, shift=m * tau)
    equal = Equation(V * f_i, V * f_j, "v_i = v_j")
    logits = (unit.T * V.T * Q_h * v_k for unit in (f_i, f_j))
    yield prove("v_i = v_j ⟹ v_iᵀQ_hv_k = v_jᵀQ_hv_k", *logits, premises=(equal,), sample=_equal_tokens)


def derive_vandermonde(subject: RankLaw) -> Iterator[Identity]:
    """At Q_h = (h − 1) ε v_kᵀ the numerators are powers, and subtracting x_n times a column leaves one point fewer."""
    start = (head - 1) * direction * (direction if subject.transposed else v_k).T
    stated = (head - 1) * (v_k.T * v_k) * (direction.T * v_i)
    yield prove("v_iᵀ (h − 1) ε v_kᵀ v_k = (h − 1) ‖v_k‖² v_iᵀε", v_i.T * start * v_k, stated)
    gap = X - x_n * sp.Identity(N)
    yield prove(
        "Σ_i c_i (x_i − x_n) x_i^g = Σ_i c_i x_i^{g+1} − x_n Σ_i c_i x_i^g, with p_i = x_i^g",
        c.T * gap**subject.factor_power * power,
        c.T * X * power - x_n * c.T * power,
    )
    last = Equation(f_n.T * X, x_n * f_n.T, "X = diag(x)")
    yield prove("term n vanishes", f_n.T * gap * power, sp.ZeroMatrix(1, 1), premises=(last,), sample=_last_entry)


def argue_rank(subject: RankLaw) -> Iterator[Argument]:
    """The minors of a Vandermonde matrix do not vanish, and analytic functions vanish on null sets only."""
    yield Argument(
        name="x_1, …, x_r different and Σ_i c_i x_i^g = 0 for g = 0, …, r − 1 ⟹ c = 0",
        steps=(
            Step(expression="r = 1: c_1 x_1^0 = c_1 = 0", rule="start of the induction over r"),
            Step(
                expression="Σ_i c_i (x_i − x_r) x_i^g = 0 for g = 0, …, r − 2, so c_i (x_i − x_r) = 0 for i < r",
                rule="the recursion proved above; term r vanishes; hypothesis of the induction for x_1, …, x_{r−1}",
            ),
            Step(expression="c_i = 0 for i < r, and then c_r = 0", rule="x_i ≠ x_r; g = 0"),
        ),
    )
    yield Argument(
        name="a minor of order r = min(H, n) of (exp(v_iᵀQ_hv_k)) is not zero for all Q",
        steps=(
            Step(
                expression="v_iᵀε are different at different tokens for some ε ∈ R^d",
                rule="finitely many hyperplanes (v_i − v_j)ᵀε = 0 do not cover R^d",
            ),
            Step(
                expression="at Q_h = (h − 1) ε v_kᵀ the first r columns and r different tokens form (x_i^{h−1})",
                rule="x_i = exp(‖v_k‖² v_iᵀε) differ, as v_k ≠ 0 and exp is increasing; no c ≠ 0 annihilates it",
            ),
        ),
    )
    yield Argument(
        name="rank B_k = min(H, n) for all k, almost surely",
        steps=(
            Step(expression="rank B_k = rank C_k = rank (exp(v_iᵀQ_hv_k)) ≤ min(H, n)", rule="proved above"),
            Step(
                expression="the Q with a vanishing minor of order r are a null set of R^{Hd²}",
                rule="the minor is a polynomial in exponentials of linear functions of Q, so analytic",
            ),
            Step(
                expression="that has probability 0, and so has the union over the K tokens",
                rule="for β > 0 the law of Q has a density",
            ),
        ),
        source=ANALYTIC,
    )


def measure_hypotheses(subject: RankLaw) -> Iterator[Assumption]:
    """β > 0 and every token is different from 0."""
    experiment = subject.experiment
    beta = experiment.parameters.beta
    yield Assumption(name="β > 0", margin=beta, meaning="standard deviation of the entries of Q_h⁽⁰⁾")
    least = float(np.linalg.norm(experiment.instance.tokens, axis=1).min())
    yield Assumption(name="v_k ≠ 0", margin=least, meaning="least length of a token")


def certify_start(subject: RankLaw) -> Iterator[Bound]:
    """At Q_h = (h − 1) ε v_kᵀ the minor of exponentials is Vandermonde's product, and not 0."""
    data, rng = subject.experiment.instance, stream(subject.experiment.study.seed, "proposition1-direction")
    distinct = np.unique(data.tokens[: data.prompt_length], axis=0)
    rows = distinct[: len(subject.experiment.study.start.queries)]
    epsilon: np.ndarray = rng.standard_normal(data.tokens.shape[1:])
    with flint.ctx.workprec(START_BITS):
        distances = [
            abs(minor_over_vandermonde(rows, epsilon, token, transposed=subject.transposed) - 1)
            for token in data.tokens[_spread(subject)]
        ]
        yield bound_of(
            "|det (exp(v_iᵀQ_hv_k)) / Π_{i<j} (x_j − x_i) − 1| ≤ 2⁻⁶⁴",
            distances,
            [flint.arb(2) ** -64] * len(distances),
            f"order {len(rows)}, ε random, {START_BITS} bits",
        )


def certify_rank(subject: RankLaw) -> Iterator[Bound]:
    """Random starts of several β have rank C_k = min(H, n), certified in ball arithmetic."""
    study, data = subject.experiment.study, subject.experiment.instance
    own = study.start.queries.double().numpy()
    drawn = stream(study.seed, "proposition1").standard_normal(own.shape)
    prompt = data.tokens[: data.prompt_length]
    yield from _ranks(subject, "the network's own start", prompt, own)
    for scale in SCALES:
        yield from _ranks(subject, f"β = {scale:g}", prompt, scale * drawn)


def certify_elsewhere(subject: RankLaw) -> Iterator[Bound]:
    """So they have with fewer heads than tokens, with as many, and with two equal tokens."""
    study, data = subject.experiment.study, subject.experiment.instance
    own, prompt = study.start.queries.double().numpy(), data.tokens[: data.prompt_length]
    for heads in sorted({len(prompt) - 1, len(prompt)} & set(range(1, len(own) + 1))):
        yield from _ranks(subject, f"{heads} heads", prompt, own[:heads], f"first-{heads}-heads")
    if len(prompt) > 1:
        repeated = np.concatenate([prompt[:1], prompt[:1], prompt[2:]])
        yield from _ranks(subject, "v_2 = v_1", repeated, own, "v_2 = v_1")


def _ranks(subject: RankLaw, name: str, prompt: np.ndarray, queries: np.ndarray, where: str = "") -> Iterator[Bound]:
    queries = subject.scale * queries[np.arange(len(queries)) // subject.heads_equal]
    claimed = subject.claimed(len(queries), prompt)
    with flint.ctx.workprec(PRECISION):
        tokens = subject.experiment.instance.tokens[_spread(subject)]
        low, high, margins = np.array([rank_of_attention(prompt, queries, token) for token in tokens]).T
        claims = [evaluate(claimed, {})] * len(low)
    ranks = list(map(between, low, high))
    named = {"least_eigenvalue": float(margins.min()), "rank": float(claimed)}
    reason = f"λ_min of the smaller Gram matrix ≥ {margins.min():.2g}, certified"
    yield bound_of(f"{claimed} ≤ rank C_k, {name}", claims, ranks, reason, elsewhere=where, quantities=named)
    told = "no more different rows, or columns"
    yield bound_of(f"rank C_k ≤ {claimed}, {name}", ranks, claims, told, elsewhere=where, quantities=named)


def _spread(subject: RankLaw) -> np.ndarray:
    return np.unique(np.linspace(0, subject.experiment.instance.dictionary_size - 1, TOKENS).astype(int))


def _equal_tokens(sizes: Sizes, rng: Random) -> Drawn:
    """A prompt whose first and last tokens are equal."""
    columns = [[rng.randint(-3, 3) for _ in range(sizes[d])] for _ in range(sizes[N])]
    columns[-1] = columns[0]
    return {
        V: [list(row) for row in zip(*columns, strict=True)],
        f_i: [[int(j == 0)] for j in range(sizes[N])],
        f_j: [[int(j == sizes[N] - 1)] for j in range(sizes[N])],
    }


def _last_entry(sizes: Sizes, rng: Random) -> Mapping[Any, Any]:
    """A diagonal matrix, and its last entry."""
    places, points = range(sizes[N]), [rng.randint(-9, 9) for _ in range(sizes[N])]
    diagonal = [[point * (row == col) for col in places] for row, point in enumerate(points)]
    return {X: diagonal, x_n: points[-1], f_n: [[int(place == places[-1])] for place in places]}


@defect_of_experiment
def no_penalty(experiment: Experiment) -> Experiment:
    """Z̄² = ZᵀZ, without mτI, which need not be invertible."""
    return replace(experiment, limit=Limit(penalty=sp.Integer(0)))


CLAIM = Claim(
    statement=STATEMENT,
    about=RankLaw,
    heeds=("dictionary", "start"),
    assumptions=("β > 0", "v_k ≠ 0"),
    stated=("STATED_RANK",),
    drops=("heads_in_pairs", "beta_zero"),
    cites=("zeros of analytic functions are null (B. S. Mityagin, Math. Notes 107 (2020) 529–530, Proposition 0)",),
    checks=(
        measure_hypotheses,
        derive_invariance,
        derive_vandermonde,
        argue_rank,
        certify_start,
        certify_rank,
        certify_elsewhere,
    ),
    controls=dict(
        wrong_power=planted("The recursion has factors (x_i − x_n)² instead of x_i − x_n.", factor_power=2),
        direction_twice=planted("The start is Q_h = (h − 1) ε εᵀ instead of (h − 1) ε v_kᵀ.", transposed=True),
        no_penalty=no_penalty,
        all_tokens_counted=planted("The rank is claimed to be min(H, N), equal tokens counted twice.", repeated=True),
        heads_not_counted=planted(
            "The rank is claimed to be the number of different tokens, whatever H is.", rank=different
        ),
        tokens_not_counted=planted("The rank is claimed to be H, whatever the tokens are.", rank=H),
        heads_in_pairs=planted("Every head is there twice: the start has no density.", heads_equal=2),
        beta_zero=planted("β = 0: all heads start alike.", scale=0.0),
    ),
    catches={
        derive_invariance: ("no_penalty",),
        derive_vandermonde: ("wrong_power", "direction_twice"),
        certify_start: ("direction_twice",),
        certify_rank: ("tokens_not_counted", "beta_zero"),
        certify_elsewhere: (
            "all_tokens_counted",
            "heads_not_counted",
            "tokens_not_counted",
            "heads_in_pairs",
            "beta_zero",
        ),
    },
)
