"""Each claim in a process of its own, so that one which crashes or is killed costs no other its verdict."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verify.claim import Verdict
from verify.ending import NAMES, Ending
from verify.execution import close_stage, run_stage
from verify.foundation_cache import recall
from verify.mutants.seats import Ended, Send, streams
from verify.paper import Kept
from verify.recording import unread
from verify.runner import Outcome
from verify.stage import Desk, Stage


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What became of a claim: its record, the files that were written, and why others were not."""

    record: Mapping[str, Any]
    files: Mapping[str, Path]
    troubles: tuple[str, ...] = ()
    seconds: float = 0.0
    taken_up: bool = False

    @property
    def name(self) -> str:
        return str(self.record["claim"])


class _Heard:
    """What a claim's run found, kept in place of being printed."""

    def __init__(self) -> None:
        self.record: Mapping[str, Any] = {}
        self.files: Mapping[str, Path] = {}
        self.troubles: Sequence[str] = ()

    def verdict(self, record: Mapping[str, Any]) -> None:
        self.record = record

    def written(self, paths: Mapping[str, Path], troubles: Sequence[str]) -> None:
        self.files, self.troubles = paths, troubles

    def end(self) -> None:
        """Nothing was begun."""


def finished_claims(desk: Desk, stages: Sequence[Stage], jobs: int) -> Iterator[Finished]:
    """Each claim as it is finished, `jobs` at once; one whose process ends without a word is an error."""
    began: dict[int, float] = {}
    told: set[int] = set()

    def tasks() -> Iterator[Callable[[Send], None]]:
        for place, stage in enumerate(stages):
            began[place] = time.monotonic()
            _remember(desk)
            yield _task(stage, desk)

    for place, said in streams(tasks(), float("inf"), jobs, nested=True):
        seconds = time.monotonic() - began[place]
        if not isinstance(said, Ended):
            told.add(place)
            yield replace(said, seconds=seconds)
        elif place not in told:
            yield _lost(stages[place], desk, said.why, seconds)


def _remember(desk: Desk) -> None:
    """What the claims that are finished have found out of what they rest on need not be found again by the next."""
    desk.cache = recall(desk.cache.fingerprint)
    desk.below.known.update(desk.cache.known())


def _task(stage: Stage, desk: Desk) -> Callable[[Send], None]:
    def run(heard: _Heard) -> None:
        _, written = run_stage(stage, desk, heard)
        if written and isinstance(stage.subject, Kept):
            stage.subject.forget()

    return _heard(run, desk)


def _heard(work: Callable[[_Heard], object], desk: Desk) -> Callable[[Send], None]:
    """A task that sends what is told while `work` is done."""

    def task(send: Send) -> None:
        _settle(desk)
        heard = _Heard()
        work(heard)
        send(Finished(record=heard.record, files=heard.files, troubles=tuple(heard.troubles)))

    return task


def _settle(desk: Desk) -> None:
    """In the new process: nothing that a claim's own code writes is a result, and signals end it as they end any."""
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    desk.ending = Ending()  # the one that is shared may be held by a thread that is not here
    desk.ending.watching = True
    numbers = {getattr(signal, name) for name in NAMES if hasattr(signal, name)}
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    threading.Thread(target=_follow, name="parent", daemon=True).start()


def _follow() -> None:
    """End when the audit has: without it nobody takes what is found here."""
    above = multiprocessing.parent_process()
    if above is not None:
        above.join()
    os._exit(1)


def _lost(stage: Stage, desk: Desk, why: str, seconds: float) -> Finished:
    """The record of a claim whose process is gone: an error, which replaces whatever an earlier run has left."""
    outcome = Outcome(
        evidence=(),
        baseline=Verdict.UNDECIDED,
        controls=(),
        foundations=tuple((item.id, Verdict.UNDECIDED) for item in stage.foundations),
        broken=why,
    )

    def close(heard: _Heard) -> None:
        close_stage(stage, unread(stage.entry), outcome, desk, heard, seconds)

    # Not in this process: typesetting starts threads, and processes with threads are not to be forked.
    for _, said in streams([_heard(close, desk)], float("inf"), 1, nested=True):
        if not isinstance(said, Ended):
            written: Finished = replace(said, seconds=seconds)
            return written
    heard, alone = _Heard(), replace(desk, request=replace(desk.request, pdf=False))
    close_stage(stage, unread(stage.entry), outcome, alone, heard, seconds)
    return Finished(record=heard.record, files=heard.files, troubles=tuple(heard.troubles), seconds=seconds)
