"""The command line as a process, what it left behind, and what must hold whatever was done to it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
SECONDS = 240  # a run that is not over by then hangs; the suite's machines are slow and shared
PAPER: dict[str, Any] = {"package": "tinypaper", "search": [str(Path(__file__).parent / "paper")]}
TINY = ("--N", "2", "--K", "4", "--d", "3", "--m", "3", "--H", "4", "--steps", "50")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that is over: negative statuses are signals."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """Everything that was printed, for the message of a failed test."""
        return f"status {self.status}\n--- stdout\n{self.out[-2000:]}\n--- stderr\n{self.err[-2000:]}"


@dataclass(kw_only=True)
class Copies:
    """Runs the command line in copies of one process that has loaded everything (see `serving`)."""

    environment: Mapping[str, str]
    process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.communicate(timeout=SECONDS)

    def run(self, *words: str, folder: Path, during: Callable[[int], None] | None = None, **details: Any) -> Ended:
        """Run it with these words; `during` is called with the process id while it runs."""
        with tempfile.TemporaryDirectory() as aside:
            streams = [("/dev/null", os.O_RDONLY)]
            streams += [(f"{aside}/{number}", os.O_WRONLY | os.O_CREAT) for number in (1, 2)]
            defaults = {
                "environment": {},
                "search": [],
                "limits": {},
                "trouble": None,
                "package": "theorems",
                "streams": streams,
                "seconds": SECONDS,
            }
            request = defaults | {"words": words, "folder": str(folder)} | details
            child = int(self._ask(json.dumps(request)))
            try:
                if during is not None:
                    during(child)
            finally:
                status = int(self._ask(""))
            out, err = (_text(Path(aside, str(number))) for number in (1, 2))
        return Ended(status=status, out=out, err=err)

    def _ask(self, line: str) -> str:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.serving"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=self.environment,
                bufsize=1,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(line, file=self.process.stdin, flush=True)
        return self.process.stdout.readline()


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""


def started(*words: str, folder: Path, environment: Mapping[str, str], **details: Any) -> subprocess.Popen[bytes]:
    """Start the program as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "verify", *words],
        cwd=folder,
        env=environment,
        **({"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | details),
    )


def ended(process: subprocess.Popen[bytes]) -> Ended:
    """Wait for a process that was started."""
    out, err = process.communicate(timeout=SECONDS)
    texts = [(stream or b"").decode("utf-8", "replace") for stream in (out, err)]
    return Ended(status=process.returncode, out=texts[0], err=texts[1])


def verify(*words: str, folder: Path, environment: Mapping[str, str], **details: Any) -> Ended:
    """Run the program as a process of its own, to its end."""
    return ended(started(*words, folder=folder, environment=environment, **details))


def contents(folder: Path) -> dict[str, str]:
    """Everything below a folder by name: what kind of thing it is, its rights, and a digest of a file's bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        kind = f"{state.st_mode:o}"
        if path.is_symlink():
            kind += f" to {os.readlink(path)}"
        elif path.is_file():
            kind += " " + hashlib.sha256(path.read_bytes()).hexdigest()
        found[os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")] = kind
    return found


def assert_no_traceback(run: Ended) -> None:
    """Whatever happened, a user reads sentences."""
    for sign in ("Traceback", 'File "', "Exception ignored", "Fatal Python error", "broke down"):
        assert sign not in run.out + run.err, run.told


REMEDIES = re.compile(
    r"\b(give|choose|drop|remove|move|see|save|convert|rerun|run|repair|add|use|did you mean|break|make|start|free|ask|"
    r"wait|largest that fits)\b"
)


def assert_refused(run: Ended, *named: str) -> None:
    """Exit 2, nothing on stdout, and one sentence that names each of `named` and says what to do."""
    assert_no_traceback(run)
    assert run.status == 2, run.told
    assert run.out == "", run.told
    assert run.err.startswith("verify: "), run.told
    assert run.err.endswith("\n"), run.told
    assert run.err.count("\n") == 1, run.told
    assert len(run.err) <= 500, run.told
    assert REMEDIES.search(run.err), run.told
    for name in named:
        assert name in run.err, (name, run.told)
