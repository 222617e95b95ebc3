"""Signals: what was reached is kept, one sentence is said, the status is conventional, there is never a traceback."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verify.record import read_record

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
SIGNALS = [
    (signal.SIGINT, 130, "interrupted"),
    (signal.SIGTERM, 143, "stopped by SIGTERM"),
    (signal.SIGHUP, 129, "stopped by SIGHUP"),
]
BEGIN = """
import sys, threading, time
from verify.ending import Ending
ending = Ending()
ending.watch()
def ready(): print("ready", flush=True)
"""


def python(code: str, **options: Any) -> subprocess.Popen[str]:
    """A process that runs `code` and has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    error = process.communicate(timeout=60)[1]
    return process.returncode, error


@pytest.mark.parametrize(("number", "status", "words"), SIGNALS)
@pytest.mark.parametrize("work", ["time.sleep(60)", "while True: pass", "[lock.acquire() for lock in 2 * [LOCK]]"])
def test_a_signal_is_told_kept_and_ends_the_process(number: int, status: int, words: str, work: str) -> None:
    work = work.replace("LOCK", "threading.Lock()")
    process = python(f"ending.tell(lambda: '; kept')\nready()\n{work}")
    process.send_signal(number)
    assert ended(process) == (status, f"verify: {words}; kept\n")


def test_what_belongs_together_is_finished_first() -> None:
    process = python(
        "with ending.undisturbed:\n ready()\n time.sleep(1)\n print('both', file=sys.stderr)\ntime.sleep(60)"
    )
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (143, "both\nverify: stopped by SIGTERM\n")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_waits_for_nothing(second: signal.Signals) -> None:
    process = python("ending.tell(lambda: time.sleep(60))\nready()\ntime.sleep(60)")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    process.send_signal(second)
    assert ended(process) == (128 + second, "")


def test_a_farewell_that_breaks_down_costs_its_words_alone() -> None:
    process = python("ending.tell(lambda: 1 / 0)\nready()\ntime.sleep(60)")
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "verify: interrupted\n")


def test_where_all_is_done_a_signal_changes_nothing() -> None:
    process = python("ending.done(3)\nready()\ntime.sleep(60)")
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (3, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_was_ignored_from_the_start_stays_ignored(number: signal.Signals) -> None:
    process = python("ready()\ntime.sleep(1)\nsys.exit(7)", preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    process.send_signal(number)
    assert ended(process) == (7, "")


def test_processes_that_share_the_work_end_as_well() -> None:
    process = python(
        "import multiprocessing\nchild = multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,))\n"
        "child.start()\nready()\nchild.join()"
    )
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (143, "verify: stopped by SIGTERM\n")  # the pipe is closed only when the child is gone


@pytest.mark.parametrize(
    ("when", "expected"), [("early", (-signal.SIGTERM, "")), ("late", (143, "verify: stopped by SIGTERM\n"))]
)
def test_where_no_thread_can_be_started_signals_end_the_process_all_the_same(
    when: str, expected: tuple[int, str]
) -> None:
    refuse = "def refuse(self): raise RuntimeError\nthreading.Thread.start = refuse\n"
    again = "ending = Ending()\nsignal.pthread_sigmask(signal.SIG_UNBLOCK, {15})\nending.watch()\n"
    process = python(f"import signal\n{refuse}{again if when == 'early' else ''}ready()\ntime.sleep(60)")
    process.send_signal(signal.SIGTERM)
    assert ended(process) == expected


def test_what_hides_in_a_name_is_shown() -> None:
    process = python(r"ending.tell(lambda: ' \x1b[2J')" + "\nready()\ntime.sleep(60)")
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "verify: interrupted \\x1b[2J\n")


def begun(*arguments: str, until: Callable[[str], bool], quiet: float = 0.0) -> tuple[subprocess.Popen[str], str]:
    """The command, and what it had said on stderr when `until` was true of it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "verify", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    seen, end = "", time.monotonic() + 100
    while not until(seen) and time.monotonic() < end:
        seen += process.stderr.readline()
    return process, seen


def test_a_run_that_was_stopped_goes_on_with_the_command_that_it_said(tmp_path: Path) -> None:
    """Twice: a run that went on from a checkpoint can be stopped again; the record tells of it."""
    arguments = ["limit_iff", "--preset", "quick", "--H", "200", "--steps", "4000", "--no-pdf", "--output"]
    words = ["python", "-m", "verify", *arguments, str(tmp_path)]
    for number, status in ((signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        process, seen = begun(*words[3:], until=lambda seen: "s left" in seen)
        process.send_signal(number)
        error = process.communicate(timeout=60)[1]
        assert process.returncode == status, seen + error
        last = error.splitlines()[-1]
        assert last.startswith(f"verify: stopped by {signal.Signals(number).name}; finished claims are kept; continue")
        words = shlex.split(last.partition("continue with: ")[2])
        assert words[:4] == ["python", "-m", "verify", "limit_iff"]
        assert words[-2] == "--resume"
        assert set(os.listdir(tmp_path)) == {Path(words[-1]).name}
    file = Path(words[-1])
    digest = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout.split()[0]
    process = subprocess.run(
        [sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200
    )
    assert process.returncode in (0, 3), process.stderr
    resumed = read_record(tmp_path / "limit_iff.json")["provenance"]["resumed"]
    assert resumed["sha256"] == digest
    assert 0 <= resumed["iteration"] < 4000  # what was last saved; on a slow machine that may be the start
    told = f"training up to step {resumed['iteration']}, from the checkpoint with sha256 {digest}"
    assert told in " ".join(process.stdout.split())
    assert not file.exists()


def test_before_anything_has_run_the_sentence_is_the_command_itself(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom verify.ending import Ending\nending = Ending()\nending.watch()\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'sympy': print('ready', flush=True); import time; time.sleep(60)\n"
        "sys.meta_path.insert(0, Stop())\nfrom verify.cli import main\nmain(ending=ending)"
    )
    options = ["lemma4", "ridge", "--preset", "quick", "--tau", "0.5", "--output", str(tmp_path / "a b"), "--no-pdf"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"  # in the middle of an import
    process.send_signal(signal.SIGTERM)
    status, error = ended(process)
    assert status == 143
    assert error.startswith("verify: stopped by SIGTERM; begin again with: python -m verify lemma4 ridge")
    assert sorted(shlex.split(error.partition("with: ")[2])[3:]) == sorted(options)


def test_a_claim_that_does_not_train_says_that_it_had_no_use_for_the_checkpoint(tmp_path: Path) -> None:
    process, _ = begun(
        "limit_iff", "--preset", "quick", "--no-pdf", "--output", str(tmp_path), until=lambda seen: "step 0 of" in seen
    )
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    (file,) = tmp_path.glob("training.*.checkpoint")
    words = [sys.executable, "-m", "verify", "lemma3", "--preset", "quick", "--no-pdf", "--output", str(tmp_path)]
    process = subprocess.run(
        [*words, "--resume", str(file)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200
    )
    assert process.returncode in (0, 3), process.stderr
    assert f"lemma3 did not train, so --resume {file} had no effect on it" in process.stderr
    assert read_record(tmp_path / "lemma3.json")["provenance"]["resumed"] is None
    assert file.exists()  # though it is the checkpoint of the very same recipe


@pytest.mark.parametrize("seed", range(4))
def test_no_moment_gives_a_traceback(seed: int, tmp_path: Path) -> None:
    """While Python starts nothing can be said; from then on a signal gives one sentence and its own status."""
    draw = random.Random(seed)
    number, status, _ = draw.choice(SIGNALS)
    process = subprocess.Popen(
        [sys.executable, "-m", "verify", "lemma4", "--preset", "quick", "--output", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.5 + draw.random() * 6)
    process.send_signal(number)
    out, error = process.communicate(timeout=100)
    assert process.returncode in (status, 0, 3), error
    assert "Traceback" not in out + error
    if process.returncode == status:
        assert re.fullmatch(r"verify: (interrupted|stopped by SIG\w+)\b.*\n", error)
    left = {path.name for path in tmp_path.iterdir()}
    assert left in (set(), {"lemma4.json", "lemma4.pdf"})
