"""One head [T, distances B]: it cannot reach the limit, because each column of Ã has one sign.

With H = 1 column k is ã_k = w_k s_k, and all s_ik > 0, so no two entries of ã_k differ in sign. For every Q and w
L − L* = (1/2K) Σ_k ‖Z̄(ã_k − â_k)‖² ≥ (1/2K) Σ_k D_k, where D_k = min_σ min {‖Z̄(c − â_k)‖²: σc ≥ 0}, σ = ±1,
and D_k ≥ mτ min_σ Σ_i max(0, −σâ_ik)² > 0 wherever â_k has entries of both signs. From below D_k is certified by any
μ with σμ ≥ 0: ‖Z̄(c − â_k)‖² = −2μᵀâ_k − μᵀZ̄⁻²μ + ‖Z̄(c − â_k − Z̄⁻²μ)‖² + 2cᵀμ.

For n linearly independent tokens, the prompt first, Σ_{k≤n} D_k/2K is what one head comes as close to as one likes
(`two_heads` has the logits). The columns of prompt tokens are unit vectors: D_k = 0, which is approached only.

Wrong if an identity leaves a remainder, or if a network of one head has a smaller gap than these multipliers allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import nnls

from theorems.network.enclosed import Ball, Enclosed, Matrix, enclose
from theorems.network.problem import problem_of
from theorems.setting.defects import penalty_n_tau
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION
from theorems.setting.notation import N, Z, a_hat, m, tau
from theorems.two_heads import QUERY as QUERY_OF_LOGITS
from theorems.two_heads import TwoHeads, independent_tokens, mixture_of_two, query_with
from verify.certify import balls, evaluate
from verify.certify.balls import as_float64
from verify.certify.compare import bound_of
from verify.certify.norms import largest, smallest, sum_of_squares
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step, planted
from verify.prove import prove, prove_positive_definite

STATEMENT = r"""
H = 1 quad ==> quad tilde(a)_k = w_k s_k, quad s_(i k) > 0, quad
L(Q, w) - L^* >= 1/(2 K) sum_k D_k " for all " Q, w, \
D_k = min_(sigma = plus.minus 1) min_(sigma c >= 0) norm(overline(Z) (c - hat(a)_k))^2
>= m tau min_(sigma = plus.minus 1) sum_i max(0, - sigma hat(a)_(i k))^2, \
sigma c >= 0, quad sigma mu >= 0 quad ==> quad
norm(overline(Z) (c - hat(a)_k))^2 >= - 2 mu^top hat(a)_k - mu^top overline(Z)^(-2) mu, \
v_1, dots, v_n " linearly independent", quad n >= N quad ==> quad
inf_(Q, w) sum_(k <= n) norm(overline(Z) (tilde(a)_k - hat(a)_k))^2 = sum_(k <= n) D_k
"""

c, mu, e = (sp.MatrixSymbol(name, N, 1) for name in ("c", "μ", "e"))  # c = w s, multipliers, numerators of s
ones = sp.MatrixSymbol("1", N, 1)
w = sp.Symbol("w", real=True)

SQUARE = Z.T * Z + m * tau * sp.Identity(N)  # Z̄²
DUAL = -2 * sp.Trace(mu.T * a_hat) - sp.Trace(mu.T * SQUARE.I * mu)  # what μ certifies of ‖Z̄(c − â)‖²
LEFT_OVER = c - a_hat - SQUARE.I * mu
REST = sp.Trace(LEFT_OVER.T * SQUARE * LEFT_OVER) + 2 * sp.Trace(c.T * mu)
BY_SIGNS = m * tau * sp.Trace(mu.T * mu)  # with μ_i = max(0, −σâ_i)

CLOSE = flint.arb(flint.fmpq(1, 10**6))  # of ‖Z̄â_k‖², within which D_k is approached
OFF_ZERO = 1e-9  # of the largest |â_ik|, where the closest c has a 0, which no attention has
BITS = PRECISION
Vector = Float[ndarray, " N"]


@dataclass(frozen=True)
class OneHead:
    """One head, and what is claimed of its distance from the limit.

    `share` multiplies the claimed distance; `signs` are those of w_k that are thought of; `uniform` is the weight of
    a second head, whose attention is uniform.
    """

    experiment: Experiment
    _: KW_ONLY
    share: int = 1
    signs: tuple[int, ...] = (1, -1)
    uniform: int = 0

    @cached_property
    def enclosed(self) -> Enclosed:
        """The instance in balls."""
        with flint.ctx.workprec(BITS):
            return enclose(problem_of(self.experiment))

    @property
    def tokens(self) -> int:
        """n, as many of the tokens as can be independent; none if the prompt cannot be."""
        K, width = self.experiment.instance.tokens.shape
        n = independent_tokens(K, width)
        return n if n >= self.experiment.instance.prompt_length else 0

    @cached_property
    def closest(self) -> list[tuple[Ball, Vector]]:
        """For each token what is claimed of D_k, certified from below, and the c that comes closest, in float64."""
        target, root = as_float64(self.enclosed.a_hat)[0], as_float64(self.enclosed.z_bar)[0]
        return [self._closest(k, root, column) for k, column in enumerate(target.T)]

    def _closest(self, k: int, root: Float[ndarray, "N N"], target: Vector) -> tuple[Ball, Vector]:
        found = []
        for sign in (1, -1):
            near = sign * nnls(root, sign * (root @ target))[0]
            multipliers = sign * np.maximum(sign * (root.T @ (root @ (near - target))), 0)
            certified = evaluate(DUAL, self.known(k, balls(multipliers[:, None])))
            found.append((certified.nonnegative_part(), near, sign))  # a squared distance is not below 0
        nearest = min(found, key=lambda triple: float(triple[0].mid()))[1]
        return self.share * smallest(bound for bound, _, sign in found if sign in self.signs), nearest

    def by_signs(self, k: int) -> Ball:
        """What is claimed of D_k by the entries of â_k of the wrong sign."""
        entries = [row[k] for row in self.enclosed.a_hat.tolist()]
        wrong = [flint.arb_mat([[(-sign * entry).nonnegative_part()] for entry in entries]) for sign in self.signs]
        return self.share * smallest(evaluate(BY_SIGNS, self.known(k, multipliers)) for multipliers in wrong)

    def known(self, k: int, multipliers: Matrix) -> dict[Any, Any]:
        """The letters of the bounds at token k."""
        data = self.experiment.instance
        sizes = {N: data.prompt_length, m: data.feature_count, tau: data.noise}
        column = flint.arb_mat([[row[k]] for row in self.enclosed.a_hat.tolist()])
        return {**sizes, Z: balls(data.features[: data.prompt_length].T), a_hat: column, mu: multipliers}


def derive_sign(subject: OneHead) -> Iterator[Identity]:
    """1ᵀe · μᵀ(ws) = w μᵀe for the numerators e > 0 of s, so that cᵀμ has the sign of w where μ ≥ 0."""
    whole = ones.T * e
    second = subject.uniform * mu.T * ones * whole
    yield prove("μᵀ(ws) · 1ᵀe = w μᵀe", w * mu.T * (e * whole.I) * whole + second, w * mu.T * e)


def derive_dual(subject: OneHead) -> Iterator[Identity]:
    """‖Z̄(c − â)‖² is what μ certifies and a rest, which is ≥ 0 for cᵀμ ≥ 0."""
    distance = sp.Trace((c - a_hat).T * SQUARE * (c - a_hat))
    yield prove("‖Z̄(c − â)‖²", distance, subject.share * DUAL + REST)
    yield prove_positive_definite("Z̄² ≻ 0", SQUARE, factor=Z, shift=m * tau)
    step = c - a_hat
    part = sp.Trace((Z * step).T * (Z * step))
    yield prove("‖Z̄x‖² = ‖Zx‖² + mτ‖x‖²", distance - part, subject.share * BY_SIGNS.subs(mu, step))


def argue_one_sign(subject: OneHead) -> Iterator[Argument]:
    """From the identities to all networks of one head, and back for independent tokens."""
    steps = (
        Step(
            expression="σ = sign of w_k, σμ ≥ 0: (w_k s_k)ᵀμ ≥ 0", rule="derive_sign: e > 0, so the sign is that of w_k"
        ),
        Step(expression="‖Z̄(w_k s_k − â_k)‖² ≥ −2μᵀâ_k − μᵀZ̄⁻²μ", rule="derive_dual, whose rest is ≥ 0"),
        Step(expression="(w_k s_ik − â_ik)² ≥ â_ik² where σâ_ik < 0", rule="σ w_k s_ik ≥ 0, on the other side of 0"),
        Step(expression="L − L* ≥ (1/2K) Σ_k D_k", rule="Lemma 5"),
        Step(
            expression="for independent v_1, …, v_n and σc_k > 0 there are Q and w with w_k s_k = c_k, k ≤ n",
            rule="logits log |c_ik|, as in two_heads; w_k = 1ᵀc_k",
        ),
        Step(expression="Σ_{k≤n} D_k is the infimum", rule="{σc > 0} is dense in {σc ≥ 0}"),
    )
    yield Argument(name="what one head can reach", steps=steps)


def certify_least(subject: OneHead) -> Iterator[Assumption | Bound]:
    """Some column of Â has both signs; no head of the start, with its best weights, comes closer than is claimed."""
    with flint.ctx.workprec(BITS):
        known = subject.enclosed
        columns = [list(column) for column in zip(*known.a_hat.tolist(), strict=True)]
        mixed = largest(largest(column).min(largest(-entry for entry in column)) for column in columns)
        gap = sum((bound for bound, _ in subject.closest), flint.arb(0)) / (2 * known.K)
        named = {"least_gap": float(gap.mid())}
        meaning = f"some column of Â has entries of both signs; with one head L − L* ≥ {gap.str(6, radius=False)}"
        yield Assumption(name="both signs", margin=mixed, meaning=meaning, quantities=named)
        heads = [_with_best_weights(known, s) for s in known.attention_of(problem_of(subject.experiment))]
        nearest = [smallest(token) for token in zip(*heads, strict=True)]
        reason = f"the nearest of {len(heads)} heads, with the best weights there are"
        yield from _not_nearer(subject, nearest, reason, {"heads": len(heads)})


def certify_reached(subject: OneHead) -> Iterator[Bound]:
    """Where n tokens are independent one head, constructed, comes within a millionth of D_k, and not below."""
    if not subject.tokens:
        return
    with flint.ctx.workprec(BITS):
        try:
            found = _constructed(subject)
        except ZeroDivisionError:  # the tokens may be dependent
            return
        target = subject.enclosed.z_bar * subject.enclosed.a_hat
        pairs = zip(subject.closest, target.transpose().tolist(), strict=True)
        reached = [bound + CLOSE * sum_of_squares(column) for (bound, _), column in pairs][: len(found)]
        reason, named = f"a head with logits log |c_ik|, n = {len(found)} tokens", {"n": len(found)}
        yield from _not_nearer(subject, found, reason, named)
        yield bound_of("‖Z̄(ã_k − â_k)‖² ≤ D_k + 10⁻⁶ ‖Z̄â_k‖²", found, reached, reason, quantities=named)


def _not_nearer(subject: OneHead, found: list[Ball], reason: str, named: Mapping[str, int]) -> Iterator[Bound]:
    """‖Z̄(ã_k − â_k)‖² of the first tokens against both bounds."""
    claimed = [bound for bound, _ in subject.closest][: len(found)]
    signs = [subject.by_signs(k) for k in range(len(found))]
    yield bound_of("D_k ≤ ‖Z̄(ã_k − â_k)‖²", claimed, found, reason, quantities=named)
    yield bound_of("mτ Σ_i max(0, −σâ_ik)² ≤ ‖Z̄(ã_k − â_k)‖²", signs, found, reason, quantities=named)


def _with_best_weights(known: Enclosed, attention: Matrix) -> list[Ball]:
    """‖Z̄(w_ks_k − â_k)‖² for every token with the best w_k for this attention (N × K), from the labels' moments."""
    slopes = zip(_products(attention, known.cross), _products(attention, known.moments * attention), strict=True)
    return _distances(known, known.mixture([attention], [[first / second for first, second in slopes]]))


def _constructed(subject: OneHead) -> list[Ball]:
    """The same for the first n tokens with logits log |c_ik|; the zeros of c are moved off by a billionth of â_k.

    Raises:
        ZeroDivisionError: the tokens may be linearly dependent.
    """
    known, n = subject.enclosed, subject.tokens
    if subject.uniform:
        return _distances(known, mixture_of_two(TwoHeads(subject.experiment), known))[:n]
    pairs = zip(subject.closest, as_float64(known.a_hat)[0].T, strict=True)
    columns = [_inside(near, target) for (_, near), target in pairs][:n]
    logits = flint.arb_mat([[abs(flint.arb(entry)).log() for entry in column] for column in columns]).transpose()
    weights = [sum(map(flint.arb, column), flint.arb(0)) for column in columns] + [flint.arb(0)] * (known.K - n)
    mixture = known.mixture(known.attention([query_with(QUERY_OF_LOGITS, known, logits)]), [weights])
    return _distances(known, mixture)[:n]


def _inside(near: Vector, target: Vector) -> list[float]:
    """The vector, moved into the orthant that it lies in."""
    sign = -1 if near.min() < 0 else 1
    moved: list[float] = (near + sign * OFF_ZERO * np.abs(target).max()).tolist()
    return moved


def _distances(known: Enclosed, mixture: Matrix) -> list[Ball]:
    """(ã_k − a)ᵀM(ã_k − a) for every token, with M = E yyᵀ and Ma = E y y_k: twice its loss above the least."""
    residual = known.moments * mixture - known.cross
    return _products(residual, known.moments.solve(residual))


def _products(left: Matrix, right: Matrix) -> list[Ball]:
    """The inner products of the columns."""
    pairs = zip(left.transpose().tolist(), right.transpose().tolist(), strict=True)
    return [sum((x * y for x, y in zip(*pair, strict=True)), flint.arb(0)) for pair in pairs]


CLAIM = Claim(
    statement=STATEMENT,
    about=OneHead,
    heeds=("instance", "start"),
    assumptions=("both signs",),
    builds_on=("lemma5", "two_heads"),
    checks=(derive_sign, derive_dual, argue_one_sign, certify_least, certify_reached),
    controls=dict(
        twice_the_distance=planted("The distances are claimed to be twice as large.", share=2),
        positive_weights=planted("Only weights w_k ≥ 0 are thought of.", signs=(1,)),
        negative_weights=planted("Only weights w_k ≤ 0 are thought of.", signs=(-1,)),
        second_head=planted("There is a second head, whose attention is uniform.", uniform=1),
        penalty_n_tau=penalty_n_tau,
    ),
    catches={
        derive_sign: ("second_head",),
        derive_dual: ("twice_the_distance",),
        certify_least: ("positive_weights", "negative_weights"),
        certify_reached: ("twice_the_distance", "positive_weights", "negative_weights", "second_head", "penalty_n_tau"),
    },
    stated=("DUAL", "BY_SIGNS"),
    drops=("second_head",),
)
