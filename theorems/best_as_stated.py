"""Best penalty as printed [T]: ridge with penalty Nτ is the best choice of coefficients; refuted as a prediction.

The paper calls λ̂_τ = argmin (1/2N) Σ_i (y_i − λᵀz_i)² + (τ/2)‖λ‖², which is ridge with penalty Nτ next to
Σ_i (y_i − λᵀz_i)², the best choice. Read as a prediction of unseen labels under the law of training, E λλᵀ = I, it
says that the mean squared error R(c) of ridge with penalty c is least at c = Nτ, for every prompt and unseen token.

That is false wherever N ≠ m and Zᵀz_k ≠ 0. For N = 2, m = 1, τ = 2, Z = (1, 1) and z_k = 1 it is
R(c) = (c² + 4)/(c + 2)²: R(Nτ) = 5/9, and R(mτ) = 1/2 is smaller. The corrected statement is the claim `best`: mτ. The
same checks as there are made here, with Nτ in the place of mτ.

Read otherwise the paper is right: λ̂_τ minimises the mean error over the noise of the prompt's own features
(`lemma4`), and it predicts best when the tasks are isotropic on the range of Z and rank Z = N ≤ m (`best_isotropic`).

Wrong if no check finds a prompt, a token and a penalty with a smaller error than Nτ has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flint

from theorems.best import BEST, Choice, answer_at, certify_penalties, measure_penalties, risk
from theorems.best_slope import derive_stationary
from theorems.setting.experiment import Experiment
from theorems.setting.limit import PRECISION
from theorems.setting.notation import N, Z, m, tau, z_k
from verify.claim import Bound, Claim, planted
from verify.prove import Instance
from verify.prove.matrices.rational import matrix

STATEMENT = r"""
R(c) = EE(y^top (Z^top Z + c I)^(-1) Z^top z_k - lambda^top z_k)^2, quad EE lambda lambda^top = I quad ==> quad
R(N tau) = min_(c > 0) R(c)
"""

# The smallest prompt on which the two penalties differ: two tokens with one feature.
WITNESS = Instance({N: 2, m: 1, tau: 2, Z: matrix([[1, 1]]), z_k: matrix([[1]])})


def as_printed(experiment: Experiment) -> Choice:
    """Nτ is said to be the best penalty."""
    return Choice(experiment, multiple=N / m)


def certify_witness(subject: Choice) -> Iterator[Bound]:
    """On the smallest prompt, in rational arithmetic, the penalty said to be best has no larger error than mτ."""
    chosen, rival = (risk(answer_at(penalty), BEST) for penalty in (subject.best, BEST))
    with flint.ctx.workprec(PRECISION):
        yield Bound(
            name="R(c*) ≤ R(mτ)",
            observed=[_exactly(chosen)],
            bound=[_exactly(rival)],
            reason="c* is said to be the best penalty",
            elsewhere=str(WITNESS),
        )


def _exactly(expression: Any) -> flint.arb:
    """The value at the witness: a fraction, as the ball around it."""
    ((value,),) = WITNESS.evaluate(expression)
    return flint.arb(flint.fmpq(value.numerator, value.denominator))


CLAIM = Claim(
    statement=STATEMENT,
    about=as_printed,
    heeds=("N", "K", "d", "m", "tau", "seed", "data", "tokens"),
    checks=(derive_stationary, certify_witness, certify_penalties, measure_penalties),
    controls=dict(
        twice=planted("The best penalty is 2Nτ.", multiple=2 * N / m),
        both=planted("The best penalty is (N + m)τ.", multiple=(N + m) / m),
        square=planted("The best penalty is N²τ.", multiple=N**2 / m),
    ),
    catches={
        derive_stationary: ("twice", "both", "square"),
        certify_witness: ("twice", "both", "square"),
        certify_penalties: ("twice", "both", "square"),
        measure_penalties: ("twice", "both", "square"),
    },
)
