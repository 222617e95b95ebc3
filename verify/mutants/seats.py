"""Work in forked processes, some at a time: what each sends, as it comes, and how each ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from threadpoolctl import threadpool_limits

PROCESSES = 2
_FORK = multiprocessing.get_context("fork")

Send = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process has ended; `why` is a sentence where it did not do so by itself after it had sent something."""

    why: str = ""


@dataclass(kw_only=True)
class _Seat:
    """A process at work on one task, and how its words come back."""

    process: Any
    answer: Connection
    place: int
    deadline: float
    heard: bool = False


def streams(
    tasks: Iterable[Callable[[Send], None]], seconds: float, processes: int = PROCESSES, *, nested: bool = False
) -> Iterator[tuple[int, Any]]:
    """Each task's place and what it sent, last how it ended; whoever sends nothing for `seconds` at first is stopped.

    `nested` tasks may start processes of their own, which end with them.
    """
    waiting, seats = enumerate(tasks), dict[Connection, _Seat]()
    try:
        while True:
            while len(seats) < processes and (item := next(waiting, None)) is not None:
                seat = _start(*item, seconds, nested)
                seats[seat.answer] = seat
            if not seats:
                return
            left = max(0.0, min(seat.deadline for seat in seats.values()) - time.monotonic())
            ready = set(wait(list(seats), timeout=None if left == float("inf") else left))
            for answer, seat in list(seats.items()):
                said = _heard(seat, seconds, answer in ready)
                if isinstance(said, Ended):
                    del seats[answer]
                    _stop(seat, nested)
                if said is not None:
                    yield seat.place, said[0] if isinstance(said, tuple) else said
    finally:
        for seat in seats.values():
            _stop(seat, nested)


def answers(
    tasks: Iterable[Callable[[], Any]], seconds: float, processes: int = PROCESSES
) -> Iterator[tuple[int, Any]]:
    """Each task's place and what it returned, from a process forked for it alone; a sentence where nothing came."""

    def sending(task: Callable[[], Any]) -> Callable[[Send], None]:
        return lambda send: send(task())

    answered = set()
    for place, said in streams(map(sending, tasks), seconds, processes):
        if not isinstance(said, Ended):
            answered.add(place)
            yield place, said
        elif place not in answered:
            yield place, said.why


def _start(place: int, task: Callable[[Send], None], seconds: float, nested: bool) -> _Seat:
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_work, args=(task, sender, nested), daemon=not nested)
    process.start()
    sender.close()
    return _Seat(process=process, answer=receiver, place=place, deadline=time.monotonic() + seconds)


def _work(task: Callable[[Send], None], sender: Connection, nested: bool) -> None:
    if nested:
        os.setpgrp()  # so that it can be stopped with the processes that it starts
    with threadpool_limits(limits=1):
        task(sender.send)


def _heard(seat: _Seat, seconds: float, ready: bool) -> tuple[Any] | Ended | None:
    """What came, in a tuple; how it ended; None for nothing yet."""
    if ready:
        try:
            said = (seat.answer.recv(),)
        except (EOFError, OSError):  # nothing, or half of what it had begun to say
            seat.process.join()
            status = seat.process.exitcode
            why = f"its process ended with status {status} before it had answered"
            return Ended(why="" if status == 0 and seat.heard else why)
        seat.heard, seat.deadline = True, float("inf")
        return said
    if time.monotonic() >= seat.deadline:
        return Ended(why=f"out of time after {seconds:g} s")
    return None


def _stop(seat: _Seat, nested: bool) -> None:
    seat.answer.close()
    if nested:
        with suppress(ProcessLookupError, PermissionError):  # it has ended, or has no group of its own yet
            os.killpg(seat.process.pid, signal.SIGKILL)
    seat.process.kill()
    seat.process.join()
