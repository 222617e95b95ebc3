"""Every path that a run writes is looked at before the work, and nothing of anybody's is replaced."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from verify import UsageError
from verify.stage import Request, chosen, prepare_paths


def request(folder: Path, **changed: Any) -> Request:
    return Request(**({"claims": ("toy",), "preset": None, "given": {}, "output": folder / "reports"} | changed))


def stages(folder: Path) -> Any:
    return [SimpleNamespace(entry=SimpleNamespace(id="toy"), checkpoint=folder / "reports" / "training.0.checkpoint")]


def look(folder: Path, **changed: Any) -> None:
    prepare_paths(request(folder, **changed), stages(folder))


def spoil(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "notes":
            path.write_text("my notes")
        case target:
            path.symlink_to(target)


@pytest.mark.parametrize("kind", ["folder", "fifo", "notes", "/dev/null", "nowhere", "toy.json"])
@pytest.mark.parametrize("name", ["toy.json", "toy.pdf"])
def test_a_record_or_report_that_cannot_be_replaced_is_found_before_the_work(
    name: str, kind: str, tmp_path: Path
) -> None:
    spoil(tmp_path / "reports" / name, kind)
    before = (tmp_path / "reports" / name).lstat()
    with pytest.raises(UsageError, match=rf"{name} is no (regular file|record|report).* and is not replaced; move it"):
        look(tmp_path)
    assert (tmp_path / "reports" / name).lstat() == before


@pytest.mark.parametrize("kind", ["folder", "fifo", "/dev/null", "nowhere"])
def test_a_checkpoint_in_the_place_of_something_else_is_found_before_the_work(kind: str, tmp_path: Path) -> None:
    spoil(tmp_path / "reports" / "training.0.checkpoint", kind)
    with pytest.raises(UsageError, match=r"checkpoint is no regular file and is not replaced"):
        look(tmp_path)


@pytest.mark.parametrize("kind", ["folder", "fifo", "notes", "/dev/null", "nowhere"])
def test_a_certificate_replaces_an_earlier_certificate_only(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    look(tmp_path, certificate=path)
    path.write_text('{"schema": "toy/1"}')
    look(tmp_path, certificate=path)
    path.unlink()
    spoil(path, kind)
    with pytest.raises(UsageError, match="give another --certificate"):
        look(tmp_path, certificate=path)


@pytest.mark.parametrize(
    "name",
    [
        "reports/toy.json",
        "reports/../reports/toy.pdf",
        "reports/training.0.checkpoint",
        "mine.npz",
        "resumed",
        "link/toy.json",
    ],
)
def test_a_certificate_is_no_file_of_the_run_itself(name: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("reports")
    with pytest.raises(UsageError, match="is a file of this run itself; give --certificate another name"):
        look(
            tmp_path, certificate=tmp_path / name, given={"tokens": tmp_path / "mine.npz"}, resume=tmp_path / "resumed"
        )


def test_a_path_through_a_folder_that_is_made_first_is_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("my notes")
    with pytest.raises(UsageError, match="is no certificate of this program and is not replaced"):
        look(tmp_path, certificate=tmp_path / "new" / ".." / "notes")
    assert (tmp_path / "notes").read_text() == "my notes"


@pytest.mark.parametrize("name", ["file", "file/deep", "fifo"])
def test_an_output_that_is_no_folder_is_found_before_anything_is_looked_at(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match=r"is no folder; give another --output"):
        chosen("theorems", request(tmp_path, claims=("lemma3",), output=tmp_path / name))


@pytest.mark.parametrize(
    "arguments",
    [
        ("lemma3", "--output", ""),
        ("theorem1", "--certificate", ""),
        ("list", "--output", ""),
        ("lemma3", "--resume", ""),
        ("lemma3", "--tokens", ""),
        ("mutants", "lemma3", "--document", ""),
    ],
)
def test_no_name_is_no_path(arguments: tuple[str, ...], tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.run(
        [sys.executable, "-m", "verify", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
        timeout=60,
    )
    assert process.returncode == 2
    assert process.stderr.startswith(f"verify: Invalid value for '{arguments[-2]}': there is no name; give one")
    assert list(tmp_path.iterdir()) == []
