"""A record and its report are replaced together, whatever happens, and a report of another run is noticed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from verify import UsageError, pair
from verify.files import NotWrittenError


def record(run: str) -> bytes:
    return f'{{"schema": 1, "claim": "x", "report": true, "provenance": {{"run": "{run}"}}}}'.encode()


def report(run: str) -> bytes:
    return f"%PDF-1.7 <pdf:Keywords>run {run}</pdf:Keywords>".encode()


def told(path: Path) -> str | None:
    return pair.mismatch(path, json.loads(path.read_bytes()))


def test_a_pair_belongs_together_and_anything_else_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert pair.put(path, record("aa"), report("aa")) == [path, tmp_path / "x.pdf"]
    assert told(path) is None
    path.write_bytes(record("bb"))
    assert told(path) == "report of another run"
    path.write_bytes(b'{"provenance": "no"}')
    assert told(path) == "report of another run"
    path.write_bytes(record("aa"))
    (tmp_path / "x.pdf").write_bytes(b"%PDF without an id")
    assert told(path) == "report of another run"
    (tmp_path / "x.pdf").unlink()
    assert told(path) == "report missing"
    path.write_bytes(record("aa").replace(b"true", b"false"))
    assert told(path) is None
    (tmp_path / "x.pdf").mkdir()
    assert told(path) == "report unreadable"


def test_a_record_without_a_report_removes_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    pair.put(path, record("aa"), report("aa"))
    assert pair.put(path, record("bb"), None) == [path]
    assert [item.name for item in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", [1, 2])
def test_a_full_disk_leaves_the_earlier_pair_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, call: int
) -> None:
    path, calls = tmp_path / "x.json", 0
    pair.put(path, record("aa"), report("aa"))

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWrittenError, match=r"x\.(json|pdf) cannot be written \(.*\); .*, and run again"):
        pair.put(path, record("bb"), report("bb"))
    assert (path.read_bytes(), told(path)) == (record("aa"), None)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x.json", "x.pdf"]


def test_what_took_a_place_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").symlink_to("/dev/null")
    with pytest.raises(UsageError, match=r"x\.pdf is no regular file"):
        pair.put(tmp_path / "x.json", record("aa"), report("aa"))
    assert [item.name for item in tmp_path.iterdir()] == ["x.pdf"]


WRITER = """
import sys
from pathlib import Path
from tests.verify.test_pair import record, report
from verify import pair
path = Path(sys.argv[1])
for number in range(60):
    run = f"{sys.argv[2]}{number:04x}"
    pair.put(path, record(run), report(run))
"""


def test_many_writers_at_once_leave_no_mixed_pair(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    command: list[Any] = [sys.executable, "-c", WRITER, path]
    writers = [subprocess.Popen([*command, name], cwd=Path(__file__).parents[2]) for name in "abcd"]
    mixed = 0
    while any(writer.poll() is None for writer in writers):
        try:
            before, note, after = path.read_bytes(), told(path), path.read_bytes()
        except FileNotFoundError:
            continue
        mixed += before == after and note == "report of another run"
    assert [writer.returncode for writer in writers] == [0] * 4
    assert mixed == 0
    assert told(path) is None
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x.json", "x.pdf"]
