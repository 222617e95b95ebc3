"""Small exact networks off the limit, with labels of a prompt: what lies between, and the least κ and T for it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import flint
import sympy as sp

from theorems.network.exact import to_ball, to_balls
from theorems.network.instances import networks, values
from theorems.network.labelled import FEATURES_OF_PROMPT, LABELS, NOISE, SMALL_STEPS, TASK
from theorems.network.letters import HERE
from theorems.setting.constants import B, Delta_0, epsilon, rate
from theorems.setting.limit import PRECISION
from theorems.setting.notation import K, N, m, tau
from verify.prove.inequalities.quantity import Letter, norm
from verify.prove.inequalities.values import Values, extended

X = Letter("X", N, K)  # Ã − Â
kappa, spread = sp.symbols("κ t", positive=True)  # t = 1 + 2√x + 2x


@cache
def networks_off_limit() -> tuple[Values, ...]:
    """Small exact networks with labels, a task and noise; what the tail and the number of steps ask for is attained."""
    with flint.ctx.workprec(PRECISION):
        return tuple(_off_limit(network, state) for network, (state, _) in networks())


def _off_limit(network: Any, state: Any) -> Values:
    small = values(network, {"": state}, c=2, slack=1)
    features = to_balls(network.features[: network.prompt]).transpose()
    task = to_balls([[Fraction(1, 1 + n)] for n in range(features.nrows())])
    noise = to_balls([[Fraction((-2) ** n)] for n in range(network.prompt)])
    columns = [network.mixture(state, k) for k in range(len(network.tokens))]
    apart = flint.arb_mat([[column[n, 0] for column in columns] for n in range(network.prompt)]) - network.A_hat
    answers = {
        X.name: lambda: apart,
        FEATURES_OF_PROMPT.name: lambda: features,
        TASK.name: lambda: task,
        NOISE.name: lambda: noise,
        LABELS.name: lambda: features.transpose() * task + noise,
    }
    numbers = {**small.numbers, "tau": to_ball(network.tau), "r": flint.arb(1) / 2, "T": flint.arb(SMALL_STEPS)}
    text = f"{small.text}, λ = {task}, n = {noise}"
    known = replace(small, text=text, matrices={**small.matrices, **answers}, numbers=numbers)
    weighed = norm(X.T * NOISE) ** 2 / (tau * norm(TASK) ** 2 * norm(X, "F") ** 2)
    return extended(
        known,
        {
            spread: weighed,
            kappa: 1 + weighed / m,
            B: norm(TASK),
            Delta_0: HERE.gap / rate**SMALL_STEPS,
            epsilon: 2 * B**2 * kappa * Delta_0 * rate**SMALL_STEPS,
        },
    )
