"""`verify audit`: from what was asked for to the records, the audit's own record and documents, and the exit status."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any, TextIO

from verify import UsageError
from verify.audit import summary
from verify.audit.documents import documents_of, prepare_documents, write_audit, write_documents
from verify.audit.earlier import finished_before
from verify.audit.work import Finished, finished_claims
from verify.ending import Ending, command_of
from verify.execution import EXIT_STATUS
from verify.paper import Row
from verify.render.layout import Page
from verify.render.programs import print_json
from verify.render.terminal import ForPeople
from verify.render.visible import visible
from verify.stage import Desk, Request, Stage, chosen, desk_of, prepare_paths, stage_of


@dataclass(kw_only=True)
class Audit:
    """What an audit has reached: its claims in the order of the paper's list, those finished by their names."""

    desk: Desk
    quiet: bool
    rows: tuple[Row, ...]
    stages: dict[str, Stage]
    out: TextIO
    began: float = field(default_factory=time.monotonic)
    finished: dict[str, Finished] = field(default_factory=dict)

    def record(self, *, whole: bool) -> dict[str, Any]:
        """The audit's own record, as far as it has come."""
        finished = [self.finished[name] for name in self.stages if name in self.finished]
        wall = time.monotonic() - self.began
        return summary.audit_record(self.desk, self.rows, finished, wall=wall, whole=whole)


def take(package: str, request: Request, jobs: int, ending: Ending | None = None) -> int:
    """Run every claim, `jobs` at once, write each one's record and report, and what the audit says; the exit status.

    What an audit that was interrupted has finished is taken up, if sources, settings and records are still the same.

    Raises:
        UsageError: anything about the request is unusable; found out before anything runs or is written.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # before anything heavy is loaded: processes with threads are not to be forked
    out = sys.stdout
    with redirect_stdout(sys.stderr):  # what a statement's own code prints is no result
        audit = _prepared(package, request, ending or Ending(), out)
        audit.finished |= finished_before(audit.desk, audit.stages.values())
        told = _Told(audit)
        audit.desk.ending.tell(lambda: _farewell(audit))
        _begin(audit)
        for name in audit.finished:
            told.taken_up(name)
        for item in finished_claims(audit.desk, _waiting(audit), jobs):
            audit.finished[item.name] = item
            with audit.desk.ending.undisturbed:
                write_audit(audit.desk, audit.record(whole=False))
            told.finished(item)
        return _end(audit, told)


def _prepared(package: str, request: Request, ending: Ending, out: TextIO) -> Audit:
    """Everything that can be wrong with the request is found out here."""
    entries = chosen(package, request)
    desk = desk_of(package, replace(request, quiet=True), ending)  # the lines of several trainings would mix
    rows = summary.rows_of(desk.paper.ledger, entries)
    stages = {entry.id: stage_of(entry, desk) for entry in entries}
    prepare_documents(request)
    with ending.undisturbed:
        prepare_paths(request, stages.values())
    prepare_documents(request)
    return Audit(desk=desk, quiet=request.quiet, rows=rows, stages=stages, out=out)


def _waiting(audit: Audit) -> list[Stage]:
    """What is left to do: first what others rest on."""
    left = [stage for name, stage in audit.stages.items() if name not in audit.finished]
    return sorted(left, key=lambda stage: len(stage.foundations))


def _begin(audit: Audit) -> None:
    """From here on the documents of an earlier audit would stand beside records of another run."""
    with audit.desk.ending.undisturbed:
        for path in documents_of(audit.desk.request):
            path.unlink(missing_ok=True)
        write_audit(audit.desk, audit.record(whole=False))


def _farewell(audit: Audit) -> str:
    with audit.desk.ending.undisturbed:
        write_audit(audit.desk, audit.record(whole=False))
    done, words = len(audit.finished), command_of(["audit"], audit.desk.request.again, None)
    return f"; {done} of {len(audit.stages)} claims are finished and kept; continue with: {words}"


def _end(audit: Audit, told: _Told) -> int:
    """Write what the audit says, and tell of it."""
    record = audit.record(whole=True)
    written, troubles = write_documents(
        audit.desk, record, {name: item.record for name, item in audit.finished.items()}
    )
    for sentence in troubles:
        print(f"verify: {visible(sentence)}", file=sys.stderr)
    told.end(record, [str(path) for path in written])
    statuses = {EXIT_STATUS[item["verdict"]] for item in record["claims"]}
    failed = bool(troubles) or any(item["trouble"] for item in record["claims"])
    return 1 if failed or 1 in statuses else max(statuses, default=0)


class _Told:
    """What is said while an audit runs: verdicts on stdout, progress and the time left on stderr."""

    def __init__(self, audit: Audit) -> None:
        self._audit, self._quiet, self._as_json = audit, audit.quiet, audit.desk.request.as_json
        self._results = ForPeople(audit.out, quiet=True)
        self._page = Page(sys.stderr)
        self._done = 0

    def taken_up(self, name: str) -> None:
        """The claim was finished by the audit that was interrupted."""
        if not self._as_json:
            self._results.verdict(self._audit.finished[name].record)
        if not self._quiet:
            self._page.line(f"audit: {name} was finished before the interruption, and is taken up")

    def finished(self, item: Finished) -> None:
        """The claim's verdict, how far the audit is, and about how long it will take."""
        if not self._as_json:
            self._results.verdict(item.record)
        self._done += 1
        done, of = len(self._audit.finished), len(self._audit.stages)
        left = (time.monotonic() - self._audit.began) / self._done * (of - done)
        if not self._quiet:
            about = f", about {left:.0f} s left" if done < of else ""
            self._page.line(f"audit: {item.name} took {item.seconds:.1f} s; {done} of {of} claims{about}")

    def end(self, record: Mapping[str, Any], written: list[str]) -> None:
        """The verdict of the whole."""
        if self._as_json:
            print_json(record, self._audit.out)
            return
        page = Page(self._audit.out)
        for line in _summary_lines(record):
            page.hanging(line)
        if written and not self._quiet:
            page.line("  wrote " + ", ".join(written))


def _summary_lines(record: Mapping[str, Any]) -> Iterator[str]:
    yield summary.counted(record)
    for item in record["findings"]:
        yield f"FAIL {item['place']}: {item['title']} ({item['claim']})"
    for item in record["open"]:
        yield f"{item['verdict'].upper()} {item['place']}: {item['title']} ({item['claim']})"


def require_jobs(jobs: int | None) -> int:
    """How many claims run at once: the number of cores that this process may use, unless it is given.

    Raises:
        UsageError: the number is not positive.
    """
    if jobs is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if jobs < 1:
        raise UsageError(f"jobs = {jobs} must be at least 1; leave --jobs out for one to each core")
    return jobs
