"""Files are written whole or not at all, and nobody's file is replaced."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import resource
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from verify import UsageError, files
from verify.files import (
    CERTIFICATE,
    DOCUMENT,
    MUTANTS,
    RECORD,
    REPORT,
    Kind,
    NotWrittenError,
    folder_held,
    load_json,
    prepare_folder,
    require_folder,
    require_replaceable,
    write_atomically,
)

OURS: dict[Kind, bytes] = {
    RECORD: b'{\n  "schema": 1,\n  "claim": "lemma3"}',
    REPORT: b"%PDF-1.7 and so on",
    CERTIFICATE: b'{\n "schema": "theorem1-certificate/2"}',
    MUTANTS: b'{\n "schema": 1,\n "fingerprint": "f"}',
    DOCUMENT: b"# Mutants\n\nWrong versions",
}


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.name)
def test_only_a_file_of_its_own_kind_or_an_empty_one_is_replaced(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "file"
    require_replaceable(path, kind, "output")
    for content in (b"", OURS[kind]):
        path.write_bytes(content)
        require_replaceable(path, kind, "output")
    foreign = [content for other, content in OURS.items() if other is not kind]
    for content in [*foreign, b"my notes", b"{}", b"[[[[", b"\x00" * 300]:
        path.write_bytes(content)
        with pytest.raises(UsageError, match=f"no {kind.name} of this program and is not replaced; move it, or give"):
            require_replaceable(path, kind, "output")


def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "regular").write_bytes(OURS[RECORD])
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name, target in (("link", "regular"), ("dangling", "nowhere"), ("loop", "loop"), ("device", "/dev/null")):
        (tmp_path / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    for path in [*(p for p in tmp_path.iterdir() if p.name != "regular"), Path("/dev/null"), Path(), Path("..")]:
        with pytest.raises(UsageError, match="is no regular file and is not replaced; move it, or give"):
            require_replaceable(path, RECORD, "output")


@pytest.mark.parametrize("name", ["n" * 300, "file/below", "nul\0"])
def test_what_cannot_be_a_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot be used \(.*\); give another --certificate"):
        require_replaceable(tmp_path / name, CERTIFICATE, "certificate")


def test_a_folder_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    require_folder(tmp_path / "deep" / "reports", "output")
    require_folder(tmp_path, "output")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(".")
    require_folder(tmp_path / "link" / "reports", "output")
    os.mkfifo(tmp_path / "fifo")
    for name, target in (("dangling", "nowhere"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    for name in ("file", "file/below", "fifo", "dangling", "loop/below", "n" * 300, "nul\0"):
        with pytest.raises(UsageError, match="give another --output"):
            require_folder(tmp_path / name, "output")
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["fdopen", "fsync", "chmod", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, moment: str
) -> None:
    path = tmp_path / "zero.json"
    write_atomically(path, b"old")
    original = os.fdopen

    def fail(*arguments: Any, **options: Any) -> Any:
        if moment == "fdopen":
            original(*arguments, **options).close()  # the handle must not leak
        raise fault

    monkeypatch.setattr(os, moment, fail)
    expected = NotWrittenError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["zero.json"]
    if isinstance(fault, OSError):
        assert str(caught.value) == f"{path} cannot be written (No space left); make room on its disk, and run again"


def test_what_was_written_can_be_read_by_others(tmp_path: Path) -> None:
    write_atomically(tmp_path / "zero.json", b"{}")
    assert (tmp_path / "zero.json").stat().st_mode & 0o777 == 0o644


def test_the_output_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "reports"
    prepare_folder(folder, "output")
    prepare_folder(folder, "output")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("below", ["", "reports"])
def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / below
    with pytest.raises(UsageError, match=re.escape(f"output = {folder} cannot be written (")) as caught:
        prepare_folder(folder, "output")
    assert str(caught.value).endswith("); give another --output")


def test_a_limit_on_the_size_of_files_is_found_out_and_kills_nobody(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(UsageError, match=r"raise the limit on the size of files .* or give another --output"):
            prepare_folder(tmp_path, "output")
        with pytest.raises(NotWrittenError, match=r"big cannot be written .*; raise the limit"):
            write_atomically(tmp_path / "big", bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def _hold(folder: Path, connection: Any) -> None:
    with folder_held(folder):
        connection.send("held")
        connection.recv()


def test_a_folder_is_held_by_one_at_a_time_and_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    holder = multiprocessing.get_context("spawn").Process(target=_hold, args=(tmp_path, theirs))
    holder.start()
    assert ours.recv() == "held"
    entered = threading.Event()

    def enter() -> None:
        with folder_held(tmp_path):
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.3)
    holder.kill()
    assert entered.wait(5)
    waiting.join()
    holder.join()
    assert not list(tmp_path.iterdir())


def test_who_never_lets_go_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    with folder_held(tmp_path), folder_held(tmp_path):
        pass


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"{", b"9" * 5000, b""])
def test_what_is_not_readable_json_is_a_value_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011  json's own messages are as good as ours
        load_json(tmp_path / "file")


def test_json_that_is_too_long_or_no_file_is_refused_at_once(tmp_path: Path) -> None:
    with (tmp_path / "long").open("wb") as stream:
        stream.truncate(files.LONGEST + 1)
    with pytest.raises(ValueError, match="is longer than"):
        load_json(tmp_path / "long")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="is no regular file"):
        load_json(tmp_path / "fifo")
    with pytest.raises(OSError, match="No such file"):
        load_json(tmp_path / "nowhere")


def test_what_a_killed_run_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    for name in (".verify-old", ".verify-new", "verify-old"):
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (time.time() - (0 if name.endswith("new") else 2 * files.ABANDONED),) * 2)
    (tmp_path / ".verify-link").symlink_to(tmp_path / "verify-old")
    prepare_folder(tmp_path, "output")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".verify-link", ".verify-new", "verify-old"]
