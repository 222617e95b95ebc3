"""What a self-test is, what its outcome is, and which of them a piece of evidence rests on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

# What is tested: exact arithmetic (sympy, fractions, flint's rationals), balls (python-flint), arrays (numpy, scipy,
# scikit-learn), laws (quantiles and tails), random (what is drawn), network (torch).
AREAS = ("exact", "balls", "arrays", "laws", "random", "network")
# Identities are evaluated on exact instances, inequalities in balls. Balls are made from arrays. Every number of the
# limit is a symbolic formula evaluated in balls, so what is measured or sampled rests on those two as well.
RESTS_ON: dict[str, tuple[str, ...]] = {
    "symbolic": ("exact", "balls"),
    "certified": ("exact", "balls", "arrays"),
    "statistical": ("exact", "balls", "arrays", "laws", "random"),
}


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """One comparison: `check` returns None, or a sentence that says what is wrong.

    Args:
        name: what is tested.
        area: one of AREAS.
        against: what it is compared with.
        loaded: a module without which nothing of this run can have called what is tested; it then is not tested, since
            loading it would take longer than all the tests.

    Raises:
        ValueError: the area is unknown.
    """

    name: str
    area: str
    against: str
    check: Callable[[], str | None]
    loaded: str = "builtins"

    def __post_init__(self) -> None:
        if self.area not in AREAS:
            raise ValueError(f"area = {self.area!r} of the self-test {self.name!r} is none of {', '.join(AREAS)}")


@dataclass(frozen=True, kw_only=True)
class Tested:
    """The outcome of a self-test; `trouble` is None where it passed."""

    name: str
    area: str
    against: str
    seconds: float
    trouble: str | None


def outcomes_of(tests: Iterable[SelfTest], areas: Container[str] = AREAS) -> tuple[Tested, ...]:
    """Run the self-tests of these areas, of what is loaded. An exception is a failure, like any wrong answer."""
    return tuple(_tested(test) for test in tests if test.area in areas and test.loaded in sys.modules)


def _tested(test: SelfTest) -> Tested:
    began = time.perf_counter()
    try:
        trouble = test.check()
    except Exception as error:  # any breakdown of the ground is what is looked for
        trouble = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - began
    return Tested(name=test.name, area=test.area, against=test.against, seconds=seconds, trouble=trouble)


def once_more(before: Iterable[Tested], after: Iterable[Tested]) -> tuple[Tested, ...]:
    """Two rounds as one: each self-test with the time of both and the first trouble that it saw."""
    found: dict[tuple[str, str], Tested] = {}
    for item in (*before, *after):
        known = found.get((item.area, item.name))
        found[item.area, item.name] = item if known is None else _joined(known, item)
    return tuple(found.values())


def _joined(first: Tested, second: Tested) -> Tested:
    return Tested(
        name=first.name,
        area=first.area,
        against=first.against,
        seconds=first.seconds + second.seconds,
        trouble=first.trouble or second.trouble,
    )


def areas_of(grades: Iterable[str]) -> frozenset[str]:
    """The areas that evidence of these grades rests on; all of them for a grade that is not listed, such as numeric."""
    return frozenset(area for grade in grades for area in RESTS_ON.get(str(grade), AREAS))
