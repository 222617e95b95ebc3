"""Small exact instances for the lemmas: every letter of `theorems.network.letters` gets a value."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from typing import Any

import flint

from theorems.network.exact import ExactNetwork, Rows, State, column, diagonal, identity, text, to_ball, to_balls
from theorems.network.letters import PAPER, Point, Setting
from theorems.network.softmax import logit_values
from theorems.setting import notation
from verify.prove.inequalities.enclosed_norms import operator_norm
from verify.prove.inequalities.values import PRECISION, Values

SEED = 0
FAR = Fraction(10**6)  # a unit in which quantities are far from 1
# rational points of the unit circle, so that tokens have norm 1 exactly; the last one is close to the first
CIRCLE: Rows = tuple(
    (Fraction(x), Fraction(y))
    for x, y in (("1", "0"), ("-1", "0"), ("99/101", "20/101"), ("3/5", "4/5"), ("-5/13", "12/13"), ("0", "-1"))
)


@cache
def small_networks(setting: Setting = PAPER, *, c: int = 1) -> tuple[Values, ...]:
    """Instances with two points ξ and ξ′: some at which bounds are attained or nearly so, and two random ones."""
    return tuple(
        values(network, dict(zip(("", "′"), states, strict=True)), c=c, slack=setting.slack)
        for network, states in networks(setting)
    )


def networks(setting: Setting = PAPER) -> Iterator[tuple[ExactNetwork, tuple[State, State]]]:
    """The networks of `small_networks` with their two states."""
    small, large = Fraction(1, 100), Fraction(100)
    for network, place, unit in (
        (single(), partial(_aligned, size=small, flip=True), 1),
        (opposite(), partial(_aligned, size=small, flip=False), 1),
        (opposite(), partial(_aligned, size=large, flip=False), 1),
        (drawn(1), partial(_random, seed=2), 1),
        (drawn(2), partial(_random, seed=3), 1),
        (single(), partial(_aligned, size=small, flip=True), FAR),
        (single(), partial(_aligned, size=small, flip=True), 1 / FAR),
        (opposite(), partial(_aligned, size=large, flip=False), FAR),
        (opposite(), partial(_aligned, size=large, flip=False), 1 / FAR),
    ):
        stretched = _stretched(network, setting.token_length)
        yield _in_units(stretched, place(stretched), Fraction(unit))
    for network, heads in generals():
        stretched = _stretched(network, setting.token_length)
        yield stretched, _random(stretched, seed=4, heads=heads)


# rational points of the unit sphere, for networks whose sizes all differ
SPHERE: Rows = tuple(
    tuple(Fraction(x, whole) for x in parts)
    for *parts, whole in ((1, 2, 2, 3), (2, 3, 6, 7), (-4, 4, 7, 9), (1, -4, 8, 9), (2, 6, -9, 11), (6, 2, 3, 7))
)
SIZES = ((2, 4, 3, 5, 6), (2, 5, 3, 6, 4), (2, 6, 3, 4, 5), (3, 4, 2, 6, 5), (2, 3, 5, 4, 6))  # N, K, d, m, H


def generals() -> Iterator[tuple[ExactNetwork, int]]:
    """Networks whose sizes are at least 2 and pairwise different, with their number of heads."""
    for seed, (N, K, d, m, heads) in enumerate(SIZES):
        rng = random.Random(seed)
        points = {2: CIRCLE[2:], 3: SPHERE}.get(d) or tuple((*point, *[Fraction(0)] * (d - 3)) for point in SPHERE)
        features = tuple(tuple(Fraction(rng.randint(-2, 2)) for _ in range(m)) for _ in range(K))
        yield (
            ExactNetwork(tokens=points[:K], features=features, prompt=N, tau=Fraction(1, 3), gamma=Fraction(3, 2)),
            heads,
        )


def _in_units(
    network: ExactNetwork, states: tuple[State, State], unit: Fraction
) -> tuple[ExactNetwork, tuple[State, State]]:
    """Features and γ times the unit, α divided by it: what is attained stays so, and wrong powers show."""
    features = tuple(tuple(unit * x for x in feature) for feature in network.features)
    scaled = replace(network, features=features, tau=unit**2 * network.tau, gamma=unit * network.gamma)
    first, second = (
        State(queries=state.queries, alpha=tuple(tuple(x / unit for x in row) for row in state.alpha))
        for state in states
    )
    return scaled, (first, second)


def _stretched(network: ExactNetwork, length: int) -> ExactNetwork:
    """The same with tokens of another length."""
    tokens = tuple(tuple(length * x for x in token) for token in network.tokens)
    return ExactNetwork(
        tokens=tokens, features=network.features, prompt=network.prompt, tau=network.tau, gamma=network.gamma
    )


def single() -> ExactNetwork:
    """One prompt token: all heads agree, so B_k = ‖Z̄‖ (1 … 1)."""
    features = ((Fraction(2),), (Fraction(1),))
    return ExactNetwork(tokens=CIRCLE[:2], features=features, prompt=1, tau=Fraction(1, 2), gamma=Fraction(50))


def attained() -> Iterator[tuple[ExactNetwork, tuple[State, State]]]:
    """One prompt token in three units, with a feature and with none: then Z̄ shrinks as little as it can."""
    for feature in ((Fraction(2),), (Fraction(0),)):
        network = replace(single(), features=(feature, (Fraction(1),)))
        for unit in (Fraction(1), FAR, 1 / FAR):
            yield _in_units(network, _aligned(network, size=Fraction(1, 100), flip=True), unit)


def opposite() -> ExactNetwork:
    """Two opposite prompt tokens with opposite features: uniform attention is as sensitive as it can be."""
    features = ((Fraction(1),), (Fraction(-1),), (Fraction(1),))
    return ExactNetwork(tokens=CIRCLE[:3], features=features, prompt=2, tau=Fraction(1, 1000), gamma=Fraction(1))


def drawn(seed: int) -> ExactNetwork:
    rng = random.Random(seed)
    tokens = tuple(rng.sample(CIRCLE, 3))
    features = tuple(tuple(Fraction(rng.randint(-2, 2)) for _ in range(2)) for _ in range(3))
    return ExactNetwork(tokens=tokens, features=features, prompt=2, tau=Fraction(1, 3), gamma=Fraction(3, 2))


def _aligned(network: ExactNetwork, *, size: Fraction, flip: bool, heads: int = 2) -> tuple[State, State]:
    """No attention at first, then a little; all |α_hk| = size, with the signs that add up (all flipped, or none)."""
    d = len(network.tokens[0])
    first, moved = (
        tuple(tuple(entry * (row == col == 0) for col in range(d)) for row in range(d))
        for entry in (Fraction(0), Fraction(1, 100))
    )
    ends = zip(network.tokens, network.features, strict=True)
    alpha = tuple(-size if token[0] * feature[0] > 0 else size for token, feature in ends)
    other = tuple(-a for a in alpha) if flip else alpha
    return (
        State(queries=(first,) * heads, alpha=(alpha,) * heads),
        State(queries=(moved,) * heads, alpha=(other,) * heads),
    )


def _random(network: ExactNetwork, *, seed: int, heads: int = 3) -> tuple[State, State]:
    d, K, rng = len(network.tokens[0]), len(network.tokens), random.Random(seed)

    def draw(rows: int, cols: int) -> Rows:
        return tuple(tuple(Fraction(rng.randint(-4, 4), 2) for _ in range(cols)) for _ in range(rows))

    first, second = (State(queries=tuple(draw(d, d) for _ in range(heads)), alpha=draw(heads, K)) for _ in range(2))
    return first, second


def values(network: ExactNetwork, states: Mapping[str, State], *, c: int, slack: int) -> Values:
    """The instance with one state for the mark of each point, and α the largest |α_hk| of all (over the slack)."""
    with flint.ctx.workprec(PRECISION):
        matrices, numbers = _shared(network, c)
        for mark, state in states.items():
            matrices |= letters(network, Point(mark), [state])
            numbers["Δ" + mark] = network.gap(state)
        numbers["α"] = to_ball(max(abs(a) for state in states.values() for row in state.alpha for a in row) / slack)
        pair = [*states.values(), *states.values()][:2]
        logits = [network.logits(state, 0, 0) for state in pair]
        if len(states) == 1:
            logits[1] = [flint.arb(0)] * network.prompt
        softmax = logit_values(logits[0], logits[1], "logits of the first head and token")
        matrices, numbers = {**softmax.matrices, **matrices}, {**softmax.numbers, **numbers}
        told = "".join(
            f", Q{mark} = {'; '.join(map(text, state.queries))}, α{mark} = {text(state.alpha)}"
            for mark, state in states.items()
        )
        return Values(f"{network}{told}", sizes(network, len(next(iter(states.values())).alpha)), numbers, matrices)


def sizes(network: ExactNetwork, heads: int) -> dict[Any, int]:
    """N, K, d, m and H."""
    return {
        notation.N: network.prompt,
        notation.K: len(network.tokens),
        notation.d: len(network.tokens[0]),
        notation.m: len(network.features[0]),
        notation.H: heads,
    }


def _shared(network: ExactNetwork, c: int) -> tuple[dict[str, Callable[..., Any]], dict[str, Any]]:
    """What does not depend on the parameters."""
    Z_bar, K = network.Z_bar, len(network.tokens)
    lengths = [sum((x * x for x in column(Z_bar, n).entries()), flint.arb(0)).sqrt() for n in range(network.prompt)]
    numbers = {
        "c": flint.arb(c),
        "γ": to_ball(network.gamma),
        "‖Z̄‖": operator_norm(Z_bar),
        "f̄_max": max(lengths, key=lambda ball: float(ball.mid())),
        "‖A‖₂": operator_norm(network.A),
    }
    matrices: dict[str, Callable[..., Any]] = {
        "V": lambda: network.V,
        "v_k": network.v,
        "v_i": network.v,
        "Z̄": lambda: Z_bar,
        "z̄_i": partial(column, Z_bar),
        "A": lambda: network.A,
        "a_k": partial(column, network.A),
        "e_k": partial(column, identity(K)),
    }
    return matrices, numbers


def letters(network: ExactNetwork, point: Point, states: Sequence[State]) -> dict[str, Callable[..., Any]]:
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
    }
