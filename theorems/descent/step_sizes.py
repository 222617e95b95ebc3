"""Gradient descent with the step sizes of Theorem 1, exactly on small networks and in float64 on an experiment.

The formulas of the step sizes are given by the lemmas that compute them; nothing here derives anything.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy import ndarray

from numerics.measure import UNIT_ROUNDOFF
from theorems.network.exact import ExactNetwork, State, text, to_ball, to_balls
from theorems.network.instances import drawn, generals, letters, single, values
from theorems.network.letters import AT_0, AT_NEXT, AT_P, AT_R, AT_S, AT_T, BETWEEN, t
from theorems.network.points import FloatPoint, constants_of
from theorems.network.stated import evaluated
from theorems.setting.constants import D, Delta_0, L, Z_norm, alpha, eta, gamma, q, rate, sigma, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H
from theorems.setting.stated_constants import ENTRIES
from verify.prove.inequalities.values import PRECISION, Values, extended

EXACT_STEPS = 12
GENERAL_STEPS = 7  # where all sizes differ
PARTWAY = Fraction(1, 3)  # of the step from t to t + 1
FLOAT_STEPS = 4  # the bound on rounding errors doubles with every step
EXACT_HEADS = 2


@dataclass(frozen=True, kw_only=True)
class StepSizes:
    """The constants of a run as expressions: γ², and then α, D, L, η_Q and σ in what comes before.

    `matrix` holds the four constants of Lemma 10, `boost` multiplies η_Q and `zeta` the measured ζ_0; the
    last two are 1 in the theorem.
    """

    gamma_squared: sp.Expr
    alpha: sp.Expr
    D: sp.Expr
    matrix: sp.ImmutableMatrix
    L: sp.Expr
    sigma: sp.Expr
    boost: int = 1
    zeta: int = 1

    @property
    def definitions(self) -> dict[sp.Expr, sp.Expr]:
        """In the order in which they can be evaluated."""
        return {
            gamma: sp.sqrt(self.gamma_squared),
            alpha: self.alpha,
            D: self.D,
            **dict(zip(ENTRIES, self.matrix, strict=True)),
            L: self.L,
            eta: self.boost / L,
            sigma: self.sigma,
            rate: 1 - eta * sigma,
            q: sp.sqrt(rate),
        }


@cache
def exact_runs(step_sizes: StepSizes, *, start: int = 0) -> tuple[Values, ...]:
    """Runs of small networks from random Q_h; all α_hk^(0) are `start` times α, which is 0 in the theorem."""
    with flint.ctx.workprec(PRECISION):
        small = [(network, EXACT_HEADS, steps) for network in (single(), drawn(1)) for steps in (EXACT_STEPS, 0)]
        return tuple(
            _exact_run(network, step_sizes, start, heads, steps)
            for network, heads, steps in (*small, *((*each, GENERAL_STEPS) for each in generals()))
        )


def _exact_run(network: ExactNetwork, step_sizes: StepSizes, start: int, heads: int, steps: int) -> Values:
    rng, zeros = random.Random(0), ((Fraction(0),) * len(network.tokens),) * heads
    d = range(len(network.tokens[0]))
    queries = tuple(tuple(tuple(Fraction(rng.randint(-4, 4), 2) for _ in d) for _ in d) for _ in range(heads))
    first = State(queries=queries, alpha=zeros)
    given = values(network, {"": first}, c=2, slack=1)
    initial = {"ζ_0": step_sizes.zeta * network.least_eigenvalue(first), "Δ_0": network.gap(first)}
    given = extended(replace(given, numbers={**given.numbers, **initial}), step_sizes.definitions)
    network = replace(network, gamma=given.numbers["γ"])
    moved = tuple(tuple(start * given.numbers["α"] for _ in row) for row in zeros)
    states = [State(queries=queries, alpha=moved if start else zeros)]
    for _ in range(steps + 1):
        states.append(network.descend(states[-1], given.numbers["η_Q"]))
    after = states.pop()
    partway = network.descend(states[-1], given.numbers["η_Q"] * to_ball(PARTWAY))
    matrices = {**given.matrices, "e": lambda: to_balls([[Fraction(int(n == 0))] for n in range(network.prompt)])}
    for point, along in (
        (AT_S, states),
        (AT_R, states),
        (AT_P, states),
        (AT_T, states[-1:]),
        (AT_0, states[:1]),
        (AT_NEXT, [after]),
        (BETWEEN, [partway]),
    ):
        matrices |= letters(network, point, along)
    gaps: Callable[[int], Any] = lambda s: network.gap(states[s])  # noqa: E731  a value of the table below
    numbers = {**given.numbers, "Δ": gaps, "Δ^(t)": network.gap(states[-1]), "Δ⁺": network.gap(after)}
    numbers |= {
        "‖∇ℓ‖": network.slope(states[-1]),
        "u": to_ball(PARTWAY),
        "ū": to_ball(1 - PARTWAY),
        "inf L − L*": flint.arb(0),
    }
    told = f"{network}, Q^(0) = {'; '.join(map(text, queries))}, α^(0) = {start} α, t = {steps}"
    return Values(told, {**given.sizes, t: steps}, numbers, matrices)


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatRun:
    """A run in float64 and the constants that it used, by symbol."""

    step_sizes: StepSizes
    points: list[FloatPoint]
    numbers: dict[sp.Expr, float]

    @cached_property
    def errors(self) -> Float[ndarray, "2 T"]:
        """How far Q and α of each point may be from exact gradient descent, in Euclidean norm.

        A step moves two points apart as Lemma 10's matrix M says, by (I + ηM) applied to both distances, and
        adds the rounding of ξ − η∇ℓ: two roundings of each entry, and η times the error of the gradient.
        """
        rate = self.numbers[eta]
        grow = np.eye(2) + rate * np.array(
            [[self.value(entry) for entry in row] for row in self.step_sizes.matrix.tolist()]
        )
        result = [np.zeros(2)]
        for p in self.points[:-1]:
            sizes_of = np.array([np.linalg.norm(p.queries), np.linalg.norm(p.alpha)])
            slopes = np.array([np.linalg.norm(part) for part in p.gradients])
            wrong = np.array([np.linalg.norm(part) for part in p.gradient_errors])
            result.append(grow @ result[-1] + 2 * UNIT_ROUNDOFF * (sizes_of + 2 * rate * slopes) + rate * wrong)
        return np.array(result).T

    def gap_errors(self, bounds: Float[ndarray, " T"]) -> Float[ndarray, " T"]:
        """How far each computed gap may be on the wrong side of its bound, compared with exact gradient descent.

        δ_k moves by at most γ‖Z̄‖ Σ_h (2α‖ΔQ_h‖ + |Δα_hk|) (Lemma 8), and the gap is the mean of ‖δ_k‖²/2: the roots
        of the gap and of the bound are compared.
        """
        by_queries, by_alpha = self.errors
        reach = self.numbers[gamma] * self.numbers[Z_norm] * np.sqrt(self.numbers[H])
        moved = reach * (2 * self.numbers[alpha] * by_queries + by_alpha)
        own = np.array([point.gap_error for point in self.points])
        result: ndarray = np.sqrt(2 * bounds) * moved + moved**2 / 2 + own
        return result

    def value(self, expression: sp.Expr) -> float:
        """An expression in the constants, in float64."""
        return float(evaluated(sp.sympify(expression), self.numbers))


def float_run(experiment: Experiment, step_sizes: StepSizes, *, start: int = 0) -> FloatRun | None:
    """A few steps from the experiment's own Q_h; None where ζ_0 = 0, so that there are no such step sizes."""
    run = float_start(experiment, step_sizes)
    if run is None:
        return None
    point = replace(run.points[0], alpha=run.points[0].alpha + start * run.numbers[alpha])
    run.points[0] = point
    for _ in range(FLOAT_STEPS):
        point = point.descend(run.numbers[eta])
        run.points.append(point)
    return run


def float_start(experiment: Experiment, step_sizes: StepSizes) -> FloatRun | None:
    """The start of the run and its constants; None where ζ_0 = 0."""
    queries = experiment.study.start.queries.numpy()
    zeros = np.zeros((len(queries), experiment.instance.dictionary_size))
    tokens = experiment.instance.tokens
    first = FloatPoint(experiment=experiment, tokens=tokens, queries=queries, alpha=zeros, gamma=1.0)
    if not first.least_eigenvalue > 0:
        return None
    numbers: dict[sp.Expr, float] = {
        **constants_of(experiment),
        zeta_0: step_sizes.zeta * first.least_eigenvalue,
        Delta_0: first.gap,
    }
    run = FloatRun(step_sizes=step_sizes, points=[first], numbers=numbers)
    for symbol, expression in step_sizes.definitions.items():
        numbers[symbol] = run.value(expression)
    run.points[0] = replace(first, gamma=numbers[gamma])
    return run
