"""Planted defects as data: a changed field of what a claim is about, or another experiment to make that from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any

from verify.unchanged import changed, look


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing made wrong, with the sentence that is printed for it.

    `plant` changes what the claim is about, or, with `of_experiment`, the experiment that this is made from.
    """

    sentence: str
    plant: Callable[[Any], Any] = field(repr=False)
    of_experiment: bool = False

    def planted_in(self, about: Callable[[Any], Any], experiment: Any) -> Any:
        """What a claim about `about(experiment)` looks at when this defect is planted.

        Raises:
            ValueError: planting gives something of another kind, or changes in place what all defects start from.
        """
        sound = experiment if self.of_experiment else about(experiment)
        before = look(sound)
        defective = self.plant(sound)
        if moved := changed(before):
            raise ValueError(f"planting changes {moved}; plant in a copy")
        if is_dataclass(sound) and type(defective) is not type(sound):
            raise ValueError(f"it makes a {type(defective).__name__} of a {type(sound).__name__}")
        return about(defective) if self.of_experiment else defective


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
