"""The streams: nothing that becomes of stdout or stderr harms the work, and the exit status tells of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from verify.record import read_record

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
RUN = f"{sys.executable} -m verify lemma4 --preset quick --no-pdf"  # the quickest claim


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The exit status of the run where all streams are in order."""
    return shell(f"{RUN} --output {tmp_path_factory.mktemp('usual')}").returncode


@pytest.mark.parametrize(
    ("streams", "status", "told"),
    [
        (">&-", None, b""),
        ("2>&-", None, b""),
        (">&- 2>&-", None, b""),
        ("<&- >&- 2>&-", None, b""),
        ("| head -c 0", 141, b""),
        ("2>/dev/full", None, b""),
        (">/dev/full 2>/dev/full", 1, b""),
        (">/dev/full", 1, b"verify: the results could not be written to stdout (No space left on device)"),
    ],
)
def test_whatever_becomes_of_the_streams_the_record_is_written(
    streams: str, status: int | None, told: bytes, usual: int, tmp_path: Path
) -> None:
    if "/dev/full" in streams and not Path("/dev/full").exists():
        pytest.skip("this platform has no /dev/full")
    process = shell(f"{RUN} --output {tmp_path} {streams}")
    assert read_record(tmp_path / "lemma4.json")["claim"] == "lemma4"
    assert process.returncode == (usual if status is None else status), process.stderr
    assert process.stderr.startswith(told) if told else process.stderr == b""
    assert [path.name for path in tmp_path.iterdir()] == ["lemma4.json"]


@pytest.mark.parametrize("command", ["list", "show lemma4", "run --help", "--help"])
def test_listings_survive_a_reader_that_has_gone(command: str) -> None:
    process = shell(f"(sleep 2; {sys.executable} -m verify {command}) | true")
    assert process.returncode == 141
    assert process.stderr == b""


def test_a_wrong_usage_is_told_by_its_status_where_nothing_can_be_printed() -> None:
    assert shell(f"{sys.executable} -m verify lemma99 2>&- | true").returncode == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "cp1252:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TERM": "dumb"},
        {"NO_COLOR": "1"},
        {"COLUMNS": "0"},
        {"COLUMNS": "-3"},
        {"COLUMNS": "wide"},
    ],
)
def test_odd_surroundings_cost_letters_at_most(settings: dict[str, str], usual: int, tmp_path: Path) -> None:
    process = shell(f"{RUN} --output {tmp_path}", **settings)
    assert process.returncode == usual, process.stderr
    assert b" lemma4  controls rejected" in process.stdout
    assert b"\x1b" not in process.stdout + process.stderr
    assert "‖" in read_record(tmp_path / "lemma4.json")["text"]


def test_a_folder_that_has_vanished_is_said_in_a_sentence(tmp_path: Path) -> None:
    command = f"cd {tmp_path} && mkdir gone && cd gone && rmdir ../gone && {RUN} --output {tmp_path}"
    process = shell(command, PYTHONPATH=str(ROOT))
    assert process.returncode == 2
    assert process.stderr.startswith(b"verify: the current folder cannot be used")
    assert process.stderr.count(b"\n") == 1
