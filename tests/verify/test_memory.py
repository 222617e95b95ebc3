"""Verdicts of foundations: only passes are remembered, and only while nothing behind them has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verify.claim import Verdict
from verify.memory import FILE, fingerprint_of, recall


def test_passes_are_remembered_with_their_time_and_nothing_else_is(tmp_path: Path) -> None:
    first = recall(tmp_path, "f").with_verdicts(
        {"a": Verdict.PASS, "b": Verdict.UNDECIDED, "c": Verdict.FAIL, "d": Verdict.ERROR}
    )
    assert first.known() == {"a": Verdict.PASS}
    second = recall(tmp_path, "f")
    assert second.passed == first.passed
    third = second.with_verdicts({"a": Verdict.PASS, "b": Verdict.PASS})
    assert third.passed["a"] == first.passed["a"]
    assert recall(tmp_path, "f").known() == {"a": Verdict.PASS, "b": Verdict.PASS}


def test_a_claim_that_no_longer_passes_is_forgotten(tmp_path: Path) -> None:
    recall(tmp_path, "f").with_verdicts({"a": Verdict.PASS, "b": Verdict.PASS})
    recall(tmp_path, "f").with_verdicts({"a": Verdict.PASS, "b": Verdict.FAIL})
    assert recall(tmp_path, "f").known() == {"a": Verdict.PASS}


def test_another_fingerprint_remembers_nothing(tmp_path: Path) -> None:
    recall(tmp_path, "f").with_verdicts({"a": Verdict.PASS})
    assert recall(tmp_path, "g").known() == {}


def test_nothing_passed_writes_nothing(tmp_path: Path) -> None:
    recall(tmp_path, "f").with_verdicts({"a": Verdict.FAIL})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"fingerprint": "f", "passed": []}', '{"fingerprint": "f"}'])
def test_a_file_that_cannot_be_read_remembers_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert recall(tmp_path, "f").known() == {}


def test_the_fingerprint_follows_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "some_paper"
    package.mkdir()
    source = package / "lemma.py"
    source.write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = fingerprint_of("some_paper")
    assert before == fingerprint_of("some_paper")
    source.write_text("x = 2\n")
    assert before != fingerprint_of("some_paper")
    source.write_text("x = 1\n")
    assert before == fingerprint_of("some_paper")
    (package / "other.py").write_text("")
    assert before != fingerprint_of("some_paper")


def test_the_fingerprint_follows_installed_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint_of("verify")
    monkeypatch.setattr("importlib.metadata.distributions", lambda: [])
    assert before != fingerprint_of("verify")


def test_the_file_can_be_read_by_a_person(tmp_path: Path) -> None:
    recall(tmp_path, "f").with_verdicts({"a": Verdict.PASS})
    content = json.loads((tmp_path / FILE).read_text())
    assert content["fingerprint"] == "f"
    assert content["passed"]["a"].endswith("+00:00")
