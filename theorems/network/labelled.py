"""Small exact networks with prompt labels, a task and label noise: on these a chain to a number of steps is tried."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from typing import Any

import flint
import sympy as sp

from theorems.network.exact import ExactNetwork, State, column, to_ball, to_balls
from theorems.network.instances import SIZES, attained, networks, values
from theorems.network.letters import HERE
from theorems.setting.constants import B, Delta_0, Z_size, epsilon, rate, threshold
from theorems.setting.notation import N, m, tau
from verify.prove.inequalities.quantity import Letter, norm
from verify.prove.inequalities.values import PRECISION, Values, extended

LABELS, NOISE = Letter("y", N, 1), Letter("n", N, 1)
FEATURES_OF_PROMPT, TASK = Letter("Z", m, N), Letter("λ", m, 1)
SMALL_STEPS = 3  # T on the small exact instances
FAR_LABELS = tuple(map(Fraction, ("1/10000", "10000")))  # sizes at which wrong powers show
FALLS_SHORT, FALLS_FURTHER = sp.Rational(21, 20), sp.Rational(1, 3)


@cache
def labelled_networks() -> tuple[Values, ...]:
    """Small exact networks with labels, a task, and the noise and constants that go with them.

    At the end such with one prompt token, on which the two bounds are attained, or would be if the gap had fallen as
    far as is asked: it falls a little less, so they violate the hypothesis and whatever is stated too sharply.
    """
    with flint.ctx.workprec(PRECISION):
        usual = [(network, state, _usual(network)) for network, (state, _) in networks()]
        found = [_answers(*each) for each in usual[: -len(SIZES)]]
        found += [_answers(*each, fallen=FALLS_FURTHER) for each in usual[-len(SIZES) :]]
        for network, (state, _) in attained():
            for size in FAR_LABELS:
                half = to_balls([[size]])
                ratio = network.features[0][0]
                task = half if not ratio else half * (1 / to_ball(ratio))
                found.append(_answers(network, state, (2 * half, task), fallen=FALLS_SHORT))
        return tuple(found)


def _usual(network: ExactNetwork) -> tuple[Any, Any]:
    """Labels (1, −2, …) and a task."""
    labels = to_balls([[Fraction((-2) ** n)] for n in range(network.prompt)])
    return labels, to_balls([[Fraction(1, 1 + n)] for n in range(len(network.features[0]))])


def _answers(network: ExactNetwork, state: State, given: tuple[Any, Any], *, fallen: Any = 1) -> Values:
    """Everything is attained; ε is such that the gap fell by 1/`fallen` of the stated ratio."""
    (y_vector, task), small = given, values(network, {"": state}, c=2, slack=1)
    Z_prompt = to_balls(network.features[: network.prompt]).transpose()
    noise = y_vector - Z_prompt.transpose() * task
    answers: dict[str, Any] = {
        LABELS.name: lambda: y_vector,
        TASK.name: lambda: task,
        NOISE.name: lambda: noise,
        FEATURES_OF_PROMPT.name: lambda: Z_prompt,
        "ã_k": partial(network.mixture, state),
        "â_k": partial(column, network.A_hat),
    }
    numbers = {**small.numbers, "tau": to_ball(network.tau), "r": flint.arb(1) / 2, "T": flint.arb(SMALL_STEPS)}
    text = f"{small.text}, y = {y_vector}, λ = {task}"
    known = replace(small, text=text, matrices={**small.matrices, **answers}, numbers=numbers)
    return extended(
        known,
        {
            B: norm(TASK),
            Z_size: norm(FEATURES_OF_PROMPT.T, "op"),
            threshold: norm(NOISE) ** 2 / (tau * B**2),
            Delta_0: HERE.gap / rate**SMALL_STEPS,
            epsilon: 2 * B**2 * (Z_size**2 + tau * threshold) * Delta_0 * rate**SMALL_STEPS / (m * tau) / fallen,
        },
    )
