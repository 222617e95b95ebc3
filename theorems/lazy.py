"""Lazy regime [B]: as γ grows Q stays where it started, and the weights find the minimum-norm solution.

With Q frozen, gradient descent from w⁽⁰⁾ = 0 obeys w_k⁺ − w_k* = (I − (η_w/K)B_kᵀB_k)(w_k − w_k*), with the solution
w_k* = B_k†Z̄â_k of B_kw = Z̄â_k that has the smallest norm, and stays orthogonal to ker B_k: it converges to w_k*.

With Q moving, η_Q = η_w/γ² is the only place where γ enters, and η_w tends to K/(H‖Z̄‖²) with an error of order
γ⁻². So one expects Q − Q⁽⁰⁾ and the limit of w − w* to be γ⁻² times a constant, up to terms of order γ⁻⁴. That is not
proved here for γ → ∞ but observed: from γ of Theorem 1 to 4 and 16 times that, on a literal instance, the order in γ
is asked to be −2 within 1/2 and 1/32.

Wrong if an identity leaves a remainder or an observed order misses −2 by more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.descent.astray import weights_start_elsewhere
from theorems.descent.plans import SHORT_BUDGET, hypotheses, literal_plan, plan_here, plan_within_reach, violated
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.network.enclosed import Ball, by_token, enclose
from theorems.setting.constants import eta_w
from theorems.setting.defects import penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K, N
from verify.certify import balls, evaluate
from verify.certify.compare import bound_of
from verify.certify.norms import frobenius_norm, sum_of_squares
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step
from verify.prove import Equation, prove

STATEMENT = r"""
Q "fixed," quad w^((0)) = 0, quad "rank" B_k = N, quad eta_w norm(B_k)^2 <= K quad ==> quad
norm(w_k^((t)) - w_k^*) <= (1 - (eta_w zeta_0)/K)^t norm(w_k^*), quad
w_k^* = B_k^dagger overline(Z) hat(a)_k, \
"observed with" Q "moving, at" gamma, 4 gamma, 16 gamma": orders" -2 plus.minus 1/2 "and" -2 plus.minus 1/32
"in" gamma "of" norm(Q^((t)) - Q^((0))) "and" norm(w^((t)) - w^*)
"""

B: Any = sp.MatrixSymbol("B", N, H)
w: Any = sp.MatrixSymbol("w", H, 1)
n: Any = sp.MatrixSymbol("n", H, 1)
u: Any = sp.MatrixSymbol("u", N, 1)
a: Any = sp.MatrixSymbol("a", N, 1)  # Z̄â_k
solution: Any = sp.MatrixSymbol("w*", H, 1)

SOLUTION = B.T * (B * B.T).I * a
NEXT_ERROR = (w - solution) - eta_w / K * B.T * B * (w - solution)
ORDER = 2.0  # in 1/γ

GROWTH = 4.0  # from one γ to the next
RUNS = 3
STEPS = 240  # what w still lacks then is below (1 − η_wζ₀/K)²⁴⁰, about 10⁻¹³
DEVIATION = 0.5  # from order 2 between the first two γ; the next term falls like γ⁻², so by 16 from pair to pair


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The plan with Q frozen and the one with Q moving, the order claimed, how γ grows, the power of BBᵀ in w*."""

    plan: DescentRun
    moving: DescentRun
    order: float | None = None
    growth: float = GROWTH
    power: int = -1

    @property
    def solution(self) -> Any:
        """What is claimed to be w*."""
        return SOLUTION if self.power == -1 else B.T * sp.MatPow(B * B.T, self.power) * a


def derive_solution(subject: Experiment | Variant) -> Iterator[Identity]:
    """w* = Bᵀ(BBᵀ)⁻¹Z̄â solves Bw = Z̄â, has the smallest norm, and attracts gradient descent with Q frozen."""
    least = _variant(subject).solution
    yield prove("B w* = Z̄â", B * least, a)
    kernel = (Equation(B * n, sp.ZeroMatrix(N, 1), "n ∈ ker B"),)
    name = "w*ᵀn = 0, so ‖w* + n‖² = ‖w*‖² + ‖n‖²"
    yield prove(name, n.T * least, sp.ZeroMatrix(1, 1), premises=kernel, sample=_kernel)
    yield prove("Bᵀu is orthogonal to ker B", n.T * (B.T * u), sp.ZeroMatrix(1, 1), premises=kernel, sample=_kernel)
    moved = w - eta_w / K * B.T * (B * w - a)
    yield prove("w⁺ − w* = (I − (η_w/K)BᵀB)(w − w*)", moved - least, NEXT_ERROR.subs(solution, least))


def argue_convergence(subject: Experiment | Variant) -> Iterator[Argument]:
    """With Q frozen every step contracts the distance to w*."""
    yield Argument(
        name="‖w⁽ᵗ⁾ − w*‖ ≤ (1 − η_wζ₀/K)ᵗ ‖w*‖",
        steps=(
            Step(expression="w⁽ᵗ⁾ − w* is some B_kᵀu for every t", rule="so is w*, so is each step, and w⁽⁰⁾ = 0"),
            Step(
                expression="on the range of B_kᵀ the eigenvalues of B_kᵀB_k are those of B_kB_kᵀ: from ζ₀ to K/η_w",
                rule="the nonzero eigenvalues of XY and YX are the same; rank B_k = N",
            ),
        ),
    )


def _kernel(sizes: Mapping[Any, int], rng: Random) -> Mapping[Any, Any] | None:
    """B = (I, R) and n = (−Rv, v); None where B has no kernel."""
    rows, free = sizes[N], sizes[H] - sizes[N]
    if free < 1:
        return None
    R = [[rng.randint(-2, 2) for _ in range(free)] for _ in range(rows)]
    v = [rng.randint(-2, 2) for _ in range(free)]
    return {
        B: [[*(int(i == j) for j in range(rows)), *R[i]] for i in range(rows)],
        n: [*([-sum(x * y for x, y in zip(row, v, strict=True))] for row in R), *([x] for x in v)],
    }


def certify_frozen_limit(subject: Experiment | Variant) -> Iterator[Assumption | Bound]:
    """With Q frozen the exact run comes within (1 − η_wζ₀/K)ᵗ ‖w*‖ of the minimum-norm solution."""
    variant = _variant(subject)
    plan = variant.plan
    yield from hypotheses(plan, advise=False)
    if violated(plan) and not plan.forced:
        return
    run, prescription = descend(plan), plan.prescription
    with flint.ctx.workprec(run.bits):
        solution = _solution(variant.solution, plan)
        size = sum_of_squares(entry for row in solution for entry in row).sqrt()
        factor = 1 - 2 * prescription.rate * (1 - flint.arb(2) ** -25)  # ζ₀ is known to 2⁻²⁵
        yield bound_of(
            f"‖w − w*‖ after {plan.steps} steps, Q frozen",
            [_distance(run, solution)],
            [factor**plan.steps * size],
            "contraction on the row space of B_k",
            elsewhere=plan.elsewhere,
        )


def certify_order(subject: Experiment | Variant) -> Iterator[Bound]:
    """‖Q − Q⁽⁰⁾‖ and ‖w − w*‖ at the end of the exact runs fall like γ⁻²."""
    variant = _variant(subject)
    expected = ORDER if variant.order is None else variant.order
    plans = [replace(variant.moving, gamma_factor=variant.growth**j) for j in range(RUNS)]
    if violated(plans[0]) and not plans[0].forced:
        return
    found = [_distances(variant.solution, plan) for plan in plans]
    gammas = np.array([plan.prescription.gamma for plan in plans])
    with flint.ctx.workprec(128):
        unit = flint.arb(GROWTH).log()
        for name, values in zip(("‖Q − Q⁽⁰⁾‖", "‖w − w*‖"), zip(*found, strict=True), strict=True):
            orders = [(one / two).log() / unit for one, two in pairwise(values)]
            told = ", ".join(value.str(3, radius=False) for value in values)
            yield bound_of(
                f"order of {name} in 1/γ",
                [abs(order - expected) for order in orders],
                [flint.arb(DEVIATION * GROWTH ** (-2 * j)) for j in range(len(orders))],
                f"distance from {expected:g}, allowed {DEVIATION:g} · 16⁻ʲ; {name} = {told}",
                x=gammas[:-1],
                x_label="γ",
                elsewhere=variant.moving.elsewhere,
            )


def _distances(stated: Any, plan: DescentRun) -> tuple[Ball, Ball]:
    """‖Q − Q⁽⁰⁾‖_F and ‖w − w*‖_F at the end of the run."""
    run = descend(plan)
    with flint.ctx.workprec(run.bits):
        moved = [frobenius_norm(Q - balls(start)) for Q, start in zip(run.queries, plan.problem.queries, strict=True)]
        return sum_of_squares(moved).sqrt(), _distance(run, _solution(stated, plan))


def _solution(stated: Any, plan: DescentRun) -> list[list[Ball]]:
    """w* as stated, with rows h and columns k."""
    enclosed, problem = enclose(plan.problem), plan.problem
    target = (enclosed.z_bar * enclosed.a_hat).transpose().tolist()
    columns = []
    for k, mixing in enumerate(by_token(enclosed.attention([balls(query) for query in problem.queries]))):
        known = {B: enclosed.z_bar * mixing, a: flint.arb_mat([[x] for x in target[k]])}
        sizes = {N: mixing.nrows(), H: mixing.ncols()}
        columns.append(evaluate(stated, known | sizes).entries())
    return [list(row) for row in zip(*columns, strict=True)]


def _distance(run: Trajectory, solution: list[list[Ball]]) -> Ball:
    rows = zip(run.weights, solution, strict=True)
    return sum_of_squares(x - y for row in rows for x, y in zip(*row, strict=True)).sqrt()


def _variant(subject: Experiment | Variant) -> Variant:
    """As many steps with Q frozen as are affordable here; those with Q moving where they are known to suffice."""
    if isinstance(subject, Variant):
        return subject
    moving = plan_within_reach(subject, STEPS, budget=0)
    affordable = SHORT_BUDGET // plan_here(subject, 1).operations
    steps = min(STEPS, max(1, affordable)) if moving.elsewhere else STEPS
    return Variant(plan=replace(plan_here(subject, steps), frozen=True), moving=moving)


def _planted(experiment: Experiment) -> Variant:
    """Defects are planted on the literal instance."""
    plan = replace(literal_plan(experiment), steps=STEPS)
    return Variant(plan=replace(plan, frozen=True), moving=plan)


def penalty_changed(experiment: Experiment) -> Variant:
    """The theory's penalty is 2mτ instead of mτ."""
    return _planted(penalty_twice.plant(experiment))


def start_with_kernel(experiment: Experiment) -> Variant:
    """The weights start at a vector of ker B_k instead of 0, which no step removes."""
    plan = weights_start_elsewhere(experiment)
    problem = replace(plan.problem, weights=1e-4 * plan.problem.weights)
    plan = replace(plan, problem=problem, steps=STEPS)
    return Variant(plan=replace(plan, frozen=True), moving=plan)


def order_one(experiment: Experiment) -> Variant:
    """The distances are claimed to fall like 1/γ."""
    return replace(_planted(experiment), order=1.0)


def gamma_grows_slowly(experiment: Experiment) -> Variant:
    """γ is doubled where it should be multiplied by four."""
    return replace(_planted(experiment), growth=2.0)


def solution_not_inverted(experiment: Experiment) -> Variant:
    """The solution is Bᵀ(BBᵀ)Z̄â, without the inverse."""
    return replace(_planted(experiment), power=1)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "start_weights"),
    preset="literal",
    assumptions=("assumption2",),
    builds_on=("attainment",),
    checks=(derive_solution, argue_convergence, certify_frozen_limit, certify_order),
    controls=(penalty_changed, start_with_kernel, order_one, gamma_grows_slowly, solution_not_inverted),
    catches={
        derive_solution: (solution_not_inverted,),
        certify_frozen_limit: (penalty_changed, start_with_kernel),
        certify_order: (penalty_changed, start_with_kernel, order_one, gamma_grows_slowly),
    },
    stated=("SOLUTION", "NEXT_ERROR", "ORDER"),
    drops=(start_with_kernel,),
)
