"""Sharp rate [B]: with Q at its start the gap falls like (1 − η_wζ₀/K)²ᵗ, about four times as fast as guaranteed.

With Q frozen, gradient descent on w moves δ_k = Z̄(ã_k − â_k) by δ_k⁺ = (I − (η_w/K)B_kB_kᵀ)δ_k, exactly. Hence, for
η_w λ_max(B_kB_kᵀ) ≤ K, Δ⁽ᵗ⁾ = (1/2K) Σ_k ‖(I − (η_w/K)B_kB_kᵀ)ᵗ Z̄â_k‖² ≤ (1 − η_wζ₀/K)²ᵗ Δ⁽⁰⁾ for every t, and the rate
is attained as t → ∞ where the slowest mode takes part in δ⁽⁰⁾. Theorem 1 guarantees (1 − η_wζ₀/2K)ᵗ: the
exponent is loose by 2 log(1 − 2x) / log(1 − x) = 4 + 2x + …, x = η_wζ₀/2K.

The closed form is evaluated to t = 2³⁰ by squaring in balls, which neglects nothing; what it leaves out is that Q
moves, and on the literal instance the exact run of Theorem 1 is followed beside it. Wrong if the recursion leaves a
remainder, if a run with frozen Q departs from the closed form, or if an exponent misses the sharp one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.descent.plans import HERE, SHORT_BUDGET, STEPS, hypotheses, plan_here, plan_within_reach, violated
from theorems.descent.prescription import Prescription
from theorems.descent.slowest_mode import SHARE, largest_of, share_of
from theorems.descent.trajectory import DescentRun, descend
from theorems.network.enclosed import Ball, by_token, enclose
from theorems.setting.constants import eta_w
from theorems.setting.defects import penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K, N
from verify.certify import balls
from verify.certify.compare import bound_of, upper
from verify.certify.norms import largest, sum_of_squares
from verify.certify.precision import until_decided
from verify.claim import Agreement, Argument, Assumption, Bound, Claim, Identity, Step, Verdict
from verify.prove import prove

STATEMENT = r"""
Q "fixed," quad w^((0)) = 0, quad eta_w lambda_max (B_k B_k^top) <= K quad ==> quad
delta_k^((t+1)) = (I - eta_w/K B_k B_k^top) delta_k^((t)), quad
Delta^((t)) <= (1 - (eta_w zeta_0)/K)^(2 t) Delta^((0)), \
"and if the slowest mode takes part in" delta^((0)): quad
lim_(t -> oo) (log (Delta^((t+1)) \/ Delta^((t))))/(log (1 - eta_w zeta_0 \/ 2 K)) = (2 log (1 - 2 x))/(log (1 - x)),
quad x = (eta_w zeta_0)/(2 K)
"""

C: Any = sp.MatrixSymbol("C", N, H)
R: Any = sp.MatrixSymbol("Z̄", N, N)
w: Any = sp.MatrixSymbol("w", H, 1)
a_hat: Any = sp.MatrixSymbol("â", N, 1)

B: Any = sp.MatrixSymbol("B", N, H)
delta: Any = sp.MatrixSymbol("δ", N, 1)
x = sp.Symbol("x", positive=True)  # η_wζ₀/2K

NEXT = delta - eta_w / K * B * B.T * delta
SHARP = (1 - 2 * x) ** 2  # what Δ is multiplied by in one step, in the limit

BITS = 128  # at first; a power doubles the relative error of its base, so thirty squarings leave 98 bits
ACCURACY = 64  # bits of every gap
DOUBLINGS = 30  # t to 2³⁰, a little above 10⁹
RUN_DOUBLINGS = 6  # and to 2⁶ for the comparison with a run
GAP_FACTOR = 1e3
STILL = 2.0**-15  # of √ζ₀: by no more B_k is to have drifted where a run with Q moving has the exponent of one without


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with the step η_w halved in the recursion, or another multiple of the exponent 2t."""

    experiment: Experiment
    step: float = 1.0
    exponent: float = 1.0


def derive_recursion(subject: Experiment | Variant) -> Iterator[Identity]:
    """One step w⁺ = w − (η_w/K)B_kᵀδ_k with Q frozen gives δ_k⁺ = (I − (η_w/K)B_kB_kᵀ)δ_k."""
    step = sp.Rational(_variant(subject).step) * eta_w / K
    known = {B: R * C, delta: R * (C * w - a_hat)}
    moved = R * (C * (w - eta_w / K * known[B].T * known[delta]) - a_hat)
    yield prove("δ⁺ = (I − (η_w/K) B Bᵀ) δ", moved, NEXT.subs(eta_w, step * K).subs(known))


def argue_rate(subject: Experiment | Variant) -> Iterator[Argument]:
    """From the recursion to every step, and to the exponent in the limit."""
    yield Argument(
        name="Δ⁽ᵗ⁾ = (1/2K) Σ_k ‖(I − (η_w/K)B_kB_kᵀ)ᵗ Z̄â_k‖² ≤ (1 − η_wζ₀/K)²ᵗ Δ⁽⁰⁾",
        steps=(
            Step(expression="δ_k⁽⁰⁾ = −Z̄â_k, and δ_k⁽ᵗ⁾ follows from the recursion", rule="w⁽⁰⁾ = 0; induction over t"),
            Step(
                expression="0 ⪯ I − (η_w/K)B_kB_kᵀ ⪯ (1 − η_wζ₀/K) I",
                rule="ζ₀ ≤ λ ≤ K/η_w for the eigenvalues λ of B_kB_kᵀ",
            ),
        ),
    )
    yield Argument(
        name="log(Δ⁽ᵗ⁺¹⁾/Δ⁽ᵗ⁾) tends to 2 log(1 − η_wζ₀/K)",
        steps=(
            Step(
                expression="Δ⁽ᵗ⁾ = (1/2K) Σ_i c_i² (1 − η_wλ_i/K)²ᵗ, c_i the coordinates of δ⁽⁰⁾",
                rule="spectral theorem, for each B_kB_kᵀ",
            ),
            Step(
                expression="for t → ∞ the terms with λ_i = ζ₀ outweigh all others, and they shrink by (1 − η_wζ₀/K)²",
                rule="the slowest mode takes part: c_i ≠ 0 for one of them",
            ),
        ),
    )


def certify_closed_form(subject: Experiment | Variant) -> Iterator[Assumption | Bound]:
    """A run with Q frozen, by the gradients of the loss, has the gaps of the closed form."""
    variant = _variant(subject)
    plan = replace(plan_within_reach(variant.experiment, 2**RUN_DOUBLINGS, SHORT_BUDGET), frozen=True)
    yield from hypotheses(plan, advise=False)
    if violated(plan):
        return
    run = descend(plan)
    closed = _gaps(plan, variant.step, RUN_DOUBLINGS)
    if closed is None:
        yield _unknown(plan)
        return
    with flint.ctx.workprec(BITS):
        gaps = [run.moments[2**j].gap for j in range(RUN_DOUBLINGS + 1)]
        yield bound_of(
            "|closed form − run|",
            [abs(a - b) for a, b in zip(closed[1:], gaps, strict=True)],
            [gap * 2.0**-60 for gap in closed[1:]],
            "2⁻⁶⁰ of the closed form",
            x=2 ** np.arange(RUN_DOUBLINGS + 1),
            x_label="step t",
            elsewhere=plan.elsewhere,
        )


def certify_asymptotic_rate(subject: Experiment | Variant) -> Iterator[Assumption | Bound | Agreement]:
    """With Q frozen the exponent is at least the sharp one at every t = 1, 2, 4, …, 2³⁰, and tends to it."""
    variant = _variant(subject)
    plan = plan_here(variant.experiment, 0)
    yield from hypotheses(plan, advise=False)
    if violated(plan):
        return
    gaps, prescription = _gaps(plan, variant.step, DOUBLINGS), plan.prescription
    if gaps is None:
        yield _unknown(plan)
        return
    share = share_of(plan)
    yield share
    with flint.ctx.workprec(BITS):
        pull = prescription.step_weights * largest_of(plan.problem)
        yield bound_of(f"η_w λ_max(B_kB_kᵀ) ≤ K, {plan.name}", [pull], [flint.arb(prescription.K)], "η_Q ≤ 1/L")
        yield bound_of(f"0 ≤ what a step leaves of Δ, {plan.name}", [-_kept(prescription)], [flint.arb(0)], "as stated")
        yield from _exponents(variant, prescription, gaps, attained=share.verdict is Verdict.PASS)


def certify_run(subject: Experiment | Variant) -> Iterator[Assumption | Bound | Agreement]:
    """The exact run of Theorem 1, Q moving, has the sharp exponent on the literal instance."""
    variant = _variant(subject)
    plan = plan_within_reach(variant.experiment, STEPS, budget=0)
    if violated(plan):
        return
    run, prescription, share = descend(plan), plan.prescription, share_of(plan)
    yield share
    with flint.ctx.workprec(run.bits):
        x, sharp = prescription.rate, _sharp(variant, prescription)
        # Weyl: eigenvalues of B_kB_kᵀ move by at most (2‖B_k‖ + drift) drift, and the exponent with them.
        drift, top = STILL * prescription.zeta_0.sqrt(), largest_of(plan.problem).sqrt()
        farthest = largest(moment.drift for moment in run.moments)
        yield Assumption(
            name="motion of B_k",
            margin=drift - farthest,
            elsewhere=plan.elsewhere,
            meaning=f"{plan.name}: B_k drifts by {upper(farthest):.2g}, at most 2⁻¹⁵√ζ₀ is used",
        )
        if not farthest < drift:
            return
        moved = 2 * prescription.step_weights / prescription.K * (2 * top + drift) * drift / (1 - 2 * x)
        last, before = run.moments[-1], run.moments[-2]
        rates = [-(m.gap / run.moments[0].gap).log() / m.step / x for m in run.moments[1:]]
        yield bound_of(
            "sharp exponent ≤ exponent of the run",
            [(sharp - moved) / x] * len(rates),
            rates,
            "average exponent from 0 to t, in units of x",
            x=np.arange(1, len(rates) + 1),
            x_label="step t",
            elsewhere=plan.elsewhere,
        )
        if share.verdict is not Verdict.PASS:
            return
        guaranteed = -(1 - x).log()
        local = -(last.gap / before.gap).log() / guaranteed
        allowed = (-flint.arb(SHARE).log() / before.step + moved) / guaranteed
        yield Agreement(
            name="exponent of the run over the theorem's",
            predicted=sharp / guaranteed,
            observed=local,
            tolerance=allowed,
            reason=f"log(10⁶)/t at t = {before.step}, and Weyl's bound for the drift of B_k",
            elsewhere=plan.elsewhere,
        )


def _exponents(
    variant: Variant, prescription: Prescription, gaps: list[Ball], *, attained: bool
) -> Iterator[Bound | Agreement]:
    """The average exponents from 0 to t, the steps to a small gap, and the last exponent where the rate is attained."""
    name = HERE
    times, x = 2 ** np.arange(len(gaps) - 1), prescription.rate
    sharp, guaranteed = _sharp(variant, prescription), -(-prescription.rate).log1p()
    logarithms = [(gap / gaps[0]).log() for gap in gaps]
    average = [-value / int(t) / x for value, t in zip(logarithms[1:], times, strict=True)]
    yield bound_of(
        f"sharp exponent ≤ exponent, {name}",
        [sharp / x * (1 - flint.arb(2) ** -25)] * len(average),
        average,
        "average exponent from 0 to t, in units of x; ζ₀ is known to 2⁻²⁵",
        x=times,
        x_label="step t",
    )
    steps = _steps_to(-flint.arb(GAP_FACTOR).log(), logarithms, times)
    yield bound_of(
        f"steps to a gap {GAP_FACTOR:g} times smaller, {name}",
        [flint.arb(steps, 1)],
        [flint.arb(prescription.guaranteed_steps(GAP_FACTOR))],
        "closed form, Q at its start, against Theorem 1",
    )
    if attained:
        local, middle = (logarithms[-2] - logarithms[-1]) / int(times[-2]), float(times[-2])
        yield Agreement(
            name=f"exponent over the theorem's, {name}",
            predicted=sharp / guaranteed,
            observed=local / guaranteed,
            tolerance=-flint.arb(SHARE).log() / middle / guaranteed + 4 * flint.arb(2) ** -25,
            reason=f"log(10⁶)/t at t = {middle:.3g}",
        )


def _unknown(plan: DescentRun) -> Bound:
    """Bits ran out: nothing is decided."""
    return bound_of(
        f"closed form, {plan.name}",
        [flint.arb("nan")],
        [flint.arb(0)],
        f"a gap is not known to {ACCURACY} bits",
        elsewhere=plan.elsewhere,
    )


def _steps_to(target: Ball, logarithms: list[Ball], times: np.ndarray) -> float:
    """An upper bound on the first t with log(Δ⁽ᵗ⁾/Δ⁽⁰⁾) ≤ target: on the chord, because log Δ is convex in t."""
    known = [0.0, *(float(t) for t in times)]
    for j in range(1, len(known)):
        if logarithms[j] <= target:
            high, low = logarithms[j - 1], logarithms[j]
            return upper(known[j - 1] + (known[j] - known[j - 1]) * (high - target) / (high - low)) + 1
    return float("inf")


def _sharp(variant: Variant, prescription: Prescription) -> Ball:
    """−2 log(1 − η_wζ₀/K), the sharp exponent."""
    return -variant.exponent * _kept(prescription).log()


def _kept(prescription: Prescription) -> Ball:
    """What one step leaves of Δ in the limit, as stated."""
    factor = sp.lambdify(x, SHARP, [{"sqrt": lambda ball: ball.sqrt()}])
    return flint.arb(factor(flint.arb(prescription.rate)))


@lru_cache(maxsize=8)
def _gaps(plan: DescentRun, factor: float, doublings: int) -> list[Ball] | None:
    """Δ⁽ᵗ⁾ of the closed form with the step `factor` η_w, at t = 0 and t = 2ʲ for j = 0, …, `doublings`.

    None if some gap could not be found to `ACCURACY` bits.
    """
    attempt = until_decided(
        lambda: _closed_form(plan, factor, doublings),
        lambda gaps: all(gap.rel_accuracy_bits() >= ACCURACY for gap in gaps),
        bits=BITS,
    )
    return attempt.value if attempt.decided and attempt.value is not None else None


def _closed_form(plan: DescentRun, factor: float, doublings: int) -> list[Ball]:
    enclosed, step = enclose(plan.problem), factor * plan.prescription.step_weights
    size = range(plan.problem.sizes[0])
    identity = flint.arb_mat([[int(i == j) for j in size] for i in size])
    start = enclosed.z_bar * enclosed.a_hat
    totals = [sum_of_squares(start.entries())] + [flint.arb(0)] * (doublings + 1)
    for k, mixing in enumerate(by_token(enclosed.attention([balls(query) for query in plan.problem.queries]))):
        B = enclosed.z_bar * mixing
        power = identity - B * B.transpose() * (step / enclosed.K)
        delta = flint.arb_mat([[row[k]] for row in start.tolist()])
        for j in range(doublings + 1):
            totals[j + 1] += sum_of_squares((power * delta).entries())
            power = power * power if j < doublings else power
    return [total / (2 * enclosed.K) for total in totals]


def _variant(subject: Experiment | Variant) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def penalty_changed(experiment: Experiment) -> Variant:
    """The theory's penalty is 2mτ instead of mτ."""
    return Variant(experiment=penalty_twice.plant(experiment))


def half_the_step(experiment: Experiment) -> Variant:
    """The recursion has η_w/(2K) instead of η_w/K."""
    return Variant(experiment=experiment, step=0.5)


def exponent_twice(experiment: Experiment) -> Variant:
    """The sharp rate is claimed to be (1 − η_wζ₀/K)⁴ᵗ."""
    return Variant(experiment=experiment, exponent=2.0)


def exponent_of_the_theorem(experiment: Experiment) -> Variant:
    """The sharp rate is claimed to be (1 − η_wζ₀/K)^(t/2), about the theorem's."""
    return Variant(experiment=experiment, exponent=0.25)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "start_weights"),
    preset="literal",
    assumptions=("assumption2",),
    builds_on=("attainment",),
    checks=(derive_recursion, argue_rate, certify_closed_form, certify_asymptotic_rate, certify_run),
    controls=(penalty_changed, half_the_step, exponent_twice, exponent_of_the_theorem),
    catches={
        derive_recursion: (half_the_step,),
        certify_closed_form: (penalty_changed, half_the_step),
        certify_asymptotic_rate: (half_the_step, exponent_twice, exponent_of_the_theorem),
        certify_run: (penalty_changed, exponent_twice, exponent_of_the_theorem),
    },
    stated=("NEXT", "SHARP"),
)
