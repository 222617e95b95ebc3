"""Small exact instances for the lemmas: every letter of `theorems.terms` gets a value."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any

import flint

from theorems import notation
from theorems.exact import ExactNetwork, Rows, State, column, diagonal, identity, text, to_ball, to_balls
from theorems.terms import Point
from verify.prove.values import PRECISION, Values, operator_norm

SEED = 0
# rational points of the unit circle, so that tokens have norm 1 exactly; the last one is close to the first
CIRCLE: Rows = tuple(
    (Fraction(x), Fraction(y))
    for x, y in (("1", "0"), ("-1", "0"), ("99/101", "20/101"), ("3/5", "4/5"), ("-5/13", "12/13"), ("0", "-1"))
)


@cache
def pairs(*, c: int = 1, token_length: int = 1) -> tuple[Values, ...]:
    """Instances with two points, ξ and ξ′: one attaining, one nearly attaining the lemmas' bounds, two random ones.

    `token_length` other than 1 breaks the assumption of unit tokens.
    """
    networks = [(_single(), 2), (_opposite(), 2), (_drawn(1), 2), (_drawn(2), 3)]
    result = []
    for seed, (network, heads) in enumerate(networks):
        stretched = ExactNetwork(
            tokens=tuple(tuple(token_length * x for x in token) for token in network.tokens),
            features=network.features, prompt=network.prompt, tau=network.tau, gamma=network.gamma,
        )  # fmt: skip
        states = _aligned(stretched, heads) if seed < 2 else _two_states(stretched, heads, random.Random(seed))
        result.append(values(stretched, dict(zip(("", "′"), states, strict=True)), c=c))
    return tuple(result)


def _single() -> ExactNetwork:
    """One prompt token: all heads agree, so B_k = ‖Z̄‖ (1 … 1)."""
    features = ((Fraction(2),), (Fraction(1),))
    return ExactNetwork(tokens=CIRCLE[:2], features=features, prompt=1, tau=Fraction(1, 2), gamma=Fraction(50))


def _opposite() -> ExactNetwork:
    """Two opposite prompt tokens with opposite features: uniform attention is as sensitive as it can be."""
    features = ((Fraction(1),), (Fraction(-1),), (Fraction(1),))
    return ExactNetwork(tokens=CIRCLE[:3], features=features, prompt=2, tau=Fraction(1, 1000), gamma=Fraction(1))


def _drawn(seed: int) -> ExactNetwork:
    rng = random.Random(seed)
    tokens = tuple(rng.sample(CIRCLE, 3))
    features = tuple(tuple(Fraction(rng.randint(-2, 2)) for _ in range(2)) for _ in range(3))
    return ExactNetwork(tokens=tokens, features=features, prompt=2, tau=Fraction(1, 3), gamma=Fraction(3, 2))


def _aligned(network: ExactNetwork, heads: int) -> tuple[State, State]:
    """No attention at first, then a little; all |α_hk| equal, with the signs that add up."""
    d, size = len(network.tokens[0]), Fraction(1, 100)
    first = tuple(tuple(Fraction(0) for _ in range(d)) for _ in range(d))
    moved = tuple(tuple(size * (row == col == 0) for col in range(d)) for row in range(d))
    signs = [1 if token[0] * feature[0] > 0 else -1 for token, feature in zip(network.tokens, network.features)]
    alpha = tuple(tuple(-size * sign for sign in signs) for _ in range(heads))
    return (
        State(queries=(first,) * heads, alpha=alpha),
        State(queries=(moved,) * heads, alpha=tuple(tuple(-a for a in row) for row in alpha)),
    )


def _two_states(network: ExactNetwork, heads: int, rng: random.Random) -> tuple[State, State]:
    d, K = len(network.tokens[0]), len(network.tokens)

    def draw(rows: int, cols: int) -> Rows:
        return tuple(tuple(Fraction(rng.randint(-4, 4), 2) for _ in range(cols)) for _ in range(rows))

    first, second = (State(queries=tuple(draw(d, d) for _ in range(heads)), alpha=draw(heads, K)) for _ in range(2))
    return first, second


def values(network: ExactNetwork, states: Mapping[str, State], *, c: int) -> Values:
    """The instance with one state for the mark of each point, and α the largest |α_hk| of all."""
    with flint.ctx.workprec(PRECISION):
        matrices, numbers = _shared(network, c)
        for mark, state in states.items():
            matrices |= _letters(network, Point(mark), [state])
            numbers["Δ" + mark] = network.gap(state)
        numbers["α"] = to_ball(max(abs(a) for state in states.values() for row in state.alpha for a in row))
        told = "".join(
            f", Q{mark} = {'; '.join(map(text, state.queries))}, α{mark} = {text(state.alpha)}"
            for mark, state in states.items()
        )
        return Values(f"{network}{told}", sizes(network, len(next(iter(states.values())).alpha)), numbers, matrices)


def sizes(network: ExactNetwork, heads: int) -> dict[Any, int]:
    """N, K, d, m and H."""
    return {
        notation.N: network.prompt, notation.K: len(network.tokens), notation.d: len(network.tokens[0]),
        notation.m: len(network.features[0]), notation.H: heads,
    }  # fmt: skip


def _shared(network: ExactNetwork, c: int) -> tuple[dict[str, Callable[..., Any]], dict[str, Any]]:
    """What does not depend on the parameters."""
    Z_bar, K = network.Z_bar, len(network.tokens)
    lengths = [sum((x**2 for x in column(Z_bar, n).entries()), flint.arb(0)).sqrt() for n in range(network.prompt)]
    numbers = {
        "c": flint.arb(c), "γ": to_ball(network.gamma), "‖Z̄‖": operator_norm(Z_bar),
        "f̄_max": max(lengths, key=lambda ball: float(ball.mid())), "‖A‖₂": operator_norm(network.A),
    }  # fmt: skip
    matrices: dict[str, Callable[..., Any]] = {
        "V": lambda: network.V, "v_k": network.v, "v_i": network.v, "Z̄": lambda: Z_bar,
        "z̄_i": partial(column, Z_bar), "A": lambda: network.A, "a_k": partial(column, network.A),
        "e_k": partial(column, identity(K)),
    }  # fmt: skip
    return matrices, numbers


def _letters(network: ExactNetwork, point: Point, states: Sequence[State]) -> dict[str, Callable[..., Any]]:
    """The letters of a point; the step, if it has one, is its letters' last index."""

    def at(step: tuple[int, ...]) -> State:
        return states[step[0] if step else 0]

    heads = range(len(states[0].alpha))
    return {
        point.Q_h.name: lambda h, *s: to_balls(at(s).queries[h]),
        point.s_hk.name: lambda h, k, *s: network.softmax(at(s), h, k),
        point.S_hk.name: lambda h, k, *s: diagonal(network.softmax(at(s), h, k)),
        point.J_hk.name: lambda h, k, *s: network.jacobian(at(s), h, k),
        point.b_hk.name: lambda h, k, *s: network.b(at(s), h, k),
        point.B_k.name: lambda k, *s: network.B(at(s), k),
        point.alpha_k.name: lambda k, *s: to_balls([[row[k]] for row in at(s).alpha]),
        point.alpha_hk.name: lambda h, k, *s: to_balls([[at(s).alpha[h][k]]]),
        point.delta_k.name: lambda k, *s: network.delta(at(s), k),
        point.G_h.name: lambda h, *s: network.gradient_queries(at(s), h),
        point.g_hk.name: lambda h, k, *s: network.gradient_alpha(at(s), h, k),
        point.g_k.name: lambda k, *s: to_balls([[network.gradient_alpha(at(s), h, k)[0, 0]] for h in heads]),
    }  # fmt: skip
