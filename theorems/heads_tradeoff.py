"""More heads [T]: larger H slows the guaranteed rate; refuted for heads that are added to others.

The paper says that H ≥ N makes training reach the minimum, and that larger H slows the guaranteed rate. Of networks
that have the heads of another and more, each trained with the steps that Theorem 1 gives it, the second half is false.
ζ_0 is one of the things that the rate is made of, and it grows with the heads: heads that are there twice over have
twice the ζ_0 and the same rate. Two tokens with Z̄² = 2I, attention (1/2, 1/2) and (2/3, 1/3) in two heads, are the
witness: a third head (1/100, 99/100) makes the guaranteed part of the gap in one step larger, not smaller.

Read at one and the same ζ_0 the paper is right. That, and what is true of all heads, that the rate rises with ζ_0/H, is
the claim `heads_rate`. Wrong if on no network the rate is larger with more heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from random import Random

import flint
import sympy as sp

from theorems.descent.prescription import BITS
from theorems.heads_rate import GuaranteedRate, guaranteed, letters_of
from theorems.network.enclosed import Ball, least_eigenvalue
from theorems.setting.constants import A_norm, Delta_0, Z_norm, f_max, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import Drawn, H, K, N, Sizes
from verify.certify.compare import bound_of
from verify.certify.norms import smallest, smallest_eigenvalue
from verify.claim import Bound, Claim, Identity, planted
from verify.prove import Equation, prove

STATEMENT = r"""
H' > H, quad B'_k = (B_k, Y_k) quad ==> quad (eta'_w zeta'_0)/(2 K) <= (eta_w zeta_0)/(2 K)
"""

B, W = sp.MatrixSymbol("B", N, H), sp.MatrixSymbol("B'", N, 2 * H)

# The witness: exact fractions. Tokens ±e_1 and one more, K = 3; the attention of two tokens mirrors that of the other.
HEADS = ("1/2", "2/3", "1/100")  # of the first token in the prompt; the rest is the second's
SQUARE = 2  # Z̄² = 2I: m = 2, τ = 1/2, Z = I
UNSEEN = (1, 0)  # z_3, so that Z̄â_3 = z_3/√2


@dataclass(frozen=True)
class MoreHeads:
    """The rate with more heads is said to be at most `factor` times that with fewer."""

    experiment: Experiment
    _: KW_ONLY
    factor: sp.Rational = sp.S.One


def derive_same_zeta(subject: MoreHeads) -> Iterator[Identity]:
    """If ζ_0 is to count as given, then B'B'ᵀ = BBᵀ for heads that are there twice over."""
    premise = Equation(W * W.T, 2 * B * B.T, "B' = (B, B)")
    yield prove("B'B'ᵀ = BBᵀ", W * W.T, subject.factor * B * B.T, premises=(premise,), sample=_twice)


def certify_witness(subject: MoreHeads) -> Iterator[Bound]:
    """On two tokens, of fractions, a third head lowers the rate."""
    with flint.ctx.workprec(BITS):
        few, many = (_witness(count) for count in (2, 3))
        named = {"few": float(few.mid()), "many": float(many.mid())}
        where = f"N = 2, K = 3, Z̄² = {SQUARE}I, z_3 = {UNSEEN}, s_1h = {', '.join(HEADS)}"
        reason = f"it is {few.str(6, radius=False)} with two heads and {many.str(6, radius=False)} with three"
        allowed = [_ball(subject.factor) * few]
        yield bound_of("rate with 3 heads ≤ rate with 2", [many], allowed, reason, elsewhere=where, quantities=named)


def certify_instance(subject: MoreHeads) -> Iterator[Bound]:
    """On the instance the rate falls with each set of heads that has more."""
    subsets = GuaranteedRate(subject.experiment).subsets
    if len(subsets) < 2 or any(least_eigenvalue(problem) is None for problem in subsets):
        return
    with flint.ctx.workprec(BITS):
        rates = [guaranteed(letters_of(problem)) for problem in subsets]
        heads = [len(problem.queries) for problem in subsets]
        yield bound_of(
            "rate with more heads ≤ rate with fewer",
            rates[1:],
            [_ball(subject.factor) * rate for rate in rates[:-1]],
            "the theorem's own γ and η_Q; the first heads of the start",
            x=heads[1:],
            x_label="heads H",
        )


def _witness(count: int) -> Ball:
    """The guaranteed rate with the first heads of the witness."""
    first = [flint.arb(flint.fmpq(*map(int, share.split("/")))) for share in HEADS[:count]]
    attention = flint.arb_mat([first, [1 - share for share in first]])
    mirrored = flint.arb_mat([[1 - share for share in first], first])
    zeta = smallest(SQUARE * smallest_eigenvalue(s * s.transpose()) for s in (attention, mirrored))
    root, unseen = flint.arb(SQUARE).sqrt(), flint.arb(sum(entry**2 for entry in UNSEEN)) / SQUARE
    # Z̄Â = (Z̄, Z̄⁻¹z_3): its Gram matrix is 2I + z_3z_3ᵀ/2, and 2KΔ_0 its trace.
    return guaranteed(
        {
            K: 3,
            H: count,
            Z_norm: root,
            f_max: root,
            A_norm: (SQUARE + unseen).sqrt(),
            Delta_0: (2 * SQUARE + unseen) / 6,
            zeta_0: zeta,
        }
    )


def _ball(value: sp.Rational) -> flint.arb:
    return flint.arb(flint.fmpq(int(value.p), int(value.q)))


def _twice(sizes: Sizes, rng: Random) -> Drawn:
    rows = [[rng.randint(-3, 3) for _ in range(sizes[H])] for _ in range(sizes[N])]
    return {B: rows, W: [row + row for row in rows]}


CLAIM = Claim(
    statement=STATEMENT,
    about=MoreHeads,
    heeds=("instance", "start"),
    checks=(derive_same_zeta, certify_witness, certify_instance),
    controls=dict(
        half=planted("The rate with more heads is at most half of that with fewer.", factor=sp.Rational(1, 2)),
        tenth=planted("The rate with more heads is at most a tenth of that with fewer.", factor=sp.Rational(1, 10)),
        hundredth=planted("The rate with more heads is at most a hundredth.", factor=sp.Rational(1, 100)),
    ),
    catches={
        derive_same_zeta: ("half", "tenth", "hundredth"),
        certify_witness: ("half", "tenth", "hundredth"),
        certify_instance: ("half", "tenth", "hundredth"),
    },
)
