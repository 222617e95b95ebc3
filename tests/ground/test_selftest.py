"""Self-tests: what they are, what a claim rests on, and that a broken one costs the verdict."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import flint
import pytest

from verify.certify.compare import bound_of
from verify.claim import Agreement, Bound, Claim, Verdict, defect_of_subject
from verify.ground import AREAS, SelfTest, areas_of, grounds_of, once_more, outcomes_of
from verify.runner import run


def a_test(check: Any, *, area: str = "arrays", loaded: str = "builtins") -> SelfTest:
    return SelfTest(name="one and one", area=area, against="fingers", check=check, loaded=loaded)


def breaks_down() -> str | None:
    raise ArithmeticError("no such number")


def measure_sum(subject: Any) -> Iterator[Agreement]:
    """One and one are two."""
    yield Agreement(name="sum", predicted=2.0, observed=float(subject), tolerance=0.0, reason="exact")


def certify_sum(subject: Any) -> Iterator[Bound]:
    """One and one are at most two."""
    yield bound_of("sum", [flint.arb(int(subject))], [flint.arb(2)], "exact")


@defect_of_subject
def larger(subject: Any) -> Any:
    """The sum is larger."""
    return 3


class Two(int):
    """A subject with a self-test of its own."""

    trouble: str | None = None
    area = "network"

    def grounds(self) -> Iterator[SelfTest]:
        yield a_test(lambda: self.trouble, area=self.area)


CLAIM = Claim(
    statement="1 + 1 = 2", checks=(measure_sum,), controls=dict(larger=larger), catches={measure_sum: ("larger",)}
)


def test_every_ground_of_the_toolkit_holds() -> None:
    outcomes = outcomes_of(grounds_of(None))
    assert [(test.name, test.trouble) for test in outcomes if test.trouble] == []
    assert len(outcomes) >= 25
    assert len({test.name for test in outcomes}) == len(outcomes)
    assert {test.area for test in outcomes} == {"exact", "balls", "arrays", "laws"}


def test_what_raises_has_failed_and_what_is_not_loaded_is_not_tested() -> None:
    assert [test.trouble for test in outcomes_of([a_test(breaks_down)])] == ["ArithmeticError: no such number"]
    assert outcomes_of([a_test(breaks_down, loaded="no.such.module")]) == ()
    assert outcomes_of([a_test(breaks_down)], areas=("laws",)) == ()


def test_an_unknown_area_is_refused() -> None:
    with pytest.raises(ValueError, match="area = 'sand'"):
        a_test(lambda: None, area="sand")


def test_two_rounds_keep_the_first_trouble_and_add_the_time() -> None:
    [good], [bad] = outcomes_of([a_test(lambda: None)]), outcomes_of([a_test(lambda: "three")])
    [joined] = once_more([good], [bad])
    assert joined.trouble == "three"
    assert joined.seconds == good.seconds + bad.seconds
    assert [test.trouble for test in once_more([bad], [good])] == ["three"]
    assert len(once_more([], [good])) == 1


def test_an_unlisted_grade_rests_on_everything() -> None:
    assert areas_of(["numeric"]) == areas_of(["argued"]) == frozenset(AREAS)
    assert areas_of(["symbolic"]) == {"exact", "balls"}
    assert areas_of(["certified", "symbolic"]) == {"exact", "balls", "arrays"}
    assert "network" not in areas_of(["statistical"])


def test_a_claim_on_broken_ground_is_an_error_that_names_it() -> None:
    subject = Two(2)
    assert run(CLAIM, subject, 2).verdict is Verdict.PASS
    subject.trouble = "it is three"
    outcome = run(CLAIM, subject, 2)
    assert outcome.verdict is Verdict.ERROR
    assert not outcome.sound
    assert outcome.reasons[0][1] == "what it rests on is broken, one and one: it is three"


def test_a_claim_is_untouched_by_ground_that_it_does_not_rest_on() -> None:
    subject = Two(2)
    subject.trouble = "it is three"
    certified = replace(CLAIM, checks=(certify_sum,), catches={certify_sum: ("larger",)})
    assert run(certified, subject, 2).verdict is Verdict.PASS
    assert run(certified, subject, 2, below=["numeric"]).verdict is Verdict.ERROR


def test_ground_that_breaks_while_the_checks_run_is_found_out() -> None:
    subject = Two(2)

    def measure_and_break(value: Any) -> Iterator[Agreement]:
        """One and one are two, for the last time."""
        yield from measure_sum(value)
        subject.trouble = "it is three now"

    outcome = run(replace(CLAIM, checks=(measure_and_break,), catches={measure_and_break: ("larger",)}), subject, 2)
    assert outcome.verdict is Verdict.ERROR
    assert "it is three now" in outcome.reasons[0][1]
