"""Number of features and prompt length [T]: the prediction is best where N is closest to m; refuted.

The paper remarks that the closer m is to N, the closer the choice is to the best one "and the better the prediction".
The first half is true, of the distance between the two ridge solutions: it is the claim `remark_choice`. The second,
read as that the least mean error R of an unseen token under the law of training, E λλᵀ = I, is smallest for prompts
of N = m tokens, is false: R never rises with the length of the prompt (the claim `risk_falls`, which corrects it), and
falls beyond N = m as it does before. With one feature, m = 1, τ = 1 and all z = 1 it is R = 1/(N + 1): 1/2 at N = 1 and
1/3 at N = 2.

Where the paper is right: measured relative to its own best choice, ridge with penalty Nτ, the distance of the
prediction is least at N = m, namely 0.

Wrong if no prompt of more than m tokens has a smaller error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random as Generator
from typing import Any

import flint
import sympy as sp

from theorems.risk_falls import Lengths, certify_best_length
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION
from theorems.setting.notation import m, tau, z_k
from verify.claim import Bound, Claim, Identity, planted
from verify.prove import Equation, Instance, prove
from verify.prove.matrices.rational import matrix

STATEMENT = r"""
R(Z) = min_a EE(y^top a - lambda^top z_k)^2, quad EE lambda lambda^top = I, quad Z in RR^(m times m), quad
W = (Z, Y) quad ==> quad R(Z) <= R(W)
"""

more = sp.Symbol("n", integer=True, positive=True)
FEATURE = 1  # of every token of the witness


def at_m(experiment: Experiment) -> Lengths:
    """N = m is said to be the best length."""
    return Lengths(experiment, best_length=m)


def derive_no_better(subject: Lengths) -> Iterator[Identity]:
    """Since R never rises, R(W) = R(Z) for every W that goes on from a Z of the length that is said to be best."""
    length = subject.best_length
    Z, Y = sp.MatrixSymbol("Z", m, length), sp.MatrixSymbol("Y", m, more)
    W = sp.MatrixSymbol("W", m, length + more)

    def appended(sizes: Mapping[Any, int], rng: Generator) -> Mapping[Any, Any]:
        count = int(length.subs(sizes))
        rows = [[rng.randint(-3, 3) for _ in range(count + sizes[more])] for _ in range(sizes[m])]
        return {W: rows, Z: [row[:count] for row in rows], Y: [row[count:] for row in rows]}

    premise = Equation(W * W.T, Z * Z.T + Y * Y.T, "W = (Z, Y)")
    yield prove("R(W) = R(Z)", _error(W), _error(Z), premises=(premise,), sample=appended)


def certify_witness(subject: Lengths) -> Iterator[Bound]:
    """With one feature that all tokens share, in rational arithmetic, one more token does not lower the error."""
    length = int(subject.best_length.subs(m, 1))
    with flint.ctx.workprec(PRECISION):
        here, longer = (_witness(count) for count in (length, length + 1))
    yield Bound(
        name="R at the best length ≤ R of one token more",
        observed=[here],
        bound=[longer],
        reason="it is said to be the best length",
        elsewhere=f"m = 1, tau = 1, z_k = [[{FEATURE}]], all of Z and W the same",
    )


def _error(features: Any) -> Any:
    """R for these features in the prompt."""
    return m * tau * sp.Trace(z_k.T * (features * features.T + m * tau * sp.Identity(m)).I * z_k)


def _witness(count: int) -> flint.arb:
    """R of a prompt of so many tokens with one feature: a fraction, as the ball around it."""
    features = sp.MatrixSymbol("Z", m, count)
    values = {m: 1, tau: 1, z_k: matrix([[FEATURE]]), features: matrix([[FEATURE] * count])}
    ((value,),) = Instance(values).evaluate(_error(features))
    return flint.arb(flint.fmpq(value.numerator, value.denominator))


CLAIM = Claim(
    statement=STATEMENT,
    about=at_m,
    heeds=("K", "d", "m", "tau", "seed", "data", "tokens"),
    checks=(derive_no_better, certify_witness, certify_best_length),
    controls=dict(
        one_more=planted("The best length is m + 1.", best_length=m + 1),
        two_more=planted("The best length is m + 2.", best_length=m + 2),
        twice=planted("The best length is 2m.", best_length=2 * m),
    ),
    catches={
        derive_no_better: ("one_more", "two_more", "twice"),
        certify_witness: ("one_more", "two_more", "twice"),
        certify_best_length: ("one_more", "two_more", "twice"),
    },
)
