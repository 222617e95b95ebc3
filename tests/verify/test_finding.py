"""Findings refuse what makes no sense, and compare numbers as they were given: nothing passes by a cast."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from verify.claim import Agreement, Argument, Assumption, Bound, Estimate, FindingError, Grade, Step, Trend, Verdict
from verify.exact import compare, middles, numbers, spelled

PASS, UNDECIDED, FAIL, _ = Verdict
NAN, INF = float("nan"), float("inf")
LARGE = 2**53


def agreement(**more: Any) -> Agreement:
    return Agreement(**{"name": "a", "predicted": 1.0, "observed": 1.0, "tolerance": 0.5, "reason": "why"} | more)


def bound(**more: Any) -> Bound:
    return Bound(**{"name": "b", "observed": 1.0, "bound": 2.0, "reason": "why"} | more)


def trend(**more: Any) -> Trend:
    given = {"name": "t", "x": [0, 1], "y": [20.0, 1.0], "expected": "falls", "factor": 10.0, "reason": "why"}
    return Trend(**given | more)


def estimate(**more: Any) -> Estimate:
    return Estimate(**{"name": "e", "allowed": (0.0, 1.0), "interval": lambda rate: (0.2, 0.8), "reason": "why"} | more)


def assumption(**more: Any) -> Assumption:
    return Assumption(**{"name": "s", "margin": 1.0, "meaning": "something holds"} | more)


NONSENSE: list[tuple[Any, dict[str, Any], str]] = [
    (agreement, {"observed": 1 + 1j}, "a: observed holds '(1+1j)' of type complex, which is no real number"),
    (agreement, {"predicted": np.ones(2, complex)}, "a: predicted holds complex128, not real numbers"),
    (agreement, {"observed": "1"}, "a: observed holds '1' of type str, which is no real number"),
    (agreement, {"observed": None}, "a: observed holds 'None' of type NoneType"),
    (agreement, {"observed": True}, "a: observed holds 'True' of type bool"),
    (agreement, {"observed": np.array([True])}, "a: observed holds bool, not real numbers"),
    (agreement, {"observed": np.array(["2020"], "datetime64[Y]")}, "not real numbers"),
    (agreement, {"observed": [[1.0], [2.0, 3.0]]}, "a: observed holds"),
    (agreement, {"observed": [np.ones((2, 2)), np.ones((2, 3))]}, "a: observed is no array of numbers"),
    (agreement, {"observed": np.ma.masked_greater([1.0, 9.0], 5)}, "a: observed is a masked array; give the entries"),
    (agreement, {"observed": sp.Symbol("x")}, "which is no real number"),
    (agreement, {"observed": sp.Float("1.0000000000000000000001")}, "which is no real number"),
    (agreement, {"tolerance": -1e-300}, "a: tolerance is -1e-300, it cannot be below 0"),
    (agreement, {"tolerance": [0.1, -0.1]}, "a: tolerance is -0.1, it cannot be below 0"),
    (agreement, {"tolerance": flint.arb(-1)}, "a: tolerance is -1, it cannot be below 0"),
    (agreement, {"observed": [1.0, 2.0], "predicted": [1.0, 2.0, 3.0]}, "a: the shapes do not fit: predicted (3,)"),
    (agreement, {"name": " "}, "a finding is called ' '; give it a name"),
    (agreement, {"elsewhere": None}, "a: elsewhere is None; give the name of an instance"),
    (bound, {"rounding": -2.0}, "b: rounding is -2, it cannot be below 0"),
    (bound, {"x": [1, 2, 3], "observed": [1.0, 2.0]}, "b: the shapes do not fit"),
    (bound, {"ceiling": INF}, "b: ceiling is inf; leave it out where there is none"),
    (bound, {"ceiling": NAN}, "b: ceiling is nan; leave it out where there is none"),
    (trend, {"expected": "fall"}, "t: expected is 'fall'; it is 'falls' or 'rises'"),
    (trend, {"factor": 0.0}, "t: factor is 0.0; a factor below 1 asks for nothing"),
    (trend, {"factor": -2.0}, "t: factor is -2.0; a factor below 1 asks for nothing"),
    (trend, {"factor": 0.5}, "t: factor is 0.5; a factor below 1 asks for nothing"),
    (trend, {"factor": NAN}, "t: factor is nan; a factor below 1 asks for nothing"),
    (trend, {"factor": INF}, "t: factor is inf; a factor below 1 asks for nothing"),
    (trend, {"x": [1, 0]}, "t: x must increase from point to point"),
    (trend, {"x": [0, 0]}, "t: x must increase from point to point"),
    (trend, {"x": [0, NAN]}, "t: x must increase from point to point"),
    (trend, {"x": [0, 1, 2]}, "t: x (3,) and y (2,) must be lists of one length"),
    (trend, {"x": 0, "y": 1.0}, "t: x () and y () must be lists of one length"),
    (trend, {"rounding": -1.0}, "t: rounding is -1, it cannot be below 0"),
    (estimate, {"allowed": (1.0, 0.0)}, "e: allowed is (1.0, 0.0); give two ends in order"),
    (estimate, {"allowed": (-INF, INF)}, "give two ends in order, one of them finite"),
    (estimate, {"allowed": (NAN, NAN)}, "give two ends in order, one of them finite"),
    (estimate, {"resolution": INF}, "e: resolution is inf; it is finite and not negative"),
    (estimate, {"resolution": NAN}, "e: resolution is nan; it is finite and not negative"),
    (estimate, {"resolution": -0.1}, "e: resolution is -0.1; it is finite and not negative"),
    (estimate, {"rate": 0.0}, "e: rate is 0.0; it lies between 0 and 1"),
    (estimate, {"rate": 1.0}, "e: rate is 1.0; it lies between 0 and 1"),
    (assumption, {"margin": -1.0, "rounding": -2.0}, "s: rounding is -2, it cannot be below 0"),
    (assumption, {"margin": [1.0, -1.0]}, "s: margin is a list; give one number, the smallest margin"),
    (assumption, {"rounding": [0.0, 1.0]}, "s: rounding is a list"),
    (assumption, {"margin": True}, "s: margin holds 'True' of type bool"),
]


@pytest.mark.parametrize(("make", "wrong", "message"), NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_where_it_is_made(make: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(FindingError) as caught:
        make(**wrong)
    assert message in str(caught.value)


def test_an_argument_without_steps_or_name_is_refused() -> None:
    with pytest.raises(FindingError, match="a step in prose needs at least one line"):
        Argument(name="a", steps=())
    with pytest.raises(FindingError, match="give it a name"):
        Argument(name="", steps=(Step(expression="x", rule="y"),))


def test_an_inverted_interval_is_an_error_and_no_verdict() -> None:
    with pytest.raises(FindingError, match=r"e: the interval \[0.8, 0.2\] ends before it begins"):
        estimate(interval=lambda rate: (0.8, 0.2)).verdict  # noqa: B018  the verdict itself raises


ALLOWS_EVERYTHING = [
    agreement(observed=9.0, tolerance=INF),
    agreement(observed=9.0, tolerance=NAN),
    agreement(observed=NAN),
    agreement(observed=INF, predicted=INF),
    bound(bound=INF),
    bound(bound=NAN),
    bound(observed=-INF),
    bound(observed=NAN),
    bound(rounding=INF),
    bound(rounding=NAN),
    bound(bound=flint.arb("inf")),
    bound(observed=flint.arb("nan")),
    bound(observed=flint.arb(0, "inf")),
    trend(y=[INF, 1.0]),
    trend(y=[NAN, 1.0]),
    trend(rounding=INF),
    trend(rounding=NAN),
    estimate(interval=lambda rate: (NAN, NAN)),
    estimate(interval=lambda rate: (-INF, 0.5)),
    assumption(margin=INF),
    assumption(margin=NAN),
    assumption(rounding=NAN),
    assumption(rounding=INF),
    assumption(margin=flint.arb("inf")),
    assumption(margin=flint.arb("nan")),
    agreement(observed=flint.arb("nan"), tolerance=flint.arb(1)),
]


@pytest.mark.parametrize("finding", ALLOWS_EVERYTHING)
def test_what_is_not_finite_decides_nothing(finding: Any) -> None:
    assert finding.verdict is UNDECIDED
    assert finding.reading


CASTS: list[tuple[Any, Verdict]] = [
    (agreement(predicted=LARGE, observed=LARGE + 1, tolerance=0), FAIL),
    (agreement(predicted=[LARGE, 0.5], observed=[LARGE + 1, 0.5], tolerance=0), FAIL),
    (agreement(predicted=np.array([LARGE]), observed=np.array([LARGE + 1]), tolerance=0), FAIL),
    (agreement(predicted=LARGE + 1, observed=LARGE + 1, tolerance=0), PASS),
    (agreement(predicted=10**400, observed=10**400 + 1, tolerance=0), FAIL),
    (agreement(predicted=10**400, observed=10**400 + 1, tolerance=1), PASS),
    (bound(observed=1 + Fraction(1, 10**30), bound=1), FAIL),
    (bound(observed=Fraction(1, 3), bound=Fraction(1, 3)), PASS),
    (bound(observed=sp.Rational(1, 3), bound=Fraction(333, 1000)), FAIL),
    (bound(observed=Decimal("1.00000000000000000000000001"), bound=1), FAIL),
    (bound(observed=Decimal("0.1"), bound=0.1), PASS),  # the float is a little more than a tenth
    (bound(observed=0.1, bound=Decimal("0.1")), FAIL),
    (bound(observed=flint.fmpq(1, 3), bound=flint.fmpz(0)), FAIL),
    (bound(observed=np.longdouble(1) + np.longdouble(2) ** -60, bound=1.0), FAIL),
    (bound(observed=flint.arb(1, 5), bound=2), UNDECIDED),
    (bound(observed=flint.arb(1, 0.5), bound=2), PASS),
    (bound(observed=flint.arb(3, 0.5), bound=2), FAIL),
    (bound(observed=flint.arb("1e-400"), bound=flint.arb("2e-400")), PASS),
    (bound(observed=flint.arb("2e-400"), bound=flint.arb("1e-400")), FAIL),
    (bound(observed=flint.arb("1e400"), bound=flint.arb("2e400")), PASS),
    (bound(observed=flint.arb_mat([[1, 2]]), bound=2), PASS),
    (bound(observed=1.0, bound=1.0 + 2.0**-53), PASS),
    (agreement(predicted=1e16, observed=1.0, tolerance=1e16 - 2), FAIL),  # the difference 1e16 - 1 is no float64
    (agreement(predicted=1e16, observed=-1.0, tolerance=1e16), FAIL),  # 1e16 + 1 is rounded down
    (assumption(margin=flint.arb("1e-400")), PASS),
    (assumption(margin=flint.arb(1, 5)), UNDECIDED),
    (assumption(margin=Fraction(1, 10**400)), PASS),
    (trend(y=[flint.arb(20), flint.arb(1)]), PASS),
    (trend(y=[flint.arb(20, 15), flint.arb(1)]), UNDECIDED),
    (trend(y=[flint.arb(2), flint.arb(1)]), FAIL),
    (trend(y=[1.0, 0.1]), FAIL),  # ten times the float 0.1 is more than 1
    (trend(y=[LARGE + 1, 1], factor=float(LARGE)), PASS),
]


@pytest.mark.parametrize(("finding", "verdict"), CASTS)
def test_numbers_are_compared_as_they_were_given(finding: Any, verdict: Verdict) -> None:
    assert finding.verdict is verdict
    assert finding.reading


def test_a_gap_below_float64_is_shown_as_the_number_that_it_is() -> None:
    finding = bound(observed=flint.arb("-2e-400"), bound=flint.arb("1e-400"))
    assert finding.reading == "margin 3.00e-400 (why)"
    assert "by 1.00e-400" in bound(observed=flint.arb("2e-400"), bound=flint.arb("1e-400")).reading
    assert "margin 1.00e-400" in assumption(margin=flint.arb("1e-400")).reading
    assert spelled(flint.fmpq(1, 3), 3) == "0.333"
    assert spelled(flint.arb(0), 3) == "0"


BALL = flint.arb(1, 0.1)
GRADES: list[tuple[Any, Grade]] = [
    (agreement(), Grade.NUMERIC),
    (agreement(predicted=BALL, observed=BALL, tolerance=1), Grade.NUMERIC),
    (agreement(predicted=BALL, observed=1.0, tolerance=flint.arb(1)), Grade.NUMERIC),
    (agreement(predicted=BALL, observed=BALL, tolerance=flint.arb(1)), Grade.CERTIFIED),
    (agreement(predicted=BALL, observed=BALL, tolerance=0), Grade.CERTIFIED),
    (bound(), Grade.NUMERIC),
    (bound(observed=BALL), Grade.NUMERIC),
    (bound(bound=BALL), Grade.NUMERIC),
    (bound(observed=[BALL, 1.0], bound=[BALL, BALL]), Grade.NUMERIC),
    (bound(observed=BALL, bound=BALL, rounding=1e-9), Grade.NUMERIC),
    (bound(observed=BALL, bound=BALL), Grade.CERTIFIED),
    (trend(), Grade.NUMERIC),
    (trend(y=[BALL, BALL]), Grade.CERTIFIED),
    (estimate(), Grade.STATISTICAL),
    (assumption(), Grade.NUMERIC),
    (assumption(margin=BALL), Grade.CERTIFIED),
    (Argument(name="a", steps=(Step(expression="x", rule="y"),)), Grade.ARGUED),
]


@pytest.mark.parametrize(("finding", "grade"), GRADES)
def test_the_grade_follows_from_what_was_compared(finding: Any, grade: Grade) -> None:
    assert finding.grade is grade


def test_what_a_finding_holds_does_not_change_afterwards() -> None:
    seen = np.array([1.0, 2.0])
    finding = bound(observed=seen, bound=3.0)
    seen[0] = 9.0
    assert finding.verdict is PASS
    with pytest.raises(ValueError, match="read-only"):
        finding.observed[0] = 0.0


exact_floats = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(exact_floats, exact_floats, exact_floats)
def test_floats_are_compared_like_fractions(left: float, right: float, room: float) -> None:
    found = compare(*(numbers(value, "x") for value in (left, right, room)))
    truth = Fraction(left) - Fraction(right) <= Fraction(room)
    assert (bool(found.at_most), bool(found.above)) == (truth, not truth)


@given(st.lists(st.fractions(), min_size=1, max_size=4), st.integers(-(10**40), 10**40))
def test_fractions_and_balls_are_compared_like_fractions(left: list[Fraction], right: int) -> None:
    found = compare(numbers(left, "x"), numbers(right, "y"), numbers(0, "z"))
    assert found.at_most.tolist() == [value <= right for value in left]
    balls = numbers([flint.arb(flint.fmpq(value.numerator, value.denominator)) for value in left], "x")
    whole = compare(balls, numbers(right, "y"), numbers(0, "z"))
    assert not np.any(whole.at_most & found.above)
    assert not np.any(whole.above & found.at_most)
    assert middles(balls) == pytest.approx([float(value) for value in left])


def test_the_numbers_of_a_sentence_are_numbers_by_name() -> None:
    named = Bound(name="x", observed=0.0, bound=1.0, reason="γ = 2", quantities={"gamma": 2.0})
    assert named.quantities["gamma"] == 2.0
    with pytest.raises(FindingError, match="give numbers by name"):
        Bound(name="x", observed=0.0, bound=1.0, reason="γ = 2", quantities={"gamma": "2"})  # type: ignore[dict-item]
