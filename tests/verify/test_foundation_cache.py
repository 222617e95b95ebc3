"""Verdicts of foundations: only passes are remembered, and only while nothing behind them has changed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from verify import foundation_cache
from verify.claim import Verdict
from verify.foundation_cache import cache_folder, fingerprint_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "theory-verify"


def test_passes_are_remembered_with_their_time_and_nothing_else_is() -> None:
    first = foundation_cache.recall("f").with_verdicts(
        {"a": Verdict.PASS, "b": Verdict.UNDECIDED, "c": Verdict.FAIL, "d": Verdict.ERROR}
    )
    assert first.known() == {"a": Verdict.PASS}
    second = foundation_cache.recall("f")
    assert second.passed == first.passed
    third = second.with_verdicts({"a": Verdict.PASS, "b": Verdict.PASS})
    assert third.passed["a"] == first.passed["a"]
    assert foundation_cache.recall("f").known() == {"a": Verdict.PASS, "b": Verdict.PASS}


def test_a_claim_that_no_longer_passes_is_forgotten() -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS, "b": Verdict.PASS})
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS, "b": Verdict.FAIL})
    assert foundation_cache.recall("f").known() == {"a": Verdict.PASS}


def test_another_fingerprint_remembers_nothing() -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS})
    assert foundation_cache.recall("g").known() == {}


def test_nothing_passed_writes_nothing(cache: Path) -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.FAIL})
    assert [path.name for path in cache.iterdir()] == ["key"]


DEEP = "[" * 100_000
HOSTILE = ["", "[]", "{}", '{"fingerprint": "f", "passed": []}', '{"fingerprint": "f"}', DEEP, "\x00", "3", '"a"']


@pytest.mark.parametrize("content", HOSTILE)
def test_a_file_that_is_not_our_own_remembers_nothing(
    cache: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS})
    (cache / "f.json").write_text(content)
    assert foundation_cache.recall("f").known() == {}
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"passed": {"a": "2026-01-01T00:00:00+00:00", "theorem1": "2026-01-01T00:00:00+00:00"}},
        {"passed": {"a": "yesterday"}},
        {"digest": "0" * 64},
        {"digest": None},
        {"fingerprint": "g"},
    ],
)
def test_a_memory_that_was_edited_is_ignored(cache: Path, change: dict[str, object]) -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS})
    path = cache / "f.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert foundation_cache.recall("f").known() == {}


def test_a_memory_made_with_another_key_is_ignored(cache: Path) -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS})
    (cache / "key").write_bytes(bytes(32))
    assert foundation_cache.recall("f").known() == {}


def test_a_key_that_others_can_read_keeps_nothing(cache: Path) -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS})
    (cache / "key").chmod(0o644)
    assert foundation_cache.recall("f").known() == {}
    assert foundation_cache.recall("f").with_verdicts({"b": Verdict.PASS}).known() == {"b": Verdict.PASS}
    assert foundation_cache.recall("f").known() == {}


def spoil_nothing_there(cache: Path) -> None:
    cache.parent.write_text("")


def spoil_memory_is_a_folder(cache: Path) -> None:
    (cache / "f.json").mkdir(parents=True)


def spoil_memory_is_a_fifo(cache: Path) -> None:
    cache.mkdir(parents=True)
    os.mkfifo(cache / "f.json")


def spoil_memory_is_a_loop(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "f.json").symlink_to("f.json")


def spoil_key_is_a_folder(cache: Path) -> None:
    (cache / "key").mkdir(parents=True)


def spoil_key_is_a_fifo(cache: Path) -> None:
    cache.mkdir(parents=True)
    os.mkfifo(cache / "key", 0o600)


def spoil_key_is_a_dangling_link(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "key").symlink_to("nowhere")


def spoil_key_is_short(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "key").touch(0o600)


SPOILED = [value for name, value in list(globals().items()) if name.startswith("spoil_")]


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_cache_that_cannot_be_used_costs_one_line_and_nothing_else(
    spoil: Callable[[Path], None], cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(cache)
    found = foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS}).with_verdicts({"b": Verdict.PASS})
    assert found.known() == {"b": Verdict.PASS}
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("verify: ")
    assert "is ignored" in told.err
    assert foundation_cache.recall("f").known() == {}


def test_a_cache_that_cannot_be_written_costs_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = foundation_cache.recall("f")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left")

    monkeypatch.setattr(os, "fsync", full)
    found = found.with_verdicts({"a": Verdict.PASS}).with_verdicts({"a": Verdict.PASS, "b": Verdict.PASS})
    assert found.known() == {"a": Verdict.PASS, "b": Verdict.PASS}
    assert capsys.readouterr().err.count("\n") == 1


def test_without_a_folder_of_its_own_the_cache_is_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache" / "theory-verify"


def test_one_remembered_verdict_is_sampled_and_dated_again() -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS})
    found = foundation_cache.recall("f")
    assert found.sample(["b", "a"]) == "a"
    assert found.sample(["b"]) is None
    assert foundation_cache.recall("f").with_verdicts({"a": Verdict.FAIL}, again="a").known() == {}


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


def test_the_file_can_be_read_by_a_person() -> None:
    foundation_cache.recall("f").with_verdicts({"a": Verdict.PASS})
    content = json.loads((cache_folder() / "f.json").read_text())
    assert content["fingerprint"] == "f"
    assert content["passed"]["a"].endswith("+00:00")
