"""Whenever a run is stopped, what is in its folder is whole, and going on gives what an undisturbed run gives."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.hostile.machine import PAPER, TINY, Copies, Ended, assert_no_traceback, contents, ended, started, verify

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}
CHANGES = 12  # as many as a run makes; where it makes fewer it ends undisturbed in the later cases
TRAINING = ("trained", *TINY[:-1], "400", "--no-pdf")
SEED = 20241117
TEMPORARY = ".verify-"  # how the names of files begin that are renamed when they are complete


def record_of(folder: Path, claim: str) -> dict[str, Any]:
    """What was found, without what differs from run to run; that it went on from a checkpoint is no finding."""
    record = json.loads((folder / f"{claim}.json").read_text())
    record.pop("provenance")
    record["trust"] = [line for line in record["trust"] if "checkpoint" not in line]
    for item in (*record["evidence"], *record["ground"]):
        item.pop("seconds")
    return dict(record)


def run_of(path: Path) -> str:
    """The run that a record or a report comes from."""
    if path.suffix == ".json":
        return str(json.loads(path.read_text())["provenance"]["run"])
    found = re.search(r"\b[0-9a-f]{16,}\b", str((PdfReader(path).metadata or {}).get("/Keywords", "")))
    assert found, f"{path} names no run"
    return found[0]


def assert_whole(folder: Path, claim: str, listed: Ended) -> None:
    """Record and report are complete, and where they are of two runs `list` says so."""
    record, report = folder / f"{claim}.json", folder / f"{claim}.pdf"
    if report.exists():
        assert report.read_bytes().startswith(b"%PDF")
        assert PdfReader(report).pages
    if record.exists():
        assert json.loads(record.read_text())["verdict"] == "pass"
    if record.exists() and report.exists() and run_of(record) != run_of(report):
        assert "report of another run" in listed.out, listed.told


def litter(folder: Path, told: str) -> list[str]:
    """What a run left beside records and reports, apart from what it said that it keeps."""
    kept = re.findall(r"--resume (\S+?)[.;,]?(?:\s|$)", told)
    return [
        name
        for name in contents(folder)
        if not name.endswith((".json", ".pdf")) and name not in [Path(path).name for path in kept]
    ]


@pytest.fixture(scope="module")
def earlier(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the record and the report of an earlier run."""
    folder = tmp_path_factory.mktemp("earlier")
    assert copies.run("sums", "--output", str(folder), folder=folder, **PAPER).status == 0
    return folder


@pytest.mark.parametrize("at", range(1, CHANGES + 1))
@pytest.mark.parametrize("number", list(STATUS), ids=lambda number: number.name)
def test_stopped_before_any_change_to_a_file(
    number: signal.Signals, at: int, earlier: Path, copies: Copies, tmp_path: Path
) -> None:
    """A report is already there; a run with another seed is stopped just before the at-th change below its folder."""
    out = tmp_path / "out"
    shutil.copytree(earlier, out)
    trouble = {"folders": [str(out), "out"], "at": at, "number": number}
    stopped = copies.run("sums", "--seed", "1", "--output", "out", folder=tmp_path, trouble=trouble, **PAPER)
    assert stopped.status in (0, STATUS[number]), stopped.told
    assert_no_traceback(stopped)
    listed = copies.run("list", "--output", "out", folder=tmp_path, **PAPER)
    assert_whole(out, "sums", listed)
    assert (out / "sums.json").exists()
    left = litter(out, stopped.err)
    assert all(number == signal.SIGKILL and name.startswith(TEMPORARY) for name in left), left
    for name in left:  # as if the run had been killed yesterday
        os.utime(out / name, (time.time() - 86400,) * 2)
    again = copies.run("sums", "--seed", "2", "--output", "out", folder=tmp_path, **PAPER)
    assert again.status == 0, again.told
    assert json.loads((out / "sums.json").read_text())["instance"]["seed"] == 2
    assert run_of(out / "sums.json") == run_of(out / "sums.pdf")
    assert litter(out, "") == []


@pytest.fixture(scope="module")
def undisturbed(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """What a run that trains finds, and how long it takes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    copies.run("list", folder=folder, **PAPER)
    began = time.monotonic()
    run = copies.run(*TRAINING, "--output", "out", folder=folder, **PAPER)
    assert run.status == 0, run.told
    return record_of(folder / "out", "trained"), time.monotonic() - began


@pytest.mark.parametrize("case", range(3))
@pytest.mark.parametrize("number", list(STATUS), ids=lambda number: number.name)
def test_stopped_in_training(
    number: signal.Signals, case: int, undisturbed: tuple[dict[str, Any], float], copies: Copies, tmp_path: Path
) -> None:
    """Stopped at a random moment; what is kept leads to the same numbers, and a run of another recipe harms it not."""
    expected, usual = undisturbed
    moment = usual * random.Random(f"{SEED} {number} {case}").random()

    def stop(process: int) -> None:
        time.sleep(moment)
        os.kill(process, number)

    stopped = copies.run(*TRAINING, "--output", "out", folder=tmp_path, during=stop, **PAPER)
    assert stopped.status in (0, STATUS[number]), stopped.told
    assert_no_traceback(stopped)
    out = tmp_path / "out"
    if number != signal.SIGKILL and out.exists():
        assert litter(out, stopped.err) == []
    kept = re.findall(r"--resume (\S+)", stopped.err)
    other = copies.run("sums", "--no-pdf", "--output", "out", folder=tmp_path, **PAPER)
    assert other.status == 0, other.told
    resume = ["--resume", kept[0].rstrip(".")] if kept else []
    finished = copies.run(*TRAINING, *resume, "--output", "out", folder=tmp_path, **PAPER)
    assert finished.status == 0, finished.told
    assert record_of(out, "trained") == expected
    assert litter(out, "") == []


@pytest.mark.parametrize("case", range(2))
@pytest.mark.parametrize("number", list(STATUS), ids=lambda number: number.name)
def test_a_process_stopped_at_any_moment(
    number: signal.Signals, case: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """The same for a process of its own, from its first import to its end."""
    words = ("lemma3", "--no-pdf", "--output", "out")
    process = started(*words, folder=tmp_path, environment=environment)
    time.sleep(5 * random.Random(f"{SEED} {number} {case}").random())
    process.send_signal(number)
    stopped = ended(process)
    assert stopped.status in (0, STATUS[number], -number), stopped.told
    assert_no_traceback(stopped)
    assert set(contents(tmp_path)) <= {"out", "out/lemma3.json"} or number == signal.SIGKILL
    assert verify(*words, folder=tmp_path, environment=environment).status == 0
