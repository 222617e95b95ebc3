"""Sitting the exam: every mutant in a freshly forked process, two at a time, each with a time limit; resumable."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any

from threadpoolctl import threadpool_limits

from verify.claim import Claim, Verdict, worst
from verify.mutants.exam import UNPLANTED, Found, Mutant, Proofs, evidence_of, examine, proofs

PROCESSES = 2
SECONDS = 120.0  # for one mutant, on a machine that may be busy
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, kw_only=True)
class Original:
    """What the checks say of the statement as it stands."""

    verdict: Verdict
    proofs: Proofs
    took: dict[str, float]
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class _Seat:
    """A process at work on one task, and how its answer comes back."""

    process: Any
    answer: Connection
    deadline: float
    place: int


def original_of(claim: Claim, small: Any, seconds: float = SECONDS) -> Original:
    """The claim's checks on the small subject, in a process of their own."""

    def look() -> Original:
        evidence = evidence_of(claim, None, small)
        weakest = max(evidence, key=lambda item: item.verdict)
        verdict = worst(item.verdict for item in evidence)
        took = {item.check: item.seconds for item in evidence}
        why = f"{weakest.check}: {weakest.summary}"
        return Original(verdict=verdict, proofs=proofs(evidence), took=took, why=why)

    found = next(answers([look], seconds))[1]
    if isinstance(found, Original):
        return found
    return Original(verdict=Verdict.ERROR, proofs=frozenset(), took={}, why=str(found))


def sit(
    claims: Mapping[str, Claim], mutants: Sequence[Mutant], small: Any, *, seconds: float = SECONDS
) -> Iterator[tuple[Mutant, Found]]:
    """Every mutant with what became of it, claim by claim, as they finish."""
    for name in dict.fromkeys(mutant.claim for mutant in mutants):
        own = [mutant for mutant in mutants if mutant.claim == name]
        start = original_of(claims[name], small, seconds)
        if start.verdict is not Verdict.PASS:
            why = f"it is {start.verdict}: {start.why}"
            yield from ((mutant, Found(result="open", by=UNPLANTED, why=why)) for mutant in own)
            continue
        tasks = (partial(examine, claims[name], mutant, small, start.proofs, start.took) for mutant in own)
        for place, found in answers(tasks, seconds):
            yield own[place], found if isinstance(found, Found) else Found(result="open", by="", why=str(found))


def answers(tasks: Iterable[Callable[[], Any]], seconds: float) -> Iterator[tuple[int, Any]]:
    """Each task's place and what it returned, from a process forked for it alone; a sentence where nothing came."""
    waiting, seats = enumerate(tasks), dict[Connection, _Seat]()
    try:
        while True:
            for place, task in waiting:
                seat = _start(place, task, seconds)
                seats[seat.answer] = seat
                if len(seats) == PROCESSES:
                    break
            if not seats:
                return
            left = max(0.0, min(seat.deadline for seat in seats.values()) - time.monotonic())
            ready = set(wait(list(seats), timeout=left))
            for answer, seat in list(seats.items()):
                if answer in ready or time.monotonic() >= seat.deadline:
                    del seats[answer]
                    yield seat.place, _collected(seat, answer in ready, seconds)
    finally:
        for seat in seats.values():
            seat.process.kill()
            seat.process.join()


def _start(place: int, task: Callable[[], Any], seconds: float) -> _Seat:
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_work, args=(task, sender), daemon=True)
    process.start()
    sender.close()
    return _Seat(process=process, answer=receiver, deadline=time.monotonic() + seconds, place=place)


def _work(task: Callable[[], Any], sender: Connection) -> None:
    with threadpool_limits(limits=1):
        sender.send(task())


def _collected(seat: _Seat, ready: bool, seconds: float) -> Any:
    """What the process sent; a sentence where it ran out of time or died."""
    try:
        if ready:
            return seat.answer.recv()
        return f"out of time after {seconds:g} s"
    except EOFError:
        seat.process.join()
        return f"its process ended with status {seat.process.exitcode} before it had answered"
    finally:
        seat.answer.close()
        seat.process.kill()
        seat.process.join()
