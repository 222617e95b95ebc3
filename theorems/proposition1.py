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
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.lemma1 import e, h, i, k, softmax_letter
from theorems.network.attention_rank import minor_over_vandermonde, rank_of_attention
from theorems.setting.experiment import Experiment, stream
from theorems.setting.limit import PRECISION, Limit
from theorems.setting.notation import H, N, Z, d, m, tau
from verify.certify import evaluate
from verify.certify.compare import between, bound_of
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step
from verify.prove import Equation, prove, prove_positive_definite
from verify.prove.indices.indexed import Index, Tensor, delta, prove_indexed, total

STATEMENT = r"""
(Q_h^((0)))_(a b) tilde cal(N)(0, beta^2) " i.i.d.", quad beta > 0, quad v_1, dots, v_K != 0 quad ==> \
PP("rank" B_k^((0)) = min(H, abs({v_1, dots, v_N})) " for all " k in [K]) = 1, \
PP("rank" B_k^((0)) = N " for all " k in [K]) = cases(
  1 quad "if" H >= N "and" v_1\, dots\, v_N "are distinct (as under Assumption 3)",
  0 quad "otherwise")
"""

different = sp.Symbol("n", integer=True, positive=True)  # how many prompt tokens are different
STATED_RANK = sp.Min(H, different)

c, x, power = Tensor("c", (N,)), Tensor("x", (N,)), Tensor("p", (N,))  # p_i = x_i^g for some g
last = Index("n", N)
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


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with another power in the recursion, another start, equal heads, or another rank claimed."""

    experiment: Experiment
    factor_power: int = 1
    transposed: bool = False
    heads_equal: int = 1
    rank: Any = None
    scale: float = 1.0
    repeated: bool = False

    def claimed(self, heads: int, prompt: np.ndarray) -> Any:
        """What the law gives, which need not be a whole number if the law is wrong."""
        tokens = len(prompt) if self.repeated else len(np.unique(prompt, axis=0))
        return (STATED_RANK if self.rank is None else self.rank).subs({H: heads, different: tokens})


def derive_invariance(subject: Experiment | Variant) -> Iterator[Identity]:
    """Z̄ and the denominators of softmax do not change the rank, and equal tokens give equal rows."""
    limit = _variant(subject).experiment.limit
    mixed = total(c[i] * softmax_letter[h, k, i], i) * total(e[h, k, i], i)
    yield prove_indexed(
        "Σ_i c_i s_i · Σ_i exp(v_iᵀQ_hv_k) = Σ_i c_i exp(v_iᵀQ_hv_k)", mixed, total(c[i] * e[h, k, i], i)
    )
    yield prove_positive_definite("Z̄² ≻ 0", limit.z_bar_squared, factor=Z, shift=m * tau)
    equal = Equation(V * f_i, V * f_j, "v_i = v_j")
    logits = (unit.T * V.T * Q_h * v_k for unit in (f_i, f_j))
    yield prove("v_i = v_j ⟹ v_iᵀQ_hv_k = v_jᵀQ_hv_k", *logits, premises=(equal,), sample=_equal_tokens)


def derive_vandermonde(subject: Experiment | Variant) -> Iterator[Identity]:
    """At Q_h = (h − 1) ε v_kᵀ the numerators are powers, and subtracting x_n times a column leaves one point fewer."""
    variant = _variant(subject)
    start = (head - 1) * direction * (direction if variant.transposed else v_k).T
    stated = (head - 1) * (v_k.T * v_k) * (direction.T * v_i)
    yield prove("v_iᵀ (h − 1) ε v_kᵀ v_k = (h − 1) ‖v_k‖² v_iᵀε", v_i.T * start * v_k, stated)
    gap = x[i] - x[last]
    factor = gap if variant.factor_power == 1 else gap * gap
    yield prove_indexed(
        "Σ_i c_i (x_i − x_n) x_i^g = Σ_i c_i x_i^{g+1} − x_n Σ_i c_i x_i^g, with p_i = x_i^g",
        total(c[i] * factor * power[i], i),
        total(c[i] * x[i] * power[i], i) - x[last] * total(c[i] * power[i], i),
    )
    yield prove_indexed("term n vanishes", total(delta(i, last) * c[i] * gap * power[i], i), 0)


def argue_rank(subject: Experiment | Variant) -> Iterator[Argument]:
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


def measure_hypotheses(subject: Experiment | Variant) -> Iterator[Assumption]:
    """β > 0 and every token is different from 0."""
    experiment = _variant(subject).experiment
    beta = experiment.settings.get("beta")
    yield Assumption(name="β > 0", margin=float(beta or 0.0), meaning="standard deviation of the entries of Q_h⁽⁰⁾")
    least = float(np.linalg.norm(experiment.instance.tokens, axis=1).min())
    yield Assumption(name="v_k ≠ 0", margin=least, meaning="least length of a token")


def certify_start(subject: Experiment | Variant) -> Iterator[Bound]:
    """At Q_h = (h − 1) ε v_kᵀ the minor of exponentials is Vandermonde's product, and not 0."""
    variant = _variant(subject)
    data, rng = variant.experiment.instance, stream(variant.experiment.study.seed, "proposition1-direction")
    distinct = np.unique(data.tokens[: data.prompt_length], axis=0)
    rows = distinct[: len(variant.experiment.study.start.queries)]
    epsilon: np.ndarray = rng.standard_normal(data.tokens.shape[1:])
    with flint.ctx.workprec(START_BITS):
        distances = [
            abs(minor_over_vandermonde(rows, epsilon, token, transposed=variant.transposed) - 1)
            for token in data.tokens[_spread(variant)]
        ]
        yield bound_of(
            "|det (exp(v_iᵀQ_hv_k)) / Π_{i<j} (x_j − x_i) − 1| ≤ 2⁻⁶⁴",
            distances,
            [flint.arb(2) ** -64] * len(distances),
            f"order {len(rows)}, ε random, {START_BITS} bits",
        )


def certify_rank(subject: Experiment | Variant) -> Iterator[Bound]:
    """Random starts of several β have rank C_k = min(H, n), certified in ball arithmetic."""
    variant = _variant(subject)
    study, data = variant.experiment.study, variant.experiment.instance
    own = study.start.queries.double().numpy()
    drawn = stream(study.seed, "proposition1").standard_normal(own.shape)
    prompt = data.tokens[: data.prompt_length]
    yield from _ranks(variant, "the network's own start", prompt, own)
    for scale in SCALES:
        yield from _ranks(variant, f"β = {scale:g}", prompt, scale * drawn)


def certify_elsewhere(subject: Experiment | Variant) -> Iterator[Bound]:
    """So they have with fewer heads than tokens, with as many, and with two equal tokens."""
    variant = _variant(subject)
    study, data = variant.experiment.study, variant.experiment.instance
    own, prompt = study.start.queries.double().numpy(), data.tokens[: data.prompt_length]
    for heads in sorted({len(prompt) - 1, len(prompt)} & set(range(1, len(own) + 1))):
        yield from _ranks(variant, f"{heads} heads", prompt, own[:heads], f"first-{heads}-heads")
    if len(prompt) > 1:
        repeated = np.concatenate([prompt[:1], prompt[:1], prompt[2:]])
        yield from _ranks(variant, "v_2 = v_1", repeated, own, "v_2 = v_1")


def _ranks(variant: Variant, name: str, prompt: np.ndarray, queries: np.ndarray, where: str = "") -> Iterator[Bound]:
    queries = variant.scale * queries[np.arange(len(queries)) // variant.heads_equal]
    claimed = variant.claimed(len(queries), prompt)
    with flint.ctx.workprec(PRECISION):
        tokens = variant.experiment.instance.tokens[_spread(variant)]
        low, high, margins = np.array([rank_of_attention(prompt, queries, token) for token in tokens]).T
        claims = [evaluate(claimed, {})] * len(low)
    ranks = list(map(between, low, high))
    reason = f"λ_min of the smaller Gram matrix ≥ {margins.min():.2g}, certified"
    yield bound_of(f"{claimed} ≤ rank C_k, {name}", claims, ranks, reason, elsewhere=where)
    told = "no more different rows, or columns"
    yield bound_of(f"rank C_k ≤ {claimed}, {name}", ranks, claims, told, elsewhere=where)


def _spread(variant: Variant) -> np.ndarray:
    return np.unique(np.linspace(0, variant.experiment.instance.dictionary_size - 1, TOKENS).astype(int))


def _equal_tokens(sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any] | None:
    """A prompt whose first and last tokens are equal."""
    columns = [[rng.randint(-3, 3) for _ in range(sizes[d])] for _ in range(sizes[N])]
    columns[-1] = columns[0]
    return {
        V: [list(row) for row in zip(*columns, strict=True)],
        f_i: [[int(j == 0)] for j in range(sizes[N])],
        f_j: [[int(j == sizes[N] - 1)] for j in range(sizes[N])],
    }


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def wrong_power(experiment: Experiment) -> Variant:
    """The recursion has factors (x_i − x_n)² instead of x_i − x_n."""
    return Variant(experiment=experiment, factor_power=2)


def direction_twice(experiment: Experiment) -> Variant:
    """The start is Q_h = (h − 1) ε εᵀ instead of (h − 1) ε v_kᵀ."""
    return Variant(experiment=experiment, transposed=True)


def no_penalty(experiment: Experiment) -> Experiment:
    """Z̄² = ZᵀZ, without mτI, which need not be invertible."""
    return replace(experiment, limit=Limit(penalty=sp.Integer(0)))


def all_tokens_counted(experiment: Experiment) -> Variant:
    """The rank is claimed to be min(H, N), equal tokens counted twice."""
    return Variant(experiment=experiment, repeated=True)


def heads_not_counted(experiment: Experiment) -> Variant:
    """The rank is claimed to be the number of different tokens, whatever H is."""
    return Variant(experiment=experiment, rank=different)


def tokens_not_counted(experiment: Experiment) -> Variant:
    """The rank is claimed to be H, whatever the tokens are."""
    return Variant(experiment=experiment, rank=H)


def heads_in_pairs(experiment: Experiment) -> Variant:
    """Every head is there twice: the start has no density."""
    return Variant(experiment=experiment, heads_equal=2)


def beta_zero(experiment: Experiment) -> Variant:
    """β = 0: all heads start alike."""
    return Variant(experiment=experiment, scale=0.0)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("dictionary", "start"),
    assumptions=("β > 0", "v_k ≠ 0"),
    stated=("STATED_RANK",),
    drops=(heads_in_pairs, beta_zero),
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
    controls=(
        wrong_power,
        direction_twice,
        no_penalty,
        all_tokens_counted,
        heads_not_counted,
        tokens_not_counted,
        heads_in_pairs,
        beta_zero,
    ),
    catches={
        derive_invariance: (no_penalty,),
        derive_vandermonde: (wrong_power, direction_twice),
        certify_start: (direction_twice,),
        certify_rank: (tokens_not_counted, beta_zero),
        certify_elsewhere: (all_tokens_counted, heads_not_counted, tokens_not_counted, heads_in_pairs, beta_zero),
    },
)
