"""How far a parameter travels: from the command line to where a certified check reads it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from theorems.descent import trajectory
from verify.cli import build_app
from verify.ending import Ending

HOUSE = tuple(str(Path(__file__).parents[3] / room) for room in ("verify", "theorems"))
LONGEST = 12
VALUE = 1.2345678901234567  # stands nowhere else


def holds(thing: Any, depth: int = 1) -> bool:
    """The parameter itself, or an object in which it is: a mapping or a dataclass, to a certain depth."""
    if isinstance(thing, float):
        return bool(thing == VALUE)
    inside = thing if isinstance(thing, Mapping) else vars(thing) if is_dataclass(thing) else {}
    return depth > 0 and any(holds(value, depth - 1) for value in list(inside.values()))


def name_of(frame: FrameType) -> str:
    """The function as it is written: comprehensions belong to it."""
    return frame.f_code.co_qualname.removesuffix(".<locals>.<dictcomp>").removesuffix(".<locals>.<genexpr>")


def is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(HOUSE)


class Route:
    """The functions that the parameter passes: those that handed it on, and those still at work when it is read.

    A function is one of them if it is handed the parameter or a collection of parameters with it, or makes one;
    whoever is only handed a subject, inside which it is, cannot look at it.
    """

    def __init__(self) -> None:
        self.given: set[FrameType] = set()
        self.handed_on: list[str] = []
        self.at_work: list[str] = []

    def watch(self, frame: FrameType, event: str, result: Any) -> None:
        if not is_ours(frame):
            return
        if event == "call" and any(map(holds, list(frame.f_locals.values()))):
            self.given.add(frame)
        elif event == "return":
            known = frame in self.given
            self.given.discard(frame)
            if holds(result) or (known and holds(result, 3)):
                self.handed_on.append(name_of(frame))

    def stop(self, *_: Any, **given: Any) -> None:
        assert VALUE in given.values(), "the parameter was lost on its way"
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if is_ours(frame) and any(map(holds, list(frame.f_locals.values()))):
                self.at_work.append(name_of(frame))
            frame = frame.f_back
        raise KeyboardInterrupt

    @property
    def stays(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.handed_on, *reversed(self.at_work), "prescribe"]))


@contextmanager
def watched(route: Route) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(route.watch)
    try:
        yield
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("claim", ["theorem1", "theorem2"])
def test_a_parameter_passes_few_functions(claim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """γ's factor, from the words of the command line to the step sizes of Theorem 1."""
    route = Route()
    monkeypatch.setattr(trajectory, "prescribe", route.stop)
    monkeypatch.setattr("verify.execution._known", lambda stage, desk: ([], None))  # foundations are another matter
    words = [claim, "--preset", "literal", "--force", "--gamma-factor", str(VALUE), "--grade", "certified", "--no-pdf"]
    with watched(route):
        build_app("theorems", Ending())(["run", *words, "--output", str(tmp_path)], standalone_mode=False)
    assert {"resolve", "prepare", "DescentRun.prescription"} <= set(route.stays)  # it was seen where it must pass
    assert len(route.stays) <= LONGEST, route.stays
