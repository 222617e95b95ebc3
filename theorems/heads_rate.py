"""Heads and the guaranteed rate [B]: it depends on them through ζ_0/H alone, and rises with it.

Let w^(0) = 0, γ the least that Theorem 1 allows, and η_Q = 1/L. Then one step is guaranteed to take from the gap the
part η_wζ_0/(2K) = 1/‖M‖, where M = 2K/(γ²ζ_0) times the matrix of Lemma 10. Every entry of M depends on the heads
through ζ_0/H alone, for Δ_0 = ‖A‖_F²/(2K) does not depend on them; and it falls as ζ_0 rises. Therefore:

At one and the same ζ_0 more heads slow the guaranteed rate, as the paper says: so read it is right. Heads that are
there n times over, however, make ζ_0 n times as large and leave the rate exactly as it is. Where heads are added to
those that are there ζ_0 never falls, B'B'ᵀ = BBᵀ + YYᵀ, and the rate rises where ζ_0/H does.

Read otherwise the paper's sentence is false: the claim `heads_tradeoff`.

Wrong if an entry of M changes where ζ_0/H does
not, if a slope has another form, or if on the instance rates do not stand in the order of ζ_0/H.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from random import Random
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.descent.prescription import BITS, DECREASE, GAMMA_SQUARED, enclosed_norms, prescribe
from theorems.network.enclosed import Ball, Problem, enclose, least_eigenvalue
from theorems.network.problem import problem_of
from theorems.setting.constants import A_norm, D, Delta_0, L, Z_norm, alpha, eta_w, f_max, gamma, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import Drawn, H, K, N, Sizes
from theorems.setting.stated_constants import LIPSCHITZ_MATRIX, STATED_ALPHA, STATED_D
from verify.certify import evaluate
from verify.certify.compare import bound_of
from verify.certify.norms import spectral_norm
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step, planted
from verify.prove import Equation, prove
from verify.prove.inequalities.scalar_identity import prove_scalars

STATEMENT = r"""
w^((0)) = 0, quad gamma "least", quad eta_Q = 1/L quad ==> quad (eta_w zeta_0)/(2 K) = 1/norm(M), quad
M = M(zeta_0 / H), \
0 < zeta_0 <= zeta'_0 <= H norm(overline(Z))^2 quad ==> quad M_(i j)(zeta'_0 / H) <= M_(i j)(zeta_0 / H), \
B' = (B, Y) quad ==> quad B' B'^top = B B^top + Y Y^top, quad zeta'_0 >= zeta_0
"""

RATE = gamma**2 * zeta_0 / (2 * K * L)  # the part that one step is guaranteed to take from the gap

n = sp.Symbol("n", positive=True)  # how many times over heads are there
u, v = (sp.Symbol(name, nonnegative=True) for name in ("u", "v"))
EXCESS = {H: zeta_0 * (1 + u) / Z_norm**2, Delta_0: (A_norm + v) ** 2 / (2 * K)}  # ζ_0 ≤ H‖Z̄‖², ‖A‖₂² ≤ 2KΔ_0

# −ζ_0 ∂M_ij/∂ζ_0, by the letters of EXCESS: nothing is subtracted but √2 from 2.
_MIXED = sp.sqrt(2 * (2 - sp.sqrt(2))) * K ** sp.Rational(1, 4) * (24 * (1 + u) * v + (23 + 24 * u) * A_norm)
_OVER = 16 * (1 + u) ** sp.Rational(1, 4) * (A_norm + v)
SLOPES = sp.ImmutableMatrix(
    [
        [
            (2 - sp.sqrt(2))
            * sp.sqrt(K)
            * (6 * (1 + u) * v + (5 + 6 * u) * A_norm)
            / (4 * sp.sqrt(1 + u) * (A_norm + v)),
            _MIXED * sp.sqrt(f_max / Z_norm) / _OVER,
        ],
        [_MIXED * sp.sqrt(Z_norm / f_max) / _OVER, 2 * (1 + u)],
    ]
)

x = sp.MatrixSymbol("x", N, 1)
more = sp.Symbol("n", integer=True, positive=True)  # heads that are added
B, Y, W = sp.MatrixSymbol("B", N, H), sp.MatrixSymbol("Y", N, more), sp.MatrixSymbol("B'", N, H + more)

COPIES = (2, 3, 10)
SUBSETS = 4  # of the heads, at most
OWN = flint.arb(2) ** -17  # γ and η_Q are each a millionth inside what is allowed, and enter four times at most
EXACT = flint.arb(2) ** -26  # a norm is known to log(2)/2³⁰ relatively, see verify.certify.norms


@dataclass(frozen=True)
class GuaranteedRate:
    """What is said of the rate for more heads.

    `order` is 1 if the rate is said to rise with ζ_0/H and −1 if to fall; `zeta` is how many times as large ζ_0 is said
    to be for heads twice over; without `beside` the new heads stand in the place of the old ones; `size` is how many
    times as large ‖A‖₂ is as it may be.
    """

    experiment: Experiment
    _: KW_ONLY
    order: int = 1
    zeta: int = 2
    beside: bool = True
    size: int = 1

    @cached_property
    def problem(self) -> Problem:
        """The data and the start, with w^(0) = 0."""
        start = problem_of(self.experiment)
        return replace(start, weights=np.zeros_like(start.weights))

    @cached_property
    def subsets(self) -> list[Problem]:
        """The network with the first of its heads, from N to H of them; with fewer and fewer if they replace others."""
        length, _, _, heads = self.problem.sizes
        if heads < length:
            return []
        counts = np.unique(np.geomspace(length, heads, SUBSETS).astype(int)).tolist()
        start, order = self.problem, counts if self.beside else counts[::-1]
        return [replace(start, queries=start.queries[:count], weights=start.weights[:count]) for count in order]


def entry(row: int, column: int) -> sp.Expr:
    """An entry of M in H, ζ_0 and what does not depend on the heads."""
    raw = LIPSCHITZ_MATRIX[row, column].subs(D, STATED_D).subs(alpha, STATED_ALPHA)
    return sp.expand(raw * 2 * K / (gamma**2 * zeta_0)).subs(gamma, sp.sqrt(GAMMA_SQUARED))


@cache
def slope_of(place: tuple[int, int], size: int = 1) -> sp.Expr:
    """−ζ_0 ∂M_ij/∂ζ_0 in u and v, with ‖A‖₂ so many times as large as it may be."""
    known = {**EXCESS, Delta_0: (A_norm / size + v) ** 2 / (2 * K)}
    return sp.simplify(-zeta_0 * sp.diff(entry(*place), zeta_0)).subs(known)


PLACES = {"M_qq": (0, 0), "M_qα": (0, 1), "M_αq": (1, 0), "M_αα": (1, 1)}


def derive_scale(subject: GuaranteedRate) -> Iterator[Identity]:
    """η_wζ_0/(2K) = 1/‖M‖, and M is the same for nH heads with nζ_0."""
    rate = DECREASE.subs(eta_w, gamma**2 / L)
    yield prove_scalars("η_wζ_0/(2K) = 1/‖M‖", rate, RATE, "L is the norm of γ²ζ_0/(2K) M, and η_w = γ²/L")
    for name, place in PLACES.items():
        many = entry(*place).subs({H: n * H, zeta_0: n ** (subject.zeta - 1) * zeta_0}, simultaneous=True)
        yield prove_scalars(f"{name}(nH, nζ_0) = {name}(H, ζ_0)", many, entry(*place), "γ, α and D as stated")


def derive_slopes(subject: GuaranteedRate) -> Iterator[Identity]:
    """−ζ_0 ∂M_ij/∂ζ_0 ≥ 0, a sum of products: H‖Z̄‖² = ζ_0(1 + u) and √(2KΔ_0) = ‖A‖₂ + v with u, v ≥ 0."""
    for name, place in PLACES.items():
        slope = subject.order * slope_of(place, subject.size)
        yield prove_scalars(f"−ζ_0 ∂{name}/∂ζ_0", slope, SLOPES[place], "γ, α and D as stated")


def derive_nested(subject: GuaranteedRate) -> Iterator[Identity]:
    """xᵀB'B'ᵀx − xᵀBBᵀx = ‖Yᵀx‖² where heads are added."""
    both = B * B.T + Y * Y.T if subject.beside else Y * Y.T
    premise = Equation(W * W.T, both, "B' = (B, Y)" if subject.beside else "B' = (0, Y)")

    def appended(sizes: Sizes, rng: Random) -> Drawn:
        old, new = ([[rng.randint(-3, 3) for _ in range(sizes[c])] for _ in range(sizes[N])] for c in (H, more))
        whole = [[e * subject.beside for e in left] + right for left, right in zip(old, new, strict=True)]
        return {B: old, Y: new, W: whole}

    change = sp.Trace(x.T * W * W.T * x) - sp.Trace(x.T * B * B.T * x)
    yield prove("xᵀB'B'ᵀx − xᵀBBᵀx", change, sp.Trace((Y.T * x).T * (Y.T * x)), premises=(premise,), sample=appended)


def argue_rate(subject: GuaranteedRate) -> Iterator[Argument]:
    """From the entries of M to the rate, and the two hypotheses that the slopes use."""
    steps = (
        Step(expression="w^(0) = 0: δ_k = −Z̄â_k, so 2KΔ_0 = ‖A‖_F² ≥ ‖A‖₂², free of the heads", rule="Lemma 5"),
        Step(expression="ζ_0 ≤ ‖B_k‖₂² ≤ Σ_h ‖b_hk‖² ≤ H‖Z̄‖²", rule="Lemma 9"),
        Step(
            expression="no slope is negative, so no entry of M rises with ζ_0", rule="derive_slopes; on to ζ'_0 ≤ H‖Z̄‖²"
        ),
        Step(
            expression="0 ≤ M_ij ≤ M'_ij for all i, j ⟹ ‖M‖ ≤ ‖M'‖",
            rule="‖Mx‖ ≤ ‖M|x|‖ ≤ ‖M'|x|‖, entry by entry, for every vector x",
        ),
        Step(expression="1/‖M‖ depends on ζ_0/H, and does not fall as it rises", rule="derive_scale"),
        Step(expression="the same ζ_0, H' ≥ H: ζ_0/H' ≤ ζ_0/H, the rate does not rise", rule="the paper's sentence"),
        Step(expression="λ_min(B'B'ᵀ) ≥ λ_min(BBᵀ)", rule="derive_nested, at the unit vector x of the minimum"),
    )
    yield Argument(name="the rate and the heads", steps=steps)


def certify_nested(subject: GuaranteedRate) -> Iterator[Assumption | Bound]:
    """For the first N to H heads of the start ζ_0 does not fall, and the rates stand in the order of ζ_0/H."""
    found = [zeta for problem in subject.subsets if (zeta := least_eigenvalue(problem)) is not None]
    if not found or len(found) < len(subject.subsets):
        yield Assumption(name="assumption2", margin=0.0, meaning="ζ_0 > 0 with N of the heads")
        return
    with flint.ctx.workprec(BITS):
        counts = [len(problem.queries) for problem in subject.subsets]
        yield Assumption(name="assumption2", margin=min(found, key=float), meaning="ζ_0 > 0 with N of the heads")
        rates = [rate_of(problem) for problem in subject.subsets]
        own = [abs(prescribe(problem).rate / rate - 1) for problem, rate in zip(subject.subsets, rates, strict=True)]
        told = "against the theorem's γ and η_Q, each a millionth inside what it allows"
        yield bound_of("|η_wζ_0/(2K) ‖M‖ − 1|", own, [OWN] * len(own), told)
        if len(found) == 1:
            return
        yield bound_of("ζ_0 ≤ ζ_0 with more heads", found[:-1], found[1:], "heads are added", x=range(len(found) - 1))
        shares = sorted(
            zip((z / h for z, h in zip(found, counts, strict=True)), rates, strict=True), key=lambda p: float(p[0])
        )
        pairs = [pair[:: subject.order] for pair in pairwise(rate for _, rate in shares)]
        below, above = ([pair[side] for pair in pairs] for side in (0, 1))
        yield bound_of("1/‖M‖ ≤ 1/‖M‖ at the next larger ζ_0/H", below, above, "in the order of ζ_0/H")


def certify_copies(subject: GuaranteedRate) -> Iterator[Bound]:
    """Heads twice, three and ten times over have the same rate; as many heads with the ζ_0 of one set a lower one."""
    if not subject.subsets or least_eigenvalue(subject.problem) is None:
        return
    with flint.ctx.workprec(BITS):
        known = letters_of(subject.problem)
        one = guaranteed(known)
        same = [guaranteed(known | {H: c * known[H], zeta_0: c ** (subject.zeta - 1) * known[zeta_0]}) for c in COPIES]
        slower = [guaranteed(known | {H: c * known[H]}) for c in COPIES]
        named = {"rate": float(one.mid())}
        reason = f"the rate is {one.str(5, radius=False)}; 2, 3 and 10 times as many heads"
        apart = [abs(rate / one - 1) for rate in same]
        yield bound_of(
            "|rate at (nH, nζ_0) / rate at (H, ζ_0) − 1|", apart, [EXACT] * len(apart), reason, quantities=named
        )
        left, right = (slower, [one] * len(slower))[:: subject.order]
        yield bound_of("rate at (nH, ζ_0) ≤ rate at (H, ζ_0)", left, right, reason, quantities=named)


def letters_of(problem: Problem) -> dict[Any, Any]:
    """The norms of a problem, and the middle of the enclosure of its ζ_0."""
    zeta = least_eigenvalue(problem)
    assert zeta is not None
    return enclosed_norms(problem, enclose(problem)) | {zeta_0: flint.arb(zeta.mid())}


def rate_of(problem: Problem) -> Ball:
    """The guaranteed rate of a problem, for every ζ_0 in its enclosure."""
    return guaranteed(letters_of(problem) | {zeta_0: least_eigenvalue(problem)})


def guaranteed(known: Mapping[Any, Any]) -> Ball:
    """η_wζ_0/(2K) with the least γ and η_Q = 1/L, from H, K, ζ_0, Δ_0 and the norms."""
    values = dict(known)
    values[gamma] = evaluate(GAMMA_SQUARED, values).sqrt()
    values[alpha] = evaluate(STATED_ALPHA, values)
    values[D] = evaluate(STATED_D, values)
    matrix = flint.arb_mat([[evaluate(LIPSCHITZ_MATRIX[i, j], values) for j in range(2)] for i in range(2)])
    return evaluate(RATE, values | {L: spectral_norm(matrix)})


CLAIM = Claim(
    statement=STATEMENT,
    about=GuaranteedRate,
    heeds=("instance", "start"),
    assumptions=("assumption2",),
    builds_on=("lemma5", "lemma9", "lemma10", "drift"),
    checks=(derive_scale, derive_slopes, derive_nested, argue_rate, certify_nested, certify_copies),
    controls=dict(
        falls_with_the_share=planted("The rate is said to fall as ζ_0/H rises.", order=-1),
        zeta_stays=planted("ζ_0 is said to stay as it is for heads that are there n times over.", zeta=1),
        zeta_squared=planted("ζ_0 is said to be n² times as large for heads that are there n times over.", zeta=3),
        heads_replaced=planted("The new heads stand in the place of old ones.", beside=False),
        large_limit=planted("‖A‖₂ may be a hundred times √(2KΔ_0).", size=100),
    ),
    catches={
        derive_scale: ("zeta_stays", "zeta_squared"),
        derive_slopes: ("falls_with_the_share", "large_limit"),
        derive_nested: ("heads_replaced",),
        certify_nested: ("falls_with_the_share", "heads_replaced"),
        certify_copies: ("falls_with_the_share", "zeta_stays", "zeta_squared"),
    },
    stated=("RATE",),
    drops=("heads_replaced", "large_limit"),
)
