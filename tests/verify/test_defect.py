"""Defects are data: a sentence, and what is changed in the subject or in the experiment that it is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from verify.defect import Defect, defect_of_experiment, defect_of_subject, planted


@dataclass(frozen=True)
class Sum:
    experiment: int
    factor: int = 1


@defect_of_experiment
def larger(experiment: int) -> int:
    """The experiment is larger.

    This line is not printed.
    """
    return experiment + 10


@defect_of_subject
def opposite(subject: Sum) -> Sum:
    """The factor has the other sign."""
    return replace(subject, factor=-subject.factor)


@pytest.mark.parametrize(
    ("defect", "sentence", "seen"),
    [
        (planted("The factor is two.", factor=2), "The factor is two.", Sum(1, 2)),
        (
            planted("Another experiment and factor.", experiment=3, factor=4),
            "Another experiment and factor.",
            Sum(3, 4),
        ),
        (opposite, "The factor has the other sign.", Sum(1, -1)),
        (larger, "The experiment is larger.", Sum(11)),
    ],
)
def test_a_defect_says_what_it_is_and_changes_that_alone(defect: Defect, sentence: str, seen: Sum) -> None:
    assert defect.sentence == sentence
    assert defect.planted_in(Sum, 1) == seen


def test_a_field_that_the_subject_lacks_cannot_be_planted() -> None:
    with pytest.raises(TypeError, match="colour"):
        planted("The colour is wrong.", colour=1).planted_in(Sum, 1)


def test_a_function_without_a_docstring_is_called_by_its_name() -> None:
    assert defect_of_subject(lambda subject: subject).sentence == "<lambda>"
