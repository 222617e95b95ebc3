"""A subject that is changed is noticed, one that keeps what it computed is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pytest
import torch

from verify.unchanged import changed, look


class Thing:
    def __init__(self) -> None:
        self.number = 1.0
        self.array = np.arange(4.0)
        self.objects = np.array([object(), [1]], dtype=object)
        self.names = {"a": [1, 2], "b": {"c": np.ones(2)}}
        self.kinds = {"x", "y"}
        self.weights = torch.ones(2)
        self.short = torch.ones(2, dtype=torch.bfloat16)
        self.random = np.random.default_rng(0)
        self.layer = torch.nn.Linear(2, 1)
        self.itself = self

    @cached_property
    def total(self) -> float:
        return float(self.array.sum())

    @cached_property
    def copy(self) -> dict[str, Any]:
        return {"array": self.array, "itself": self}


def weigh(thing: Thing) -> None:
    with torch.no_grad():
        thing.layer.weight[0, 0] += 1


CHANGES: dict[str, Callable[[Thing], Any]] = {
    ".array": lambda thing: thing.array.__setitem__(2, 9.0),
    ".objects[1]": lambda thing: thing.objects[1].append(2),
    ".objects": lambda thing: thing.objects.__setitem__(0, None),
    ".names['a']": lambda thing: thing.names["a"].append(3),
    ".names['b']['c']": lambda thing: thing.names["b"]["c"].fill(0.0),
    ".names": lambda thing: thing.names.pop("a"),
    ".kinds": lambda thing: thing.kinds.add("z"),
    ".weights": lambda thing: thing.weights.add_(1),
    ".short": lambda thing: thing.short.add_(1),
    ".random": lambda thing: thing.random.random(),
    ".layer._parameters['weight']": weigh,
    "": lambda thing: setattr(thing, "number", 2.0),
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_is_found_where_it_was_made(path: str) -> None:
    thing = Thing()
    before = look(thing)
    CHANGES[path](thing)
    assert changed(before) == "the subject" + path


def test_what_is_computed_on_demand_is_no_change() -> None:
    thing = Thing()
    before = look(thing)
    assert thing.total == 6.0
    assert thing.copy["itself"] is thing
    thing.names["new"] = [1]
    assert changed(before) == ""


def test_a_subject_without_parts_has_nothing_to_change() -> None:
    assert look(1.0) == ()
    assert changed(look(1.0)) == ""
