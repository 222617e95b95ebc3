"""Disks that are full, become full, are read-only or fail: the verdict is told, nothing is half-written or lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.machine import PAPER, Copies, assert_no_traceback, assert_refused, contents, verify


@pytest.fixture(scope="module")
def earlier(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the record and the report of an earlier run."""
    folder = tmp_path_factory.mktemp("earlier")
    assert copies.run("sums", "--output", str(folder), folder=folder, **PAPER).status == 0
    return folder


@pytest.mark.parametrize("at", [*range(1, 10)])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=errno.errorcode.get)
def test_a_disk_fails_from_some_change_on(error: int, at: int, earlier: Path, copies: Copies, tmp_path: Path) -> None:
    """The verdict is told all the same, or the run refused beforehand; what was there before is whole."""
    out = tmp_path / "out"
    shutil.copytree(earlier, out)
    before = contents(out)
    trouble = {"folders": [str(out), "out"], "at": at, "error": error}
    run = copies.run("sums", "--seed", "1", "--output", "out", folder=tmp_path, trouble=trouble, **PAPER)
    assert_no_traceback(run)
    if run.status == 2:
        assert_refused(run, "output")
        left = {name: kind for name, kind in contents(out).items() if not name.startswith(".verify-")}
        assert left == before
        assert error != errno.ENOSPC or contents(out) == before  # removing needs no space
        return
    assert run.status in (0, 1), run.told
    assert "PASS sums" in run.out, run.told
    assert (run.status == 1) == (run.err != ""), run.told
    assert run.err.count("\n") <= 1, run.told
    for path in out.glob("*.json"):
        assert json.loads(path.read_text())["verdict"] == "pass"
    for path in out.glob("*.pdf"):
        assert path.read_bytes().rstrip().endswith(b"%%EOF")
    assert (out / "sums.json").exists()
    assert "PASS" in run.out
    listed = copies.run("list", "--output", "out", folder=tmp_path, **PAPER)
    assert listed.status == 0, listed.told
    if error == errno.ENOSPC:
        assert set(contents(out)) <= {"sums.json", "sums.pdf"}


@pytest.mark.parametrize("kilobytes", [0, 1, 20, 64, 70, 100])
def test_files_may_be_this_long_only(kilobytes: int, earlier: Path, copies: Copies, tmp_path: Path) -> None:
    """As with `ulimit -f`: the limit strikes in the middle of a file."""
    out = tmp_path / "out"
    shutil.copytree(earlier, out)
    before = contents(out)
    limits = {"RLIMIT_FSIZE": kilobytes * 1024}
    run = copies.run("sums", "--seed", "1", "--output", "out", folder=tmp_path, limits=limits, **PAPER)
    assert run.status != -signal.SIGXFSZ
    if run.status == 2:  # the sentence itself may be longer than the limit: the copies' streams are files
        assert contents(out) == before
        assert_refused(run, "output") if kilobytes else None
    else:
        assert run.status in (0, 1), run.told
        assert set(contents(out)) <= {"sums.json", "sums.pdf"}
        assert json.loads((out / "sums.json").read_text())["verdict"] == "pass"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path_factory.mktemp("small")
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here: that needs the rights of an administrator")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("free", [0, 10, 60, 70, 90, 130])
def test_a_disk_with_little_room(free: int, small: Path, copies: Copies) -> None:
    for path in small.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert copies.run("sums", "--output", "out", folder=small, **PAPER).status == 0
    before = contents(small / "out")
    state = os.statvfs(small)
    (small / "filling").write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - 1024 * free)))
    run = copies.run("sums", "--seed", "1", "--output", "out", folder=small, **PAPER)
    assert_no_traceback(run)
    assert set(contents(small / "out")) == {"sums.json", "sums.pdf"}
    if run.status == 0:
        assert free >= 60
        assert json.loads((small / "out" / "sums.json").read_text())["instance"]["seed"] == 1
    else:
        assert "make room" in run.err, run.told
        assert run.err.count("\n") == 1, run.told
        assert contents(small / "out") == before
        assert run.status == 2 or "PASS sums" in run.out, run.told


@pytest.fixture(scope="module")
def sealed(earlier: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system that can only be read, with earlier results."""
    folder = tmp_path_factory.mktemp("sealed")
    words = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a read-only file system cannot be mounted here: that needs the rights of an administrator")
    shutil.copytree(earlier, folder / "out")
    (folder / "home").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_can_only_be_read(sealed: Path, copies: Copies) -> None:
    for words in (["--output", "out"], ["--output", "new"], []):
        assert_refused(copies.run("sums", *words, folder=sealed, **PAPER), "output", "Read-only")
    listed = copies.run("list", "--output", "out", folder=sealed, **PAPER)
    assert (listed.status, listed.err) == (0, ""), listed.told
    assert "pass" in listed.out


def test_a_home_that_can_only_be_read(sealed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """A cache that cannot be kept costs nothing but time."""
    kept = {name: value for name, value in environment.items() if not name.startswith(("XDG_", "MPL"))}
    around = kept | {"HOME": str(sealed / "home")}
    run = verify("lemma3", "--output", "out", folder=tmp_path, environment=around)
    assert run.status == 0, run.told
    assert run.err.startswith("verify: "), run.told
    assert run.err.count("\n") == 1, run.told


@pytest.mark.skipif(os.geteuid() == 0, reason="an administrator may write into folders that forbid it")
def test_a_folder_that_forbids_writing(copies: Copies, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    assert_refused(copies.run("sums", "--output", "out", folder=tmp_path, **PAPER), "output", "Permission denied")
    assert contents(tmp_path / "out") == {}
