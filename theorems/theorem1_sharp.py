"""Theorem 1, sharper [B]: the same convergence for smaller γ and larger steps.

Theorem 1 holds with γ² ≥ 32(2 + √2) K^{3/2} √H f̄_max³ Δ^(0) ζ_0^{−5/2}, and with ‖Z̄‖ replaced by f̄_max and 2 by 1 in
α, D and L (Lemmas 9, 10 and Drift; 8αDK in Lqq becomes 3αDK). Two improvements add up: the sharp constant 1 of
Lemma 2, and ‖Z̄ s‖ ≤ f̄_max ‖s‖₁ instead of ‖Z̄‖₂ ‖s‖₁, since f̄_max, the largest column norm, is at most ‖Z̄‖₂.

The first divides γ by 2 and L by nearly 4, but hardly changes the guaranteed number of steps, because
L/γ² ≥ ‖Z̄‖²H/K whatever the constant is; the second divides that number by nearly ‖Z̄‖²/f̄_max².

Wrong if the induction does not go through with these constants, if a run falls more slowly, or if nothing is gained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from theorems import lemma2_sharp, theorem1
from theorems.descent.induction import LemmaConstants
from theorems.descent.step_sizes import FLOAT_STEPS, float_run, float_start
from theorems.drift import gamma_squared, weights_chain
from theorems.lemma9 import residual_chain
from theorems.lemma10 import lipschitz_matrix
from theorems.network.letters import HERE, PAPER, Setting
from theorems.network.points import compared
from theorems.network.softmax import GENERIC
from theorems.setting.assumptions import measure_training_assumptions
from theorems.setting.constants import A_norm, D, Delta_0, L, Z_norm, alpha, eta, eta_w, f_max, gamma, sigma, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from theorems.setting.stated import evaluated
from theorems.theorem1 import (
    Variant,
    four_times_the_rate,
    large_steps,
    other_power_of_zeta,
    overstated_zeta,
    variant_of,
)
from verify.claim import Argument, Bound, Claim, Identity
from verify.prove.inequalities.scalar_identity import prove_scalars

STATEMENT = r"""
"Assumptions" 1 "and" 2, quad norm(v_k) = 1, quad w^((0)) = 0, \
gamma^2 >= 32 (2 + sqrt(2)) K^(3\/2) sqrt(H) overline(f)_max^3 Delta^((0)) zeta_0^(-5\/2), quad
eta_Q <= 1 / L, quad eta_w = gamma^2 eta_Q
==> quad Delta^((t)) <= (1 - (eta_w zeta_0)/(2 K))^t Delta^((0)) " for all " t, \
alpha = (4 sqrt(2 K) overline(f)_max sqrt(Delta^((0)))) / (gamma zeta_0), quad
D = gamma H alpha overline(f)_max + norm(A)_2, \
L = norm(mat(
(gamma overline(f)_max)/K (alpha^2 gamma overline(f)_max H K + 3 alpha D K),
(gamma overline(f)_max)/sqrt(K) (D + alpha gamma overline(f)_max H);
(gamma overline(f)_max)/sqrt(K) (D + alpha gamma overline(f)_max H), gamma^2 overline(f)_max^2 H / K))_2
"""

STATED_GAMMA = (2 + sp.sqrt(2)) * sp.sqrt(K**3 * H) * f_max**3 * Delta_0 / sp.sqrt(zeta_0) ** 5 * 32
_mixed = gamma * f_max / sp.sqrt(K) * (D + alpha * gamma * f_max * H)
STATED_MATRIX = sp.ImmutableMatrix(
    [[gamma * f_max * alpha * (alpha * gamma * f_max * H + 3 * D), _mixed], [_mixed, gamma**2 * f_max**2 * H / K]]
)
STATED_ALPHA = 4 * sp.sqrt(2 * K) * f_max * sp.sqrt(Delta_0) / (gamma * zeta_0)
STATED_D = gamma * H * alpha * f_max + A_norm
BY_COLUMNS = Setting(by_columns=True)


@cache
def recipe(setting: Setting = BY_COLUMNS) -> LemmaConstants:
    """The constants as derived from the sharp Lemma 2, with or without column norms."""
    softmax = lemma2_sharp.LIPSCHITZ
    return LemmaConstants(
        softmax=softmax,
        setting=setting,
        gamma_squared=gamma_squared(softmax, setting),
        matrix=lipschitz_matrix(softmax, setting),
        alpha=weights_chain(setting).end,
        D=residual_chain(HERE, setting).end,
    )


def _sharp(subject: Experiment | Variant) -> Variant:
    """The same defects, planted in the sharper statement."""
    stated = replace(recipe(), gamma_squared=STATED_GAMMA, matrix=STATED_MATRIX, alpha=STATED_ALPHA, D=STATED_D)
    return replace(variant_of(subject), recipe=stated)


def derive_induction(subject: Experiment | Variant) -> Iterator[Identity]:
    """The induction of Theorem 1 goes through with the smaller γ and the smaller L."""
    yield from theorem1.derive_induction(_sharp(subject))
    yield from theorem1.derive_premises(_sharp(subject))


def argue_every_step(subject: Experiment | Variant) -> Iterator[Argument]:
    """From the step to all steps: the induction over t, as in Theorem 1."""
    yield from theorem1.argue_every_step(_sharp(subject))


def derive_constants(subject: Experiment | Variant) -> Iterator[Identity]:
    """The same lemmas, with 1 for 2 and f̄_max for ‖Z̄‖, give the stated requirement on γ² and the stated L."""
    yield from theorem1.derive_constants(_sharp(subject))
    yield prove_scalars("α", recipe().alpha, STATED_ALPHA, "Drift's chain with 1 and f̄_max")
    yield prove_scalars("D", recipe().D, STATED_D, "Lemma 9's chain with f̄_max")
    for place, (derived, stated) in enumerate(zip(recipe().matrix, STATED_MATRIX, strict=True)):
        yield prove_scalars(f"L, entry {place + 1}", derived, stated, "Lemma 10's chains with 1 and f̄_max")


@dataclass(frozen=True, kw_only=True)
class Exchanged(Variant):
    """The constants of Theorem 1 are taken for the sharper ones, and the other way round."""


def derive_gain(subject: Experiment | Variant) -> Iterator[Identity]:
    """For a softmax constant c, Theorem 1's γ² is (c/2)² times the stated one: a quarter of it for c = 1."""
    full, power = theorem1.STATED_GAMMA, -1 if isinstance(subject, Exchanged) else 1
    yield prove_scalars(
        "γ²(c) = (c/2)² γ²(2)", gamma_squared(GENERIC), full * GENERIC.value**2 / 4, "Drift for every c"
    )
    ratio = (recipe(PAPER).gamma_squared / full) ** power
    yield prove_scalars("sharp Lemma 2 alone", ratio, sp.Rational(1, 4), "γ² with c = 1, over γ² with c = 2")
    both = f_max**2 / (4 * Z_norm**2)
    yield prove_scalars(
        "with column norms too", (recipe().gamma_squared / full) ** power, both, "γ² here, over γ² of Theorem 1"
    )


def measure_run(subject: Experiment | Variant) -> Iterator[Bound]:
    """A run in float64 with exactly these step sizes stays below the bound."""
    variant = _sharp(subject)
    run = float_run(variant.experiment, variant.planted.step_sizes)
    if run is None:
        return
    steps = np.arange(FLOAT_STEPS + 1)
    known = run.numbers | {eta_w: run.numbers[gamma] ** 2 * run.numbers[eta]}
    claimed = max(0.0, float(evaluated(variant.claimed_rate, known)))
    reason = f"{FLOAT_STEPS} steps, γ = {run.numbers[gamma]:.3g}, η_Q = {run.numbers[eta]:.3g}"
    bounds = claimed**steps * run.numbers[Delta_0]
    yield compared(
        "Δ^(t) ≤ (1 − η_w ζ_0/(2K))^t Δ^(0)",
        [p.gap for p in run.points[1:]],
        bounds[1:],
        (run.gap_errors(bounds) + run.points[0].gap_error)[1:],
        reason,
        steps=steps[1:],
    )


def measure_gain(subject: Experiment | Variant) -> Iterator[Bound]:
    """What is gained here, by the sharp Lemma 2 alone and with column norms too: the slack is the gain."""
    experiment, full = variant_of(subject).experiment, theorem1.CONSTANTS
    original = float_start(experiment, full.step_sizes)
    if original is None:
        return
    for name, sharp in (("sharp Lemma 2", recipe(PAPER)), ("and column norms", recipe())):
        own, same = (
            float_start(experiment, plan) for plan in (sharp.step_sizes, _with_gamma_of(full, sharp).step_sizes)
        )
        assert own is not None
        assert same is not None  # the start and its ζ_0 are those of the original
        steps = [_steps(run.numbers) for run in (same, original, own)]
        for what, gained, full_value, note in (
            ("γ", own.numbers[gamma], original.numbers[gamma], ""),
            ("L at that γ", own.numbers[L], original.numbers[L], ""),
            ("guaranteed steps at the γ of Theorem 1", steps[0], steps[1], f"; at its own γ {steps[2]:.6g}"),
        ):
            pair = (full_value, gained) if isinstance(subject, Exchanged) else (gained, full_value)
            yield _gain(f"{what}, {name}", *pair, note)


def _with_gamma_of(full: LemmaConstants, sharp: LemmaConstants) -> LemmaConstants:
    return replace(sharp, gamma_squared=full.gamma_squared)


def _gain(name: str, observed: float, bound: float, note: str = "") -> Bound:
    # The constants are products and roots of float64 numbers with relative errors far below 1e-9.
    reason = f"{observed:.6g} against {bound:.6g}{note}"
    return Bound(name=name, observed=observed, bound=bound, rounding=1e-9 * bound, reason=reason)


def _steps(numbers: dict[Any, float]) -> float:
    """1/log(1/r): in so many steps the bound falls by a factor e."""
    return float(-1 / np.log1p(-numbers[eta] * numbers[sigma]))


def constants_exchanged(experiment: Experiment) -> Variant:
    """The constants of Theorem 1 are claimed to be smaller than the sharper ones."""
    return Exchanged(experiment=experiment)


def thousands_of_the_rate(experiment: Experiment) -> Variant:
    """The rate is 1 − 5000 η_w ζ_0/(2K) instead of 1 − η_w ζ_0/(2K)."""
    return Variant(experiment=experiment, rate=5000)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "start_weights"),
    assumptions=("assumption1", "assumption2", "unit norm"),
    builds_on=("lemma2_sharp", "lemma9", "lemma10", "pl", "drift", "theorem1"),
    cites=("elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",),
    stated=("STATED_GAMMA", "STATED_MATRIX", "STATED_ALPHA", "STATED_D"),
    drops=(large_steps, overstated_zeta),
    checks=(
        measure_training_assumptions,
        derive_induction,
        argue_every_step,
        derive_constants,
        derive_gain,
        measure_run,
        measure_gain,
    ),
    controls=(
        four_times_the_rate,
        other_power_of_zeta,
        large_steps,
        overstated_zeta,
        constants_exchanged,
        thousands_of_the_rate,
    ),
    catches={
        derive_induction: (large_steps, overstated_zeta),
        derive_constants: (four_times_the_rate, other_power_of_zeta, thousands_of_the_rate),
        derive_gain: (constants_exchanged,),
        measure_run: (thousands_of_the_rate,),
        measure_gain: (constants_exchanged,),
    },
)
