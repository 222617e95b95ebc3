"""Planted defects as data: a changed field of what a claim is about, or another experiment to make that from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing made wrong, with the sentence that is printed for it.

    `plant` changes what the claim is about, or, with `of_experiment`, the experiment that this is made from.
    """

    sentence: str
    plant: Callable[[Any], Any] = field(repr=False)
    of_experiment: bool = False

    def planted_in(self, about: Callable[[Any], Any], experiment: Any) -> Any:
        """What a claim about `about(experiment)` looks at when this defect is planted."""
        return about(self.plant(experiment)) if self.of_experiment else self.plant(about(experiment))


def planted(sentence: str, **changes: Any) -> Defect:
    """Some fields of what the claim is about have other values."""
    return Defect(sentence=sentence, plant=lambda subject: replace(subject, **changes))


def defect_of_subject(change: Callable[[Any], Any]) -> Defect:
    """A function that changes what the claim is about; the first line of its docstring is the sentence."""
    return Defect(sentence=_first_line(change), plant=change)


def defect_of_experiment(change: Callable[[Any], Any]) -> Defect:
    """A function that changes the experiment; the first line of its docstring is the sentence."""
    return Defect(sentence=_first_line(change), plant=change, of_experiment=True)


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or function.__name__).strip().partition("\n")[0]
