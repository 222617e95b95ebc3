"""Findings compute their verdicts: every branch, what a nan or nothing means, and that laxity never hurts."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from verify.claim import (
    Agreement,
    Argument,
    Assumption,
    Bound,
    Estimate,
    Finding,
    FindingError,
    Grade,
    Identity,
    Step,
    Trend,
    Verdict,
    grade_of,
    worst,
)
from verify.prove.inequalities.scalar_identity import prove_scalars

PASS, UNDECIDED, FAIL, ERROR = Verdict
NAN, INF = float("nan"), float("inf")
numbers = st.floats(-1e6, 1e6)
sizes = st.floats(0, 1e6)
arrays = st.lists(numbers, min_size=1, max_size=4)


def agreement(predicted: Any, observed: Any, tolerance: Any = 0.5) -> Agreement:
    return Agreement(name="a", predicted=predicted, observed=observed, tolerance=tolerance, reason="why")


def bound(observed: Any, limit: Any, rounding: Any = 0.0, **more: Any) -> Bound:
    return Bound(name="b", observed=observed, bound=limit, rounding=rounding, reason="why", **more)


def trend(y: Any, factor: float = 10.0, expected: Any = "falls", **more: Any) -> Trend:
    return Trend(name="t", x=np.arange(len(y)), y=y, expected=expected, factor=factor, reason="why", **more)


def estimate(low: float, high: float, allowed: tuple[float, float] = (0.0, 1.0), resolution: float = 0.0) -> Estimate:
    return Estimate(name="e", allowed=allowed, interval=lambda rate: (low, high), resolution=resolution, reason="why")


def assumption(margin: float, rounding: float = 0.0) -> Assumption:
    return Assumption(name="s", margin=margin, meaning="something holds", rounding=rounding)


def test_verdicts_are_ordered_and_named() -> None:
    assert PASS < UNDECIDED < FAIL < ERROR
    assert [str(verdict) for verdict in Verdict] == ["pass", "undecided", "fail", "error"]


def test_the_worst_verdict_counts_and_no_evidence_is_undecided() -> None:
    assert worst([]) is UNDECIDED
    assert worst([PASS, PASS]) is PASS
    assert worst([PASS, ERROR, FAIL, UNDECIDED]) is ERROR


BRANCHES: list[tuple[Finding, Verdict, str]] = [
    (prove_scalars("i", 1, 1), PASS, "proved for all dimensions"),
    (Identity(name="i", residual="0"), UNDECIDED, "not proved: no prover made this identity"),
    (Identity(name="i", residual="A B"), UNDECIDED, "not proved; what remains: A B"),
    (Identity(name="i", residual="A B", witness="A = 2"), FAIL, "refuted: A = 2"),
    (Identity(name="i", residual="0", witness="A = 2"), FAIL, "refuted: A = 2"),
    (agreement(1.0, 1.5), PASS, "largest difference 0.5, tolerance 0.5 (why)"),
    (agreement(1.0, 1.75), FAIL, "largest difference 0.75, tolerance 0.5 (why)"),
    (agreement([1.0, 2.0], [1.0, 9.0]), FAIL, "largest difference 7, tolerance 0.5"),
    (agreement([1.0, 2.0], [1.0, NAN]), UNDECIDED, "largest difference nan"),
    (agreement(1.0, 1.0, NAN), UNDECIDED, "tolerance nan"),
    (agreement(INF, INF), UNDECIDED, "largest difference nan"),
    (agreement(1.0, INF), UNDECIDED, "largest difference inf"),
    (agreement(1.0, INF, INF), UNDECIDED, "largest difference inf, tolerance inf"),
    (agreement(1.0, 9.0, 0.0), FAIL, "largest difference 8, tolerance 0 (why)"),
    (agreement([], []), UNDECIDED, "nothing to compare"),
    (agreement(1.0, 1.0, []), UNDECIDED, "nothing to compare"),
    (agreement([[1.0], [2.0]], [1.0, 2.0], 1.0), PASS, "largest difference 1, tolerance 1"),
    (agreement(1.0, 1.0, [0.5, 0.25]), PASS, "largest difference 0, tolerance 0.5"),
    (agreement(1.0, 1.3, [0.5, 0.25]), FAIL, "largest difference 0.3, tolerance 0.25"),
    (bound(1.0, 4.0), PASS, "slack 4 (why)"),
    (bound([1.0, 2.0], [4.0, 3.0]), PASS, "slack 1.5 (why)"),
    (bound([-1.0, 0.0], [4.0, 3.0]), PASS, "margin 3 (why)"),
    (bound(2.0, 2.0), PASS, "slack 1 (why)"),
    (bound(3.0, 2.0), FAIL, "violated: observed exceeds the bound by 1 (why)"),
    (bound([3.0, 9.0], 2.0), FAIL, "violated: observed exceeds the bound by 7 (why)"),
    (bound(2.1, 2.0, 0.2), UNDECIDED, "within rounding error 0.2 (why)"),
    (bound(1.9, 2.0, 0.2), UNDECIDED, "within rounding error 0.2 (why)"),
    (bound(1.5, 2.0, 0.2), PASS, "slack 1.33"),
    (bound([1.0, 2.0], 2.0, [0.0, 0.5]), UNDECIDED, "within rounding error 0.5"),
    (bound([1.0, 2.0, 9.0], 2.0, 0.5), FAIL, "by 7"),
    (bound(NAN, 2.0), UNDECIDED, "not a number, which decides nothing (why)"),
    (bound([1.0, 2.0], [2.0, NAN]), UNDECIDED, "not a number, which decides nothing (why)"),
    (bound([3.0, 2.0], [2.0, NAN]), FAIL, "not a number, which decides nothing (why)"),
    (bound(1.0, 2.0, NAN), UNDECIDED, "(why)"),
    (bound(INF, INF), UNDECIDED, "not a number"),
    (bound(INF, 2.0), UNDECIDED, "not a number"),
    (bound(1.0, INF), UNDECIDED, "not a number, which decides nothing, vacuous (why)"),
    (bound(1.0, 2.0, ceiling=1.5), PASS, "slack 2, vacuous (why)"),
    (bound(1.0, [2.0, 1.2], ceiling=1.5), PASS, "slack 1.2 (why)"),
    (bound([], []), UNDECIDED, "nothing to compare"),
    (bound(1.0, 0.0, []), UNDECIDED, "within rounding error 0"),
    (trend([100.0, 30.0, 1.0]), PASS, "from 100 to 1, a factor of 100; required 10 (why)"),
    (trend([100.0, 200.0, 10.0]), PASS, "a factor of 10; required 10"),
    (trend([100.0, 11.0]), FAIL, "a factor of 9.09; required 10"),
    (trend([100.0, 0.0]), PASS, "from 100 to 0, to zero"),
    (trend([5.0]), FAIL, "from 5 to 5, a factor of 1"),
    (trend([1.0, 30.0], expected="rises"), PASS, "from 1 to 30, a factor of 30"),
    (trend([1.0, 3.0], expected="rises"), FAIL, "from 1 to 3, a factor of 3"),
    (trend([100.0, 9.9], rounding=0.1), UNDECIDED, "required 10"),
    (trend([100.0, 10.05], rounding=0.1), UNDECIDED, "required 10"),
    (trend([100.0, 8.0], rounding=0.1), PASS, "a factor of 12.5"),
    (trend([100.0, -0.05], rounding=0.1), PASS, "to zero"),
    (trend([100.0, -1.0], rounding=0.1), FAIL, "negative (-1), which is impossible"),
    (trend([100.0, NAN, 1.0], x_label="step"), UNDECIDED, "not a number at step 1"),
    (trend([100.0, INF]), UNDECIDED, "not a number at x 1"),
    (trend([]), UNDECIDED, "no points"),
    (estimate(0.2, 0.8), PASS, "in [0.2, 0.8] at error rate 0.001; claimed within [0, 1] (why)"),
    (estimate(0.0, 1.0), PASS, "in [0, 1]"),
    (estimate(-0.2, 0.8), UNDECIDED, "in [-0.2, 0.8]"),
    (estimate(0.8, 1.2), UNDECIDED, "in [0.8, 1.2]"),
    (estimate(1.1, 1.2), FAIL, "in [1.1, 1.2]"),
    (estimate(-0.2, -0.1), FAIL, "in [-0.2, -0.1]"),
    (estimate(0.9, 1.1, (1.0, 1.0), 0.2), PASS, "claimed 1, resolved to 0.2"),
    (estimate(0.7, 1.1, (1.0, 1.0), 0.2), UNDECIDED, "claimed 1"),
    (estimate(1.05, 1.1, (1.0, 1.0), 0.2), FAIL, "claimed 1"),
    (estimate(NAN, 0.5), UNDECIDED, "in [nan, 0.5]"),
    (estimate(0.5, INF), UNDECIDED, "in [0.5, inf]"),
    (estimate(0.2, 0.8, (NAN, 1.0)), UNDECIDED, "in [0.2, 0.8]"),
    (estimate(0.2, 0.8, (-INF, 1.0)), PASS, "claimed within [-inf, 1]"),
    (assumption(0.5), PASS, "holds, margin 0.5: something holds"),
    (assumption(0.0), UNDECIDED, "does not hold, margin 0"),
    (assumption(-1.0), UNDECIDED, "does not hold"),
    (assumption(0.1, 0.2), UNDECIDED, "not decided beyond rounding 0.2, margin 0.1"),
    (assumption(INF), UNDECIDED, "not known, margin inf"),
    (assumption(NAN), UNDECIDED, "not known, margin nan"),
    (assumption(1.0, NAN), UNDECIDED, "not known, margin 1"),
]


@pytest.mark.parametrize(("finding", "verdict", "reading"), BRANCHES)
def test_a_finding_judges_itself_and_says_why(finding: Finding, verdict: Verdict, reading: str) -> None:
    assert finding.verdict is verdict
    assert reading in finding.reading


def test_an_identity_keeps_its_derivation() -> None:
    proved = prove_scalars("i", 1, 1)
    assert (proved.status, proved.derivation[0].rule) == ("proved", "the constant computed from the derivation")


def test_only_a_prover_makes_an_identity_that_counts() -> None:
    proved, unknown = prove_scalars("i", 1, 1), prove_scalars("i", sp.Symbol("x", positive=True), 1)
    forged = [
        Identity(name="i", residual="0", derivation=proved.derivation),
        replace(proved, name="another"),
        replace(unknown, residual="0", witness=None),
    ]
    assert [identity.status for identity in forged] == ["unknown"] * 3
    assert [identity.grade for identity in forged] == [Grade.ARGUED] * 3
    assert proved.grade is unknown.grade is Grade.SYMBOLIC
    assert pickle.loads(pickle.dumps(proved)).status == copy.deepcopy(proved).status == "proved"
    with pytest.raises(FindingError, match="a finding is called ''; give it a name"):
        Identity(name="", residual="0")


def test_a_step_in_prose_says_that_nothing_checked_it() -> None:
    argued = Argument(name="a", steps=(Step(expression="it is null", rule="analytic"),), source="Lojasiewicz 1959")
    assert argued.reading == "argued in prose, checked by no machine; it rests on Lojasiewicz 1959"
    assert replace(argued, source="").reading == "argued in prose, checked by no machine"


@pytest.mark.parametrize(
    "finding",
    [agreement(1.0, 1.0), bound(1.0, 2.0), trend([20.0, 1.0]), estimate(0.2, 0.8), assumption(1.0)],
    ids=lambda finding: type(finding).__name__,
)
def test_a_finding_of_another_instance_says_so(finding: Any) -> None:
    assert finding.elsewhere == ""
    assert "instance" not in finding.reading
    moved = replace(finding, elsewhere="literal")
    assert moved.reading == finding.reading + ", on the literal instance"
    assert moved.verdict is finding.verdict


def test_slack_is_the_tightest_ratio() -> None:
    assert bound([1.0, 2.0, -5.0], [8.0, 3.0, 0.0]).slack == 1.5
    assert bound([4.0], [2.0]).slack == 0.5
    assert bound([0.0], [1.0]).slack == INF


@given(arrays, arrays, sizes, sizes)
def test_a_looser_tolerance_never_worsens_agreement(a: list[float], b: list[float], small: float, more: float) -> None:
    b = (b * len(a))[: len(a)]
    assert agreement(a, b, small + more).verdict <= agreement(a, b, small).verdict


@given(numbers, numbers, sizes)
def test_agreement_is_symmetric(a: float, b: float, tolerance: float) -> None:
    assert agreement(a, b, tolerance).verdict is agreement(b, a, tolerance).verdict


@given(numbers, numbers, sizes, sizes)
def test_a_larger_bound_never_worsens_the_verdict(observed: float, limit: float, more: float, rounding: float) -> None:
    assert bound(observed, limit + more, rounding).verdict <= bound(observed, limit, rounding).verdict


@given(arrays, arrays, numbers, sizes)
def test_more_entries_never_improve_the_verdict(
    observed: list[float], more: list[float], limit: float, rounding: float
) -> None:
    assert bound(observed + more, limit, rounding).verdict >= bound(observed, limit, rounding).verdict


@given(numbers, numbers, sizes)
def test_rounding_only_ever_leads_to_undecided(observed: float, limit: float, rounding: float) -> None:
    exact, blurred = bound(observed, limit).verdict, bound(observed, limit, rounding).verdict
    assert blurred in (exact, UNDECIDED)


@given(st.lists(sizes, min_size=2, max_size=5), st.floats(1, 100), st.floats(1, 100), sizes)
def test_a_smaller_factor_never_worsens_a_trend(y: list[float], factor: float, more: float, rounding: float) -> None:
    mild, strict = trend(y, factor, rounding=rounding), trend(y, factor * more, rounding=rounding)
    assert mild.verdict <= strict.verdict


@given(st.lists(sizes, min_size=2, max_size=5), st.floats(1, 100), sizes)
def test_falling_is_rising_backwards(y: list[float], factor: float, rounding: float) -> None:
    backwards = trend(y[::-1], factor, "rises", rounding=rounding)
    assert backwards.verdict is trend(y, factor, rounding=rounding).verdict


@given(numbers, sizes, numbers, sizes, sizes, sizes)
def test_allowing_more_never_worsens_an_estimate(
    low: float, width: float, start: float, length: float, more: float, resolution: float
) -> None:
    narrow = estimate(low, low + width, (start, start + length), resolution)
    wide = estimate(low, low + width, (start - more, start + length + more), resolution)
    blunt = estimate(low, low + width, (start, start + length), resolution + more)
    assert wide.verdict <= narrow.verdict
    assert blunt.verdict <= narrow.verdict


@given(numbers, sizes, sizes, numbers, sizes)
def test_a_wider_interval_only_ever_leads_to_undecided(
    low: float, width: float, more: float, start: float, length: float
) -> None:
    narrow = estimate(low, low + width, (start, start + length)).verdict
    wide = estimate(low - more, low + width + more, (start, start + length)).verdict
    assert wide in (narrow, UNDECIDED)


def test_an_estimate_is_judged_at_its_own_rate() -> None:
    finding = Estimate(
        name="e", allowed=(0.0, 1.0), interval=lambda rate: (0.5, 0.5 - np.log10(rate) / 4), reason="why", rate=1e-3
    )
    assert finding.interval(1e-3)[1] > 1
    assert finding.verdict is finding.verdict_at(1e-3) is UNDECIDED
    assert finding.verdict_at(0.1) is PASS


@given(numbers, sizes, sizes)
def test_a_larger_margin_never_worsens_an_assumption(margin: float, more: float, rounding: float) -> None:
    assert assumption(margin + more, rounding).verdict <= assumption(margin, rounding).verdict


def checks_named(name: str) -> Any:
    def check(subject: Any) -> Iterator[Finding]:
        yield from ()

    check.__name__ = name
    return check


@pytest.mark.parametrize(
    ("name", "grade"),
    [
        ("derive_gradient", Grade.SYMBOLIC),
        ("certify_bound", Grade.CERTIFIED),
        ("estimate_rate", Grade.STATISTICAL),
        ("measure_gap", Grade.NUMERIC),
    ],
)
def test_the_name_of_a_check_declares_its_grade(name: str, grade: Grade) -> None:
    assert grade_of(checks_named(name)) is grade


@pytest.mark.parametrize("name", ["prove_gradient", "measured_gap", "check"])
def test_a_check_without_a_grade_is_refused(name: str) -> None:
    message = f"check '{name}' must start with one of derive, certify, estimate, measure"
    with pytest.raises(ValueError, match=re.escape(message)):
        grade_of(checks_named(name))
