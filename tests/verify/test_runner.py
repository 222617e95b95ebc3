"""Running a claim: what each kind of evidence and each kind of control does to the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from statistics import NormalDist
from typing import Any

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.claim import (
    Agreement,
    Argument,
    Assumption,
    Bound,
    Check,
    Claim,
    Defect,
    Estimate,
    Finding,
    Grade,
    Identity,
    Step,
    Verdict,
    defect_of_subject,
)
from verify.infer import FAMILY_RATE
from verify.runner import ControlOutcome, Evidence, Foundations, Outcome, run, run_checks, sentence_of

PASS, UNDECIDED, FAIL, ERROR = Verdict
Change = Callable[[float], Any]
CATCHING = ("measure_zero", "measure_and_note", "measure_until_interrupted")
# The subject of these checks is a number that the claim says is zero.


def measure_zero(subject: float) -> Iterator[Agreement]:
    """The number is zero.

    Only the first line is printed.
    """
    yield Agreement(name="zero", predicted=0.0, observed=subject, tolerance=0.5, reason="test")


def measure_nothing(subject: float) -> Iterator[Finding]:
    """Nothing is looked at."""
    yield from ()


def measure_broken(subject: float) -> Iterator[Agreement]:
    """One finding, then a mistake."""
    yield from measure_zero(subject)
    raise RuntimeError("the pipette broke")


def measure_overflow(subject: float) -> Iterator[Agreement]:
    """One finding, then numbers that float64 does not hold."""
    yield from measure_zero(subject)
    raise OverflowError(f"{subject:g} is too large")


def measure_singular(subject: float) -> Iterator[Agreement]:
    """A matrix that is singular to working precision."""
    yield Agreement(
        name="inverse", predicted=1.0, observed=np.linalg.inv(subject * np.eye(1))[0, 0], tolerance=0.5, reason="test"
    )


def derive_overflow(subject: float) -> Iterator[Identity]:
    """A proof holds no numbers that could overflow, so this is a mistake."""
    raise OverflowError("in a proof")
    yield


def measure_unjudgeable(subject: float) -> Iterator[Agreement]:
    """A finding that cannot be judged."""
    yield Agreement(name="shapes", predicted=[1.0, 2.0], observed=[1.0, 2.0, 3.0], tolerance=0.5, reason="test")


def measure_assumption(subject: float) -> Iterator[Assumption]:
    """The number is small."""
    yield Assumption(name="smallness", margin=10 - abs(subject), meaning="below 10")


def derive_unknown(subject: float) -> Iterator[Identity]:
    """An identity nobody can prove."""
    yield Identity(name="x", residual="x - y")


def derive_refuted(subject: float) -> Iterator[Identity]:
    """A wrong identity."""
    yield Identity(name="x", residual="x - y", witness="x = 1, y = 2")


def one_off(subject: float) -> float:
    """The number is one."""
    return subject + 1


def harmless(subject: float) -> float:
    """Nothing is wrong."""
    return subject


def unplantable(subject: float) -> float:
    """A defect that breaks while it is planted."""
    raise ValueError("no soil")


def poison(subject: float) -> Any:
    """The number becomes a word, and checks break."""
    return "word"


def defects(changes: Iterable[Change]) -> dict[str, Defect]:
    return {change.__name__: defect_of_subject(change) for change in changes}


def claim(*checks: Check, controls: tuple[Change, ...] = (one_off,)) -> Claim:
    """A claim in which only the checks that look at the number must catch the controls."""
    checks, planted = tuple(dict.fromkeys(checks)), defects(controls)
    catches = {check: tuple(planted) for check in checks if check.__name__ in CATCHING}
    return Claim(statement="x = 0", checks=checks, controls=planted, catches=catches)


def verdict(*checks: Check, controls: tuple[Change, ...] = (one_off,), subject: float = 0.0) -> Verdict:
    return run(claim(*checks, controls=controls), subject, 0.0).verdict


CASES: list[tuple[dict[str, Any], tuple[Check, ...], Verdict, str]] = [
    ({}, (measure_zero,), PASS, ""),
    ({"subject": 1.0}, (measure_zero,), FAIL, "measure_zero: fail"),
    ({"subject": float("nan")}, (measure_zero,), UNDECIDED, "measure_zero: undecided"),
    ({}, (measure_zero, measure_overflow), UNDECIDED, "measure_overflow: undecided, these numbers are beyond the"),
    ({}, (measure_zero, measure_singular), UNDECIDED, "LinAlgError: Singular matrix"),
    ({"subject": 1.0}, (measure_zero, measure_overflow), FAIL, "measure_overflow: fail, zero"),
    ({}, (measure_zero, derive_overflow), ERROR, "derive_overflow: error, OverflowError: in a proof"),
    ({}, (), ERROR, "no check was made"),  # and the planted defect goes unnoticed
    ({"controls": ()}, (), UNDECIDED, "no check was made"),
    ({}, (measure_zero, measure_nothing), UNDECIDED, "measure_nothing: undecided"),
    ({}, (measure_zero, derive_unknown), UNDECIDED, "derive_unknown: undecided"),
    ({}, (measure_zero, derive_refuted), FAIL, "derive_refuted: fail"),
    ({}, (measure_zero, measure_broken), ERROR, "measure_broken: error"),
    ({}, (measure_zero, measure_unjudgeable), ERROR, "measure_unjudgeable: error"),
    ({"controls": ()}, (measure_zero,), UNDECIDED, "no defect was planted"),
    ({"small": 1.0}, (measure_zero,), UNDECIDED, "the untouched small run is fail, so its controls prove nothing"),
    ({"controls": (harmless,)}, (measure_zero,), ERROR, "a planted defect went unnoticed: Nothing is wrong."),
    ({"controls": (one_off, harmless)}, (measure_zero,), ERROR, "Nothing is wrong. (not planted: "),
    ({"controls": (unplantable,)}, (measure_zero,), ERROR, "went unnoticed: A defect that breaks while it is planted."),
    ({"controls": (poison,)}, (measure_zero,), ERROR, "went unnoticed: The number becomes a word"),
    ({}, (measure_zero, measure_assumption), PASS, ""),
    ({"subject": 11.0}, (measure_zero, measure_assumption), UNDECIDED, "smallness cannot be relied on"),
    ({"subject": 11.0}, (measure_zero, measure_assumption, derive_refuted), FAIL, "derive_refuted: fail"),
    ({"subject": 11.0}, (measure_assumption, measure_broken), ERROR, "measure_broken: error"),
]


@pytest.mark.parametrize(("options", "checks", "expected", "reason"), CASES)
def test_the_verdict_is_the_worst_of_evidence_and_controls(
    options: dict[str, Any], checks: tuple[Check, ...], expected: Verdict, reason: str
) -> None:
    given = {"controls": (one_off,), "subject": 0.0, "small": 0.0} | options
    outcome = run(claim(*checks, controls=given["controls"]), given["subject"], given["small"])
    assert outcome.verdict is expected
    reasons = [text for _, text in outcome.reasons]
    assert any(reason in text for text in reasons) if reason else reasons == []


CHECKS = [measure_zero, measure_nothing, measure_broken, measure_assumption, derive_unknown, derive_refuted]
DEFECTS = [one_off, harmless, unplantable, poison]


@pytest.fixture(scope="module")
def firm_ground() -> Iterator[None]:
    """Tests that run hundreds of claims of floats do not test the libraries hundreds of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verify.ground.outcomes_of", lambda grounds, areas=(): ())
        yield


@pytest.mark.usefixtures("firm_ground")
@given(st.lists(st.sampled_from(CHECKS), max_size=4), st.sampled_from(CHECKS), st.sampled_from([0.0, 1.0, 11.0]))
def test_one_more_check_never_turns_the_claim_into_a_pass(checks: list[Check], extra: Check, subject: float) -> None:
    before = verdict(measure_zero, *checks, subject=subject)
    assert before is PASS or verdict(measure_zero, *checks, extra, subject=subject) is not PASS


@pytest.mark.usefixtures("firm_ground")
@given(st.lists(st.sampled_from(DEFECTS), min_size=1, max_size=3), st.sampled_from(DEFECTS))
def test_one_more_control_never_improves_the_verdict(controls: list[Change], extra: Change) -> None:
    before = verdict(measure_zero, controls=tuple(controls))
    assert verdict(measure_zero, controls=(*controls, extra)) >= before


def test_a_passing_claim_needs_everything_to_pass() -> None:
    outcome = run(claim(measure_zero, measure_assumption), 0.0, 0.0)
    assert (outcome.verdict, outcome.reasons, outcome.baseline) == (PASS, (), PASS)
    assert [item.verdict for item in outcome.evidence] == [PASS, PASS]
    assert Outcome(evidence=(), baseline=PASS, controls=()).verdict is UNDECIDED


def test_evidence_keeps_what_was_found_before_an_error() -> None:
    (item,) = run_checks([measure_broken], 0.0)
    assert item.verdict is ERROR
    assert [finding.name for finding in item.findings] == ["zero"]
    assert item.error is not None
    assert item.error.startswith("RuntimeError: the pipette broke (measure_broken, line ")


def test_evidence_carries_the_check_its_grade_and_its_sentence() -> None:
    first, second = run_checks([measure_zero, derive_unknown], 0.0)
    assert (first.check, first.grade, first.sentence) == ("measure_zero", Grade.NUMERIC, "The number is zero.")
    assert (second.check, second.grade) == ("derive_unknown", Grade.SYMBOLIC)
    assert first.error is None
    assert first.seconds >= 0


def test_a_control_tells_who_caught_it() -> None:
    outcome = run(claim(measure_assumption, measure_zero, controls=(one_off, harmless, unplantable, poison)), 0.0, 0.0)
    caught, missed, unplanted, broken = outcome.controls
    assert caught == ControlOutcome(
        name="one_off", sentence="The number is one.", found=FAIL, caught_by=("measure_zero",)
    )
    assert (missed.found, missed.caught_by) == (ERROR, ())
    assert unplanted.sentence == "A defect that breaks while it is planted. (not planted: no soil)"
    assert (unplanted.found, broken.found) == (ERROR, ERROR)
    assert [control.rejected for control in outcome.controls] == [True, False, False, False]


@pytest.mark.parametrize("found", [PASS, UNDECIDED, ERROR])
def test_only_a_failed_check_rejects_a_control(found: Verdict) -> None:
    assert not ControlOutcome(name="c", sentence="c", found=found, caught_by=()).rejected
    assert ControlOutcome(name="c", sentence="c", found=FAIL, caught_by=()).rejected


def test_checks_and_controls_are_announced_in_order() -> None:
    heard: list[str] = []
    run(claim(measure_zero, measure_assumption, controls=(one_off,)), 0.0, 0.0, heard.append)
    assert heard == [
        "what the evidence rests on",
        "The number is zero.",
        "The number is small.",
        "controls: the untouched small run",
        "control: The number is one.",
    ]


def test_a_function_without_a_docstring_is_called_by_its_name() -> None:
    def measure_silence(subject: float) -> Iterator[Finding]:
        yield from ()

    assert sentence_of(measure_silence) == "measure_silence"


@pytest.mark.parametrize("place", ["subject", "control"])
def test_an_interrupt_passes_through(place: str) -> None:
    def measure_until_interrupted(subject: float) -> Iterator[Finding]:
        if (subject == 1.0) == (place == "control"):
            raise KeyboardInterrupt
        yield from measure_zero(0.0)

    with pytest.raises(KeyboardInterrupt):
        run(claim(measure_until_interrupted), 0.0, 0.0)


def test_an_assumption_whose_margin_is_not_a_number_leaves_the_claim_undecided() -> None:
    assert verdict(measure_zero, measure_assumption, subject=float("nan")) is UNDECIDED


def estimating(*deviations: float) -> Check:
    """A check whose estimates lie so many standard deviations outside what the claim allows."""

    def estimate_all(subject: float) -> Iterator[Estimate]:
        for deviation in deviations:
            yield Estimate(name="e", allowed=(-1.0, 0.0), interval=normal(deviation), reason="test")

    return estimate_all


def normal(centre: float) -> Callable[[float], tuple[float, float]]:
    def interval(rate: float) -> tuple[float, float]:
        reach = -NormalDist().inv_cdf(rate / 2)
        return centre - reach, centre + reach

    return interval


def decided(*checks: Check) -> list[tuple[float, Verdict]]:
    evidence: tuple[Evidence, ...] = run_checks(checks, 0.0)
    return [(f.rate, f.verdict) for item in evidence for f in item.findings if isinstance(f, Estimate)]


def test_estimates_share_their_rate_over_all_checks_of_a_run() -> None:
    # 3.4 deviations have a p-value of 6.7e-4: significant at the whole rate 1e-3, not at half of it
    assert decided(estimating(3.4)) == [(FAMILY_RATE, FAIL)]
    assert decided(estimating(3.4, 3.4)) == [(FAMILY_RATE / 2, UNDECIDED)] * 2
    assert decided(estimating(3.4), measure_zero, estimating(3.4)) == [(FAMILY_RATE / 2, UNDECIDED)] * 2
    assert decided(estimating(3.4), estimating(30.0)) == [(FAMILY_RATE, FAIL), (FAMILY_RATE / 2, FAIL)]


def test_correction_leaves_other_findings_and_errors_alone() -> None:
    def estimate_then_break(subject: float) -> Iterator[Finding]:
        yield from measure_zero(subject)
        yield from estimating(3.4)(subject)
        raise RuntimeError("later")

    first, second = run_checks([estimate_then_break, estimating(3.4)], 0.0)
    assert [type(finding).__name__ for finding in first.findings] == ["Agreement", "Estimate"]
    assert (first.verdict, second.verdict) == (ERROR, UNDECIDED)


@pytest.mark.parametrize("below", [UNDECIDED, FAIL, ERROR])
def test_a_claim_cannot_pass_on_a_foundation_that_did_not(below: Verdict) -> None:
    outcome = run(claim(measure_zero), 0.0, 0.0, foundations=[("lemma1", PASS), ("lemma2", below)])
    assert outcome.verdict is UNDECIDED
    assert [text for _, text in outcome.reasons] == [f"it rests on lemma2, which is {below}"]
    assert run(claim(measure_zero), 0.0, 0.0, foundations=[("lemma1", PASS)]).verdict is PASS


def test_each_foundation_is_checked_once_on_the_small_subject() -> None:
    seen: list[float] = []

    def measure_and_note(subject: float) -> Iterator[Finding]:
        """Seen."""
        seen.append(subject)
        yield from measure_zero(subject)

    below = Foundations(load=lambda name: claim(measure_and_note), small=1.0)
    assert below.verdicts(["lemma1"], lambda text: None) == [("lemma1", FAIL)]
    assert below.verdicts(["lemma1"], lambda text: None) == [("lemma1", FAIL)]
    assert seen == [1.0]


def test_a_restricted_run_gathers_one_grade_but_its_controls_face_every_check() -> None:
    outcome = run(claim(derive_unknown, measure_zero), 0.0, 0.0, grades=[Grade.NUMERIC])
    assert [item.check for item in outcome.evidence] == ["measure_zero"]
    assert outcome.controls[0].caught_by == ("measure_zero",)
    assert run(claim(measure_zero), 0.0, 0.0, grades=[Grade.SYMBOLIC]).verdict is UNDECIDED


# Which planted defects each check must catch


def measure_sign(subject: float) -> Iterator[Bound]:
    """Refuted below zero, undecided above it."""
    yield Bound(name="sign", observed=-subject, bound=0.0, rounding=2 * max(subject, 0.0), reason="test")


def minus_one(subject: float) -> float:
    """The number is minus one."""
    return subject - 1


def catching(catches: dict[Check, tuple[Change, ...]], *controls: Change, checks: tuple[Check, ...] = ()) -> Outcome:
    names = {check: tuple(defects(caught)) for check, caught in catches.items()}
    made = Claim(statement="x = 0", checks=checks or tuple(catches), controls=defects(controls), catches=names)
    return run(made, 0.0, 0.0)


CATCHES: list[tuple[dict[Check, tuple[Change, ...]], tuple[Change, ...], Verdict, str]] = [
    ({measure_zero: (one_off,)}, (one_off,), PASS, ""),
    ({measure_zero: (one_off,), measure_assumption: ()}, (one_off,), PASS, ""),  # assumptions cannot fail
    ({measure_zero: (one_off, minus_one), measure_sign: (minus_one,)}, (one_off, minus_one), PASS, ""),
    ({measure_zero: (one_off,), measure_sign: ()}, (one_off,), UNDECIDED, "measure_sign catches no planted defect"),
    ({measure_zero: (one_off,), measure_sign: (one_off,)}, (one_off,), ERROR, "The number is one. (by measure_sign)"),
    ({measure_zero: (one_off,)}, (one_off, minus_one), ERROR, "no check is meant to catch it"),
    ({measure_zero: (harmless,)}, (harmless,), ERROR, "the checks that are meant to catch it see no difference"),
    ({measure_zero: (poison,)}, (poison,), ERROR, "The number becomes a word, and checks break. (by measure_zero)"),
    ({measure_zero: (unplantable,)}, (unplantable,), ERROR, "not planted: no soil"),
]


@pytest.mark.parametrize(("catches", "controls", "expected", "reason"), CATCHES)
def test_every_check_that_must_catch_a_defect_fails_on_it_and_no_check_is_idle(
    catches: dict[Check, tuple[Change, ...]], controls: tuple[Change, ...], expected: Verdict, reason: str
) -> None:
    outcome = catching(catches, *controls)
    assert outcome.verdict is expected
    assert reason in "; ".join(text for _, text in outcome.reasons)


def test_a_number_that_became_nan_is_not_rejected() -> None:
    def lost(subject: float) -> float:
        """The number is lost."""
        return float("nan")

    (control,) = catching({measure_zero: (lost,)}, lost).controls
    assert (control.found, control.missed_by) == (UNDECIDED, ("measure_zero",))


def test_what_fails_without_the_defect_rejects_nothing() -> None:
    outcome = run(claim(measure_zero, controls=(harmless,)), 1.0, 1.0)
    assert not outcome.controls[0].rejected


def test_a_check_that_finds_nothing_is_idle_too() -> None:
    assert catching({measure_zero: (one_off,), measure_nothing: ()}, one_off).idle == ("measure_nothing",)


def test_catches_names_checks_and_controls_of_the_claim() -> None:
    with pytest.raises(ValueError, match="measure_sign is no check or control of this claim; add it or drop its name"):
        catching({measure_sign: (one_off,)}, one_off, checks=(measure_zero,))
    with pytest.raises(ValueError, match="minus_one is no check or control of this claim"):
        catching({measure_zero: (minus_one,)}, one_off)


def test_of_a_foundation_with_proofs_only_these_are_made() -> None:
    below = Foundations(load=lambda name: claim(derive_refuted, measure_broken), small=0.0)
    assert below.verdicts(["lemma1"], lambda text: None) == [("lemma1", FAIL)]


def derive_by_measuring(subject: float) -> Iterator[Finding]:
    """Floats agree."""
    yield from measure_zero(subject)


def derive_by_hand(subject: float) -> Iterator[Finding]:
    """An identity that nobody proved."""
    yield Identity(name="x", residual="0")


def certify_by_floats(subject: float) -> Iterator[Finding]:
    """Floats below a bound."""
    yield Bound(name="b", observed=0.0, bound=1.0, reason="test")


def estimate_by_measuring(subject: float) -> Iterator[Finding]:
    """Floats agree."""
    yield from measure_zero(subject)


def measure_by_balls(subject: float) -> Iterator[Finding]:
    """Balls below a bound."""
    yield Bound(name="b", observed=flint.arb(0), bound=flint.arb(1), reason="test")


def certify_by_balls(subject: float) -> Iterator[Finding]:
    """Balls below a bound."""
    yield from measure_by_balls(subject)


def argue_in_prose(subject: float) -> Iterator[Finding]:
    """A step in prose."""
    yield Argument(name="a", steps=(Step(expression="it is so", rule="clearly"),))


def measure_twice(subject: float) -> Iterator[Finding]:
    """One name for two findings."""
    yield from measure_zero(subject)
    yield from measure_zero(subject)


class Certain(Agreement):
    """A finding of its own kind."""

    @property
    def verdict(self) -> Verdict:
        return PASS


def measure_with_own_kind(subject: float) -> Iterator[Finding]:
    """A verdict that is assigned."""
    yield Certain(name="c", predicted=0.0, observed=9.0, tolerance=0.1, reason="trust me")


def estimate_inverted_at_small_rates(subject: float) -> Iterator[Estimate]:
    """An interval that makes sense at some error rates only."""
    yield Estimate(
        name="e",
        allowed=(0.0, 1.0),
        reason="test",
        interval=lambda rate: (0.2, 0.8) if rate >= FAMILY_RATE else (0.8, 0.2),
    )
    yield Estimate(name="f", allowed=(0.0, 1.0), interval=lambda rate: (0.2, 1.8), reason="t")


OBJECTIONS: list[tuple[Check, Grade, str]] = [
    (derive_by_measuring, Grade.NUMERIC, "its name says symbolic, but 'zero' is numeric evidence"),
    (derive_by_hand, Grade.ARGUED, "its name says symbolic, but 'x' is argued evidence"),
    (certify_by_floats, Grade.NUMERIC, "its name says certified, but 'b' is numeric evidence"),
    (estimate_by_measuring, Grade.NUMERIC, "its name says statistical, but 'zero' is numeric evidence"),
    (measure_twice, Grade.NUMERIC, "two of its findings are called 'zero'; a name stands for one finding"),
    (measure_with_own_kind, Grade.NUMERIC, "it yields a Certain, which is no finding"),
    (estimate_inverted_at_small_rates, Grade.STATISTICAL, "e: the interval [0.8, 0.2] ends before it begins"),
]


@pytest.mark.parametrize(("check", "grade", "message"), OBJECTIONS)
def test_a_check_that_says_more_than_it_found_is_an_error(check: Check, grade: Grade, message: str) -> None:
    (item,) = run_checks([check], 0.0)
    assert (item.verdict, item.grade, item.error) == (ERROR, grade, message)


@pytest.mark.parametrize(
    ("check", "grade"),
    [
        (measure_by_balls, Grade.NUMERIC),
        (certify_by_balls, Grade.CERTIFIED),
        (argue_in_prose, Grade.ARGUED),
        (measure_zero, Grade.NUMERIC),
        (derive_unknown, Grade.SYMBOLIC),
    ],
)
def test_a_check_is_as_strong_as_its_weakest_finding_and_its_name(check: Check, grade: Grade) -> None:
    (item,) = run_checks([check], 0.0)
    assert (item.error, item.grade) == (None, grade)


def test_a_check_that_changes_its_subject_is_an_error() -> None:
    def measure_and_sort(subject: dict[str, Any]) -> Iterator[Finding]:
        """The largest is last."""
        subject["values"].sort()
        yield Agreement(name="last", predicted=3.0, observed=subject["values"][-1], tolerance=0.0, reason="test")

    (item,) = run_checks([measure_and_sort], {"values": [3.0, 1.0]})
    assert item.error == "it changes the subject['values'], which later checks look at"
    (item,) = run_checks([measure_and_sort], {"values": [1.0, 3.0]})
    assert item.verdict is PASS


def test_prose_alone_makes_no_pass() -> None:
    outcome = run(claim(argue_in_prose), 0.0, 0.0)
    assert (UNDECIDED, "whatever speaks for it is argued in prose") in outcome.reasons
    assert run(claim(argue_in_prose, measure_zero), 0.0, 0.0).verdict is PASS


def test_checks_have_names_of_their_own_and_what_is_dropped_is_a_control() -> None:
    with pytest.raises(ValueError, match="two checks are called 'measure_zero'; give each its own name"):
        Claim(statement="x", checks=(measure_zero,) * 2, controls=defects([one_off]))
    with pytest.raises(ValueError, match="minus_one is no check or control of this claim"):
        Claim(statement="x", checks=(measure_zero,), controls=defects([one_off]), drops=("minus_one",))
