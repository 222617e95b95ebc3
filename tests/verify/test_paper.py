"""What the toolkit must know of a paper: one object, whose settings are those that it has."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from verify import UsageError
from verify.paper import Paper, Row, paper_of


@dataclass(frozen=True)
class Settings:
    size: int = 3
    name: str | None = None
    loud: bool = False
    seed: int = 0


def quiet(values: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({"seed"} if values.get("size") == 1 else ())


def nothing(*_: Any, **__: Any) -> Any:
    return None


PAPER = Paper(
    parameters=Settings,
    presets={"small": {"size": 1}, "large": {}},
    default_preset="small",
    resolve=nothing,
    prepare=nothing,
    control=nothing,
    foundation=nothing,
    groups={"instance": ("seed", "size")},
    instance=frozenset({"size"}),
    idle=quiet,
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"presets": {"small": {"colour": 1}}}, "'colour' is no field of Settings; correct the name"),
        ({"groups": {"instance": ("shape",)}}, "'shape' is no field of Settings"),
        ({"instance": frozenset({"shape"})}, "'shape' is no field of Settings"),
        ({"default_preset": "huge"}, "default_preset = 'huge' is none of small, large"),
    ],
)
def test_a_setting_that_the_paper_does_not_have_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(PAPER, **change)


def test_a_group_stands_for_its_options_in_their_own_order() -> None:
    assert PAPER.options == {"size", "name", "loud", "seed"}
    assert PAPER.heeded(["loud", "instance"]) == ("size", "loud", "seed")
    assert PAPER.heeded([]) == ()


def test_an_option_that_no_check_sees_is_without_effect() -> None:
    assert PAPER.without_effect({"size": 2, "seed": 1, "loud": True}, ["instance"]) == ("loud",)
    assert PAPER.without_effect({"size": 1, "seed": 1}, ["instance"]) == ("seed",)  # idle beside that size


def test_the_options_reproduce_the_settings() -> None:
    given = Settings(size=2, name="x y", loud=True)
    assert PAPER.as_options(given, PAPER.options) == ["--size", "2", "--name", "x y", "--loud", "--seed", "0"]
    assert PAPER.as_options(Settings(size=1), PAPER.options) == ["--size", "1"]  # nothing, no, and idle
    assert PAPER.as_options(given, ["seed"]) == ["--seed", "0"]


def test_the_paper_of_a_package_is_its_paper_object(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("somepaper")
    monkeypatch.setitem(sys.modules, "somepaper", package)
    with pytest.raises(UsageError, match="package 'somepaper' describes no paper; assign PAPER = Paper"):
        paper_of("somepaper")
    package.PAPER = PAPER  # type: ignore[attr-defined]
    assert paper_of("somepaper") is PAPER


@pytest.mark.parametrize("text", ["import nowhere", "raise SystemExit(0)", "x = ("])
def test_a_package_that_cannot_be_imported_is_said_in_one_sentence(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brokenpaper.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"^brokenpaper cannot be imported \(.*\); correct its file$"):
        paper_of("brokenpaper")


def test_an_interruption_is_no_trouble_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stopped.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        paper_of("stopped")


def test_a_ledger_lists_no_statement_twice() -> None:
    row = Row(id="lemma", place="Lemma", title="A lemma", section="Statements")
    assert replace(PAPER, ledger=(row,)).ledger == (row,)
    with pytest.raises(ValueError, match="the ledger lists 'lemma' twice"):
        replace(PAPER, ledger=(row, row))
