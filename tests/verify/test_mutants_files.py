"""The files of an exam: kept for the same sources only, hostile ones ignored, and nobody's file replaced."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from verify import UsageError
from verify.mutants import command
from verify.mutants.paper import HEADING, kept_rows
from verify.mutants.report import Result, read_results, told_of, write_results


def row(result: str = "open", **changed: Any) -> Result:
    given = {"claim": "toy", "constant": "C", "kind": "sign", "change": "−x", "mutant": "-x", "by": "derive_x"}
    return Result(**(given | {"result": result, "why": "too hard", "seconds": 0.1} | changed))


def test_results_are_kept_for_the_same_sources_only(tmp_path: Path) -> None:
    assert read_results(tmp_path, "abc") == ((), {})
    write_results(tmp_path, "abc", [row()], {"toy": 1})
    assert read_results(tmp_path, "abc") == ((row(),), {"toy": 1})
    assert read_results(tmp_path, "other") == ((), {})


def test_two_exams_at_once_keep_what_either_has_found(tmp_path: Path) -> None:
    write_results(tmp_path, "abc", [row()], {"toy": 1})
    write_results(tmp_path, "abc", [row("rejected", claim="other")], {"other": 1})
    write_results(tmp_path, "abc", [row("rejected")], {"toy": 1})
    assert read_results(tmp_path, "abc") == ((row("rejected"), row("rejected", claim="other")), {"toy": 1, "other": 1})
    write_results(tmp_path, "xyz", [row()], {"toy": 1})
    assert read_results(tmp_path, "xyz") == ((row(),), {"toy": 1})


def content(**changed: Any) -> bytes:
    given = {"schema": 1, "fingerprint": "abc", "intended": {"toy": 1}, "mutants": [asdict(row())]}
    return json.dumps(given | changed).encode()


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "list": b"[]",
    "deep": b"[" * 200_000,
    "no text": b"\xff\xfe",
    "long number": b"9" * 5000,
    "no rows": content(mutants=None),
    "row of a number": content(mutants=[3]),
    "row of little": content(mutants=[{}]),
    "unhashable": content(mutants=[asdict(row()) | {"result": []}]),
    "another result": content(mutants=[asdict(row()) | {"result": "[/]"}]),
    "no time": content(mutants=[asdict(row()) | {"seconds": "long"}]),
    "infinite time": content(mutants=[asdict(row())]).replace(b"0.1", b"1e999"),
    "endless time": content(mutants=[asdict(row())]).replace(b"0.1", b"1" + b"0" * 400),
    "yes": content(mutants=[asdict(row()) | {"seconds": True}]),
    "no numbers": content(intended={"toy": "many"}),
    "infinitely many": content(intended={"toy": 1e999}),
    "no names": content(intended=[1]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_ignored_with_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mutants.json"
    path.write_bytes(HOSTILE[name])
    assert told_of(tmp_path, "abc", "toy") is None
    told = f"verify: {path} is no exam of mutants that can be read, and is ignored\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("name", ["notes.md", "mutants.json", "link", "folder"])
def test_the_document_replaces_nothing_but_an_earlier_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("my notes")
    (tmp_path / "link").symlink_to("notes.md")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=r"--document"):
        command.take_exam("theorems", ["lemma3"], tmp_path, tmp_path / name)
    assert (tmp_path / "notes.md").read_text() == "my notes"
    assert not (tmp_path / "mutants.json").exists()


def test_results_replace_nothing_but_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "mutants.json").write_text('{"my": "data"}')
    with pytest.raises(UsageError, match="no exam of mutants of this program and is not replaced; move it, or give"):
        command.take_exam("theorems", ["lemma3"], tmp_path, None)


def test_a_document_of_nonsense_has_no_rows() -> None:
    assert kept_rows(HEADING + "\n| toy | " + "9" * 5000 + " | 1 | 1 | 1 | 1 | abc |\n\ufffd") == ()


def test_a_full_disk_costs_the_files_and_not_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = row("rejected", claim="lemma3")

    def sit(exam: Any, chosen: Any) -> Any:
        yield "lemma3", [result]
        yield "lemma3", [result]

        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left")

        monkeypatch.setattr(os, "fsync", full)

    monkeypatch.setattr(command, "sit", sit)
    assert command.take_exam("theorems", ["lemma3"], tmp_path, tmp_path / "list.md") == 1
    told = capsys.readouterr()
    assert "mutants rejected 1/1" in told.out
    assert told.err.splitlines()[-1].startswith(
        f"verify: {tmp_path}/mutants.json cannot be written (No space left); make"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_cannot_be_imported_costs_none_but_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(package: str, name: str) -> None:
        if name == "lemma7":
            raise SystemExit(0)

    def sit(exam: Any, chosen: Any) -> Any:
        assert chosen == ["lemma3"]
        yield "lemma3", [row("rejected", claim="lemma3")]
        yield "lemma3", [row("rejected", claim="lemma3")]

    monkeypatch.setattr(command.discovery, "load", load)
    monkeypatch.setattr(command, "sit", sit)
    assert command.take_exam("theorems", ["lemma7", "lemma3"], tmp_path, None) == 1
    assert "verify: lemma7 cannot be examined: SystemExit: 0" in capsys.readouterr().err
    assert command.take_exam("theorems", ["lemma3"], tmp_path, None) == 0
