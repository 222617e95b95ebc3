"""Findings made of balls: they pass only where every point of the balls obeys the inequality."""

from __future__ import annotations

from fractions import Fraction

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.certify.compare import bound_of, lower, upper
from verify.claim import Verdict


@given(st.fractions(), st.floats(0, 1e6))
def test_directed_conversion_encloses_the_ball(value: Fraction, radius: float) -> None:
    ball = flint.arb(flint.fmpq(value.numerator, value.denominator)) + flint.arb(0, radius)
    assert flint.arb(lower(ball)) <= ball
    assert flint.arb(upper(ball)) >= ball


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ((1, 0.25), (2, 0.25), Verdict.PASS),
        ((2, 0.25), (1, 0.25), Verdict.FAIL),
        ((1, 0.75), (2, 0.75), Verdict.UNDECIDED),
        ((1, 0), (1, 0.5), Verdict.UNDECIDED),
        (("nan", 0), (1, 0), Verdict.UNDECIDED),
        ((0, "inf"), (1, 0), Verdict.UNDECIDED),
        ((1, 0), ("inf", 0), Verdict.UNDECIDED),
    ],
)
def test_balls_are_compared_whole(left: tuple[object, object], right: tuple[object, object], verdict: Verdict) -> None:
    finding = bound_of("x", [flint.arb(*left)], [flint.arb(*right)], "test")
    assert finding.verdict is verdict


def test_tiny_numbers_are_compared_at_their_own_scale() -> None:
    small = flint.arb(10) ** -150
    assert bound_of("x", [small], [2 * small], "test").verdict is Verdict.PASS
    assert bound_of("x", [2 * small], [small], "test").verdict is Verdict.FAIL


def test_a_difference_below_float64_is_not_decided_by_midpoints() -> None:
    third = flint.arb(1) / 3
    assert bound_of("x", [third], [third + flint.arb(10) ** -14], "test").verdict is Verdict.PASS
    assert bound_of("x", [third], [third * 1], "test").verdict is Verdict.UNDECIDED
