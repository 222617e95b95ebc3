"""No wrong statement is proved: hundreds of each calculus in every run, ten thousand of each in `make test-long`.

They look true, being made from what the calculus itself makes of an expression (wrong/): a letter, a range or a
trace is dropped, an index renamed or repeated, a size is too many. Whether one is wrong is decided by evaluating
both sides with numpy on instances whose sizes are at least 2 and differ; the calculi have no part in that.
"""

import random
from collections import Counter
from types import ModuleType

import pytest

from tests.verify.prove.wrong import implications, matrices, means, quantities
from verify.prove import prove, prove_expectation

CALCULI = [matrices, means, implications, quantities]
FEW, MANY = 300, 10_000  # wrong statements of each calculus
PARTS = 20  # of the many, so that tests can run side by side
LEAST_PROVED = 0.02  # of all statements: a calculus that proves nothing would pass


def outcomes(calculus: ModuleType, wrong: int, seed: int) -> Counter[tuple[bool | None, bool]]:
    """How many statements hold (None: not known) and are proved, until so many wrong ones were met.

    Raises:
        AssertionError: a wrong one is proved.
    """
    found: Counter[tuple[bool | None, bool]] = Counter()
    for statement in calculus.statements(random.Random(seed)):
        try:
            proved = calculus.is_proved(statement)
        except ValueError:  # refused with a sentence
            continue
        true = calculus.holds(statement)
        assert not (proved and true is False), f"wrong, and proved: {calculus.shown(statement)}"
        found[true, proved] += 1
        if found[False, False] == wrong:
            return found
    raise AssertionError("the statements ended")


def name(calculus: ModuleType) -> str:
    return calculus.__name__.rpartition(".")[2]


@pytest.mark.parametrize("calculus", CALCULI, ids=name)
def test_no_wrong_statement_is_proved(calculus: ModuleType) -> None:
    found = outcomes(calculus, FEW, 0)
    assert sum(count for (_, proved), count in found.items() if proved) > LEAST_PROVED * found.total()


@pytest.mark.long
@pytest.mark.parametrize("part", range(1, PARTS + 1))
@pytest.mark.parametrize("calculus", CALCULI, ids=name)
def test_no_wrong_statement_of_very_many_is_proved(calculus: ModuleType, part: int) -> None:
    outcomes(calculus, MANY // PARTS, part)


@pytest.mark.parametrize("calculus", [means, matrices], ids=name)
def test_the_guard_accepts_what_is_true(calculus: ModuleType) -> None:
    """Every line of what is proved holds on the exact instances where it is tried; the whole way is taken here."""
    proved = 0
    for statement in calculus.statements(random.Random(1)):
        try:
            if not calculus.is_proved(statement):
                continue
        except ValueError:
            continue
        if calculus is matrices:
            if statement[0].premises:
                continue
            found = prove("true", *statement[1:])
        else:
            found = prove_expectation("true", *statement, randoms=means.RANDOMS)
        assert found.status == "proved" or "exact instance" in found.residual, calculus.shown(statement)
        proved += found.status == "proved"
        if proved == 12:
            return


def kept(seed: int, quantities_: int) -> None:
    """Sums, maxima and lengths that the constructors take apart have the value of what was written."""
    rng = random.Random(seed)
    for _ in range(quantities_):
        try:
            assert quantities.is_kept(rng)
        except ValueError:  # refused with a sentence
            continue


def test_the_constructors_of_quantities_keep_the_value() -> None:
    kept(0, FEW)


@pytest.mark.long
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_the_constructors_keep_the_value_of_very_many_quantities(part: int) -> None:
    kept(part, MANY // PARTS)
