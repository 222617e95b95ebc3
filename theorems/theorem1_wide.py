"""Theorem 1, wider [B]: a γ smaller by √(KH) and more under the root suffices, since the gap pays for the whole path.

Theorem 1's conclusion holds with γ² ≥ 16√2(2 + √2) K f̄_max² Δ^(0) ζ_0^{−2} and the sharper Theorem 1's L, in which α
is now 4√(KΔ^(0))/(γ√ζ_0), a bound on ‖α^(t)‖_F over all heads and tokens. The γ² of Theorem 1 is at least
4√2 √K (‖Z̄‖/f̄_max)² times as large, on every instance. A smaller γ is no faster by itself: L/γ² grows where α does.

With x = √(Δ^(t)/Δ^(0)) the induction carries ‖α^(t)‖_F ≤ α(1 − x), Δ^(t) ≤ r^t Δ^(0) and ‖Q^(t) − Q^(0)‖_F ≤
16√2 f̄_max K Δ^(0)/(γ²ζ_0^{3/2}) · (1 − x), so that B_k^(t) keeps half of ζ_0. The next point and the segment to it lie
in the ball ‖α‖_F ≤ α whatever the gap is there, as η_Q ‖∇_α ℓ‖ ≤ η_Q γ f̄_max √(2HΔ^(t)/K) ≤ αx: no argument by
continuity is needed for L. Then η_Q ‖∇ℓ‖ ≤ (α/√Δ^(0)) (√Δ^(t) − √Δ^(t+1)), by the descent lemma and the PL inequality.

Wrong if the induction does not go through with these constants, if a run with these step sizes, certified in balls
step by step, falls more slowly or leaves one of the bounds, or if γ is not smaller than that of Theorem 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np
import sympy as sp

from theorems import pl, theorem1
from theorems.descent import astray
from theorems.descent.certified_descent import certify_descent, certify_induction, measure_descent
from theorems.descent.certified_path import path_paid
from theorems.descent.induction import GAP
from theorems.descent.path import PathConstants
from theorems.descent.prescription import Required
from theorems.descent.runs import runs_of
from theorems.descent.step_sizes import float_start
from theorems.descent.trajectory import DescentRun
from theorems.network.assumptions import measure_training_assumptions
from theorems.network.letters import AT_T, t
from theorems.path import PaidPath, drift_chain, half_kept, lipschitz_on_step, path_constants
from theorems.setting.constants import Delta_0, Z_norm, eta, eta_w, f_max, gamma, rate, sigma
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.stated_constants import SHARP_D, SHARP_MATRIX, SIGMA, STATED_ROOM
from theorems.setting.stated_constants import WIDE_ALPHA as STATED_ALPHA
from theorems.setting.stated_constants import WIDE_GAMMA as STATED_GAMMA
from theorems.setting.stated_constants import WIDE_QUERIES as STATED_QUERIES
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step, planted
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import hypothesis, quote
from verify.prove.inequalities.scalar_identity import prove_scalars

STATEMENT = r"""
"Assumptions" 1 "and" 2, quad norm(v_k) = 1, quad w^((0)) = 0, \
gamma^2 >= 16 sqrt(2) (2 + sqrt(2)) K overline(f)_max^2 Delta^((0)) zeta_0^(-2), quad
eta_Q <= 1 / L, quad eta_w = gamma^2 eta_Q, \
L "of the sharper Theorem 1 with" alpha = (4 sqrt(K Delta^((0)))) / (gamma sqrt(zeta_0)) quad
==> quad Delta^((t)) <= (1 - (eta_w zeta_0)/(2 K))^t Delta^((0)) " for all " t, quad inf L = L^*, \
norm(alpha^((t)))_F <= alpha, quad
norm(Q^((t)) - Q^((0)))_F <= (16 sqrt(2) overline(f)_max K Delta^((0))) / (gamma^2 zeta_0^(3\/2))
"""

STATED_GAIN = 4 * sp.sqrt(2) * sp.sqrt(K) * Z_norm**2 / f_max**2  # of γ², at least

INSTANCES = "literal", "quick", "paper"


def stated_constants() -> PathConstants:
    """The constants as stated above, with those of the sharper Theorem 1."""
    return path_constants(STATED_GAMMA, STATED_ALPHA, STATED_QUERIES)


def required() -> Required:
    """What a run in balls is made with, and the bound that it is held to on ‖B_k − B_k^(0)‖_F."""
    return Required(
        gamma_squared=STATED_GAMMA,
        alpha=STATED_ALPHA,
        D=SHARP_D,
        matrix=SHARP_MATRIX,
        drift=f_max * STATED_QUERIES,
        source="length of the path",
    )


@dataclass(frozen=True)
class WiderConvergence(PaidPath):
    """The induction with these constants, and what is run.

    A `gain` of −1 exchanges the requirement on γ² for that of Theorem 1.
    """

    _: KW_ONLY
    stated: Callable[[], PathConstants] = stated_constants
    run: Callable[[Experiment], DescentRun] | None = None
    gain: int = 1

    @property
    def runs(self) -> tuple[DescentRun, ...]:
        """What is run with the wider prescription, held to the rate as it is stated in Theorem 1."""
        made = (self.run(self.experiment),) if self.run else runs_of(self.experiment, required())
        return tuple(replace(run, required=required(), decrease=1 - theorem1.STATED_RATE) for run in made)


def gap_chain(constants: PathConstants) -> Chain:
    """Δ^(t+1) ≤ r^{t+1} Δ^(0)."""
    step = quote(pl.STEP, AT_T, half_kept(constants), constants.step_size_fact, lipschitz_on_step(constants))
    held = hypothesis(AT_T.gap, GAP, "induction hypothesis: the gap at t")
    return at_most(pl.next_gap).by(step).to(rate * AT_T.gap, pl.rate_is(constants)).by(held)


def derive_induction(subject: WiderConvergence) -> Iterator[Identity]:
    """The bounds at t on α, on Q and on the gap give that on the gap at t + 1; of α and Q it is the claim `path`."""
    fallen, goal = gap_chain(subject.constants), subject.claimed(rate) ** (t + 1) * Delta_0
    name = "Δ^(t+1) ≤ (1 − η_w ζ_0/(2K))^{t+1} Δ^(0)"
    yield conclude(name, fallen.start, goal, fallen, instances=subject.small_runs)


def argue_every_step(subject: WiderConvergence) -> Iterator[Argument]:
    """From the step to all steps: the induction over t."""
    steps = {
        "t = 0: α^(0) = 0, Q^(0) is where it starts, Δ^(0) ≤ Δ^(0), and 1 − √Δ^(0)/√Δ^(0) = 0": "w^(0) = 0",
        "from the three bounds at t follow those at t + 1": "the claim path, and derive_induction",
    }
    made = tuple(Step(expression=expression, rule=rule) for expression, rule in steps.items())
    yield Argument(name="the three bounds for every t", steps=made)


def derive_infimum(subject: WiderConvergence) -> Iterator[Identity]:
    """L* ≤ inf L ≤ L(θ^(t)) for every t, and L(θ^(t)) − L* ≤ r^t Δ^(0) tends to 0, as in Theorem 1."""
    yield from theorem1.derive_infimum(subject)


def derive_constants(subject: WiderConvergence) -> Iterator[Identity]:
    """The chains give exactly the stated requirement on γ² and the rate."""
    given = subject.constants
    enough = drift_chain(given).end * gamma**2 / STATED_ROOM
    yield prove_scalars("γ²", sp.radsimp(enough), given.gamma_squared, "drift ≤ (1 − 1/√2)√ζ_0, solved for γ²")
    claimed = subject.claimed(theorem1.STATED_RATE).subs(eta_w, gamma**2 * eta)
    yield prove_scalars("the rate", 1 - eta * SIGMA, claimed, "1 − η_Q σ with η_w = γ²η_Q")


def derive_gain(subject: WiderConvergence) -> Iterator[Identity]:
    """The γ² of Theorem 1 is at least 4√2 √K (‖Z̄‖/f̄_max)² times the stated one, because ζ_0 ≤ H f̄_max²."""
    sides = STATED_GAIN * STATED_GAMMA, theorem1.STATED_GAMMA
    less, more = sides[:: subject.gain]
    chain = at_most(less).to(more, quote(pl.ZETA_BELOW, subject.constants))
    yield conclude("4√2 √K (‖Z̄‖/f̄_max)² γ² ≤ the γ² of Theorem 1", less, more, chain, instances=subject.small_runs)


def certify_path(subject: WiderConvergence) -> Iterator[Assumption | Bound]:
    """At every step of a run ‖α^(t)‖_F and ‖Q^(t) − Q^(0)‖_F are paid for by the gap, in ball arithmetic."""
    for run in subject.runs:
        yield from path_paid(run, subject.constants)


def measure_gain(subject: WiderConvergence) -> Iterator[Bound]:
    """How much smaller γ is than that of Theorem 1, here and on three instances: the slack is the gain."""
    yield from _gain(subject, subject.experiment, "")
    for preset in INSTANCES:
        yield from _gain(subject, prepare(resolve(preset, {})), preset)


def _gain(subject: WiderConvergence, experiment: Experiment, elsewhere: str) -> Iterator[Bound]:
    """The wider theorem's γ is at most that of Theorem 1; there is none where ζ_0 = 0."""
    made = (float_start(experiment, each().step_sizes) for each in (stated_constants, theorem1.stated_constants))
    numbers = [run.numbers for run in made if run is not None]  # both, or with ζ_0 = 0 none
    if not numbers:
        return
    wide, full = (each[gamma] for each in numbers)
    steps, steps_full = (float(-np.log(1000) / np.log1p(-each[eta] * each[sigma])) for each in numbers)
    observed, bound = (wide, full)[:: subject.gain]
    told = f"{full / wide:.4g} times smaller; to cut the gap by 1000 takes {steps:.4g} steps, guaranteed"
    yield Bound(
        name=f"γ, {elsewhere or 'this'} instance",
        observed=observed,
        bound=bound,
        rounding=1e-9 * bound,  # products and roots of float64 numbers with relative errors far below 1e-9
        reason=f"{told}, with the γ of Theorem 1 {steps_full:.4g}",
        elsewhere=elsewhere,
        quantities={"times_smaller": full / wide, "steps": steps, "steps_of_theorem1": steps_full},
    )


RUN_ASTRAY = ("large_steps", "fewer_heads_than_labels", "weights_start_elsewhere")

CLAIM = Claim(
    statement=STATEMENT,
    about=WiderConvergence,
    heeds=("instance", "start", "start_weights", "descent"),
    assumptions=("assumption1", "assumption2", "unit norm"),
    builds_on=(
        "path",
        "lemma1",
        "lemma2_sharp",
        "lemma5",
        "lemma7",
        "lemma8",
        "lemma9",
        "lemma10",
        "pl",
        "drift",
        "theorem1",
    ),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "Cauchy–Schwarz and Minkowski for sums (Hardy, Littlewood, Pólya, Inequalities, Chapter 2)",
    ),
    stated=("STATED_GAMMA", "STATED_ALPHA", "STATED_QUERIES", "STATED_GAIN"),
    drops=("large_steps", "overstated_zeta"),
    checks=(
        measure_training_assumptions,
        derive_induction,
        argue_every_step,
        derive_infimum,
        derive_constants,
        derive_gain,
        certify_descent,
        certify_induction,
        certify_path,
        measure_descent,
        measure_gain,
    ),
    controls=dict(
        eight_times_the_rate=planted(
            "The rate is 1 − 8 η_w ζ_0/(2K) instead of 1 − η_w ζ_0/(2K).", rate=8, run=astray.eight_times_the_rate
        ),
        rate_one=planted("The rate is 1: the gap need not fall.", rate=0),
        other_power_of_zeta=planted("γ² is required to be large with ζ_0^{−1} instead of ζ_0^{−2}.", zeta_power=1),
        hundredth_of_the_path=planted("The bounds on α and on Q are divided by 100.", share=sp.Rational(1, 100)),
        large_steps=planted(
            "η_Q = 100/L: the assumption η_Q ≤ 1/L is dropped.", boost=100, run=astray.hundred_times_the_step
        ),
        overstated_zeta=planted(
            "ζ_0 is four times the least eigenvalue: the assumption on B_k^(0) is dropped.", zeta=4
        ),
        requirements_exchanged=planted("The γ of Theorem 1 is claimed to be smaller than this one.", gain=-1),
        penalty_changed=planted("Z̄ and Â belong to the penalty 2mτ; training does not.", run=astray.penalty_changed),
        gamma_too_small=planted("γ is a thousand times too small.", run=astray.gamma_too_small),
        fewer_heads_than_labels=planted(
            "One head is left, with the step sizes of all sixteen.", run=astray.fewer_heads_than_labels
        ),
        weights_start_elsewhere=planted(
            "The weights start far from 0, where B_k does not see them, w_k ∈ ker B_k.",
            run=astray.weights_start_elsewhere,
        ),
    ),
    catches={
        derive_induction: ("eight_times_the_rate", "large_steps", "overstated_zeta"),
        derive_infimum: ("rate_one",),
        derive_constants: ("eight_times_the_rate", "rate_one", "other_power_of_zeta"),
        derive_gain: ("requirements_exchanged",),
        certify_descent: ("eight_times_the_rate", *RUN_ASTRAY),
        certify_induction: ("gamma_too_small", "penalty_changed", *RUN_ASTRAY),
        certify_path: ("hundredth_of_the_path",),
        measure_descent: ("eight_times_the_rate", "penalty_changed", *RUN_ASTRAY),
        measure_gain: ("requirements_exchanged",),
    },
)
