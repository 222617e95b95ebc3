"""Assumption 3 [T]: some coordinate of the prompt tokens takes N different values.

Beyond the paper: Proposition 1 needs it only to tell the tokens apart, and distinct tokens are enough, because
Gaussian heads have no preferred direction. Both are decided exactly, by comparing the float64 numbers themselves.

Wrong if every coordinate has two prompt tokens in common, or if two tokens are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from fractions import Fraction
from itertools import combinations, pairwise

import flint
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from theorems.setting.experiment import Experiment
from verify.certify.compare import bound_of
from verify.claim import Assumption, Bound, Claim, defect_of_subject

STATEMENT = r"""
exists j in [d] : quad (v_1)_j, dots, (v_N)_j " are " N " different numbers"
"""


@dataclass(frozen=True)
class Prompt:
    """The tokens of the experiment, the first `length` of them in the prompt."""

    experiment: Experiment
    _: KW_ONLY
    tokens: Float[ndarray, "K d"]
    length: int


def prompt_of(experiment: Experiment) -> Prompt:
    """The tokens of the instance."""
    return Prompt(experiment, tokens=experiment.instance.tokens, length=experiment.instance.prompt_length)


def certify_coordinate(prompt: Prompt) -> Iterator[Assumption | Bound]:
    """One coordinate takes a different value at every prompt token."""
    entries = prompt.tokens[: prompt.length]
    counts = [len(np.unique(column)) for column in entries.T]
    distances = [_least_distance(column) for column in entries.T]
    best = max(range(len(counts)), key=lambda j: (counts[j], distances[j]))
    meaning = f"coordinate {best + 1} tells the prompt tokens apart best, its nearest values differ by this much"
    named = {"coordinate": best + 1}
    yield Assumption(name="assumption3", margin=_ball(distances[best]), meaning=meaning, quantities=named)
    yield bound_of(
        "N ≤ number of values",
        [flint.arb(prompt.length)],
        [flint.arb(counts[best])],
        f"coordinate {best + 1}, compared exactly; {counts.count(prompt.length)} of {len(counts)} would do",
        quantities=named | {"coordinates_that_do": counts.count(prompt.length), "coordinates": len(counts)},
    )


def certify_distinct(prompt: Prompt) -> Iterator[Bound]:
    """All tokens of the dictionary are different, which is all that Proposition 1 needs."""
    tokens = prompt.tokens
    distinct = len(np.unique(tokens, axis=0))
    nearest = min(float(np.linalg.norm(a - b)) for a, b in combinations(tokens, 2))
    yield bound_of(
        "K ≤ number of tokens",
        [flint.arb(len(tokens))],
        [flint.arb(distinct)],
        f"compared exactly; the nearest two are about {nearest:.3g} apart",
        quantities={"least_distance": nearest},
    )


def _least_distance(values: Float[ndarray, " N"]) -> Fraction:
    """The least distance between two of the numbers, exactly; 1 if there is only one."""
    ordered = sorted(map(Fraction, values.tolist()))
    return min((b - a for a, b in pairwise(ordered)), default=Fraction(1))


def _ball(number: Fraction) -> flint.arb:
    return flint.arb(flint.fmpq(number.numerator, number.denominator))


@defect_of_subject
def two_equal_tokens(prompt: Prompt) -> Prompt:
    """Two prompt tokens are equal."""
    tokens = prompt.tokens.copy()
    tokens[1] = tokens[0]
    return replace(prompt, tokens=tokens)


@defect_of_subject
def tokens_on_the_axes(prompt: Prompt) -> Prompt:
    """The tokens are distinct unit vectors ±e_j, so that every coordinate is 0 at most of them."""
    d = prompt.tokens.shape[1]
    return replace(prompt, tokens=np.concatenate([np.eye(d), -np.eye(d)]), length=min(prompt.length, 2 * d))


@defect_of_subject
def three_values(prompt: Prompt) -> Prompt:
    """The tokens are rounded to −1, 0 and 1 times the largest entry."""
    return replace(prompt, tokens=np.round(prompt.tokens / np.abs(prompt.tokens).max()))


CLAIM = Claim(
    statement=STATEMENT,
    about=prompt_of,
    heeds=("N", "K", "d", "seed", "data", "tokens", "normalize", "raw_tokens"),
    checks=(certify_coordinate, certify_distinct),
    controls=dict(two_equal_tokens=two_equal_tokens, tokens_on_the_axes=tokens_on_the_axes, three_values=three_values),
    catches={
        certify_coordinate: ("two_equal_tokens", "tokens_on_the_axes", "three_values"),
        certify_distinct: ("two_equal_tokens",),
    },
    drops=("two_equal_tokens", "tokens_on_the_axes"),
)
