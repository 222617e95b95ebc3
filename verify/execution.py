"""Running claims as the command line asks: foundations, checks, controls, record and report.

What goes wrong in a statement's own file is that claim's verdict, and the others run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Protocol

from threadpoolctl import threadpool_limits

from verify import UsageError, pair
from verify import record as records
from verify.claim import Claim, Grade, Verdict
from verify.ending import Ending, command_of
from verify.files import CERTIFICATE, NotWrittenError, require_replaceable, write_atomically
from verify.mutants.report import told_of
from verify.paper import Kept
from verify.recording import record_in_any_case, unread
from verify.render.programs import ForPrograms
from verify.render.terminal import ForPeople
from verify.render.visible import visible
from verify.runner import Outcome, run, trouble
from verify.stage import Desk, Request, Stage, chosen, desk_of, loaded, prepare_paths, record_path, stage_of

EXIT_STATUS = {"pass": 0, "undecided": 3, "fail": 1, "error": 1}
KINDS = {".json": "record", ".pdf": "pdf"}


class Results(Protocol):
    """Whom a claim's verdict is told, and then its files and why others are missing; `end` comes last."""

    def verdict(self, record: Mapping[str, Any]) -> None: ...
    def written(self, paths: Mapping[str, Path], troubles: Sequence[str]) -> None: ...
    def end(self) -> None: ...


def run_claims(package: str, request: Request, ending: Ending | None = None) -> int:
    """Run the claims, write their records and reports, print their verdicts; returns the exit status.

    Raises:
        UsageError: anything about the request is unusable; found out before anything runs or is written.
    """
    results: Results = ForPrograms(sys.stdout) if request.as_json else ForPeople(sys.stdout, quiet=request.quiet)
    with redirect_stdout(sys.stderr):  # what a statement's own code prints is no result
        entries = chosen(package, request)
        desk = desk_of(package, request, ending or Ending())
        stages = [stage_of(entry, desk) for entry in entries]
        with desk.ending.undisturbed:
            prepare_paths(request, stages)
        desk.claims, desk.left = stages, list(stages)
        desk.ending.tell(lambda: _farewell(desk, results))
        try:
            statuses = _run_all(stages, desk, results)
        finally:
            with desk.ending.undisturbed:
                results.end()
    return 1 if 1 in statuses else max(statuses, default=0)


def _run_all(stages: list[Stage], desk: Desk, results: Results) -> list[int]:
    """The exit status of each claim."""
    statuses, unwritten = [], set()
    with threadpool_limits(limits=1, user_api="blas"):  # on small products a second one mostly waits
        for stage in stages:
            status, written = run_stage(stage, desk, results)
            statuses.append(status)
            unwritten |= set() if written else {id(stage.subject)}
            _finish(stage, desk, unwritten)
    return statuses


def _finish(stage: Stage, desk: Desk, unwritten: set[int]) -> None:
    """The claim is done; what was saved of a training that no claim needs any more is removed.

    Kept is what a claim was trained with whose record could not be written.
    """
    with desk.ending.undisturbed:
        del desk.left[0]
        needed = {id(other.subject) for other in desk.left}
        if id(stage.subject) not in unwritten | needed and isinstance(stage.subject, Kept):
            stage.subject.forget()


def run_stage(stage: Stage, desk: Desk, results: Results) -> tuple[int, bool]:
    """Run one claim, print and write what was found; returns its exit status, and whether its record was written."""
    began = time.perf_counter()
    with desk.narrator:
        claim, outcome = _outcome(stage, desk)
    return close_stage(stage, claim, outcome, desk, results, time.perf_counter() - began)


def close_stage(
    stage: Stage, claim: Claim, outcome: Outcome, desk: Desk, results: Results, wall: float
) -> tuple[int, bool]:
    """Print and write what a claim's run found; returns its exit status, and whether its record was written."""
    request = desk.request
    record = _record(stage, claim, outcome, desk, wall)
    record["mutants"] = told_of(request.output, desk.cache.fingerprint, stage.entry.id)
    results.verdict(record)
    if request.resume is not None and record["provenance"].get("resumed") is None:
        desk.narrator.say(f"{stage.entry.id} did not train, so --resume {request.resume} had no effect on it")
    written: dict[str, Path] = {}
    troubles = []
    status = EXIT_STATUS[record["verdict"]]
    for step in (_write(record, desk), _certificate(claim, record, stage, desk)):
        try:
            for path in step:
                written["certificate" if path == request.certificate else KINDS[path.suffix]] = path
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            troubles.append(_sentence(error))
            print(f"verify: {stage.entry.id}: {visible(troubles[-1])}", file=sys.stderr)
            status = 1
    results.written(written, troubles)
    return status, "record" in written


def _farewell(desk: Desk, results: Results) -> str:
    """Save what training has reached; what is kept, and the command that goes on."""
    request = desk.request
    results.end()
    if not desk.left:
        return "; all claims are finished and kept"
    file, trouble = request.resume, ""
    subject = desk.left[0].subject
    desk.narrator.stop()
    try:
        file = (subject.keep() if isinstance(subject, Kept) else None) or file
    except OSError as error:
        trouble = f"; what training has reached could not be saved ({error.strerror})"
    command = command_of(desk.claims_left, request.again, file)
    return f"; finished claims are kept{trouble}; continue with: {command}"


def _outcome(stage: Stage, desk: Desk) -> tuple[Claim, Outcome]:
    """What the claim's checks found; a file that cannot be loaded or run is the verdict error of this claim alone."""
    known: list[tuple[str, Verdict]] = []
    entry = stage.entry
    claim, reason = unread(entry), stage.broken
    if reason is None:
        try:
            known, again = _known(stage, desk)
            claim = loaded(desk.package, entry.id)
            grades = tuple(Grade) if desk.request.grade is None else (Grade(desk.request.grade),)
            outcome = run(
                claim,
                stage.subject,
                stage.small,
                desk.narrator.announce,
                foundations=known,
                grades=grades,
                below={check.grade for item in stage.foundations for check in item.checks},
            )
            if outcome.sound:  # what was found on broken ground is not remembered
                with desk.ending.undisturbed:
                    desk.cache = desk.cache.with_verdicts(desk.below.known, again=again)
            return claim, outcome
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not desk.ending.watching:
                raise  # where signals are awaited, none becomes an exception: this one is the statement's own
            reason = trouble(error)
    known = known or [(item.id, Verdict.UNDECIDED) for item in stage.foundations]
    return claim, Outcome(evidence=(), baseline=Verdict.UNDECIDED, controls=(), foundations=tuple(known), broken=reason)


def _known(stage: Stage, desk: Desk) -> tuple[list[tuple[str, Verdict]], str | None]:
    """The foundations' verdicts, and which was found again.

    Of those remembered that is one in every run; if it does not pass, all are.
    """
    names = [item.id for item in stage.foundations]
    sample = None if desk.sampled else desk.cache.sample(names)
    if sample is not None:
        desk.sampled = True
        del desk.below.known[sample]
        if desk.below.verdicts([sample], desk.narrator.announce)[0][1] is not Verdict.PASS:
            desk.below.known.clear()
    return desk.below.verdicts(names, desk.narrator.announce), sample


def _record(stage: Stage, claim: Claim, outcome: Outcome, desk: Desk, wall: float) -> dict[str, Any]:
    return record_in_any_case(
        stage.entry,
        claim,
        outcome,
        stage.subject,
        stage.small,
        quantities=stage.scope.instance,
        foundations=stage.foundations,
        found=desk.cache.passed,
        command=stage.command,
        wall=wall,
        grade=desk.request.grade,
        scope=stage.scope,
        report=desk.request.pdf,
        code=desk.code,
        sources=desk.sources.of_claim(desk.package, [item.id for item in (stage.entry, *stage.foundations)]),
    )


def _write(record: dict[str, Any], desk: Desk) -> Iterator[Path]:
    """Write the record and its report; the record alone where there can be no report.

    A report for which there is no room costs the record too if there is an earlier one: a pair is not torn.
    """
    path = record_path(record["claim"], desk.request)
    content, failure = _rendered(record) if desk.request.pdf else (None, None)
    record["report"] = content is not None
    try:
        with desk.ending.undisturbed:
            written = pair.put(path, records.as_json(record), content)
    except NotWrittenError as error:
        if content is None or path.exists():
            raise
        record["report"], failure = False, error
        with desk.ending.undisturbed:
            written = pair.put(path, records.as_json(record), None)
    yield from written
    if failure is not None:
        raise failure


def _rendered(record: dict[str, Any]) -> tuple[bytes | None, BaseException | None]:
    """The report, or why it cannot be made."""
    try:
        from verify.render.pdf import render_pdf

        return render_pdf(record), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # Typst's own breakdowns are no Exception
        return None, error


def _certificate(claim: Claim, record: dict[str, Any], stage: Stage, desk: Desk) -> Iterator[Path]:
    """Write the certificate that was asked for, unless the claim did not pass: then there is nothing to certify."""
    path = desk.request.certificate
    if path is None or claim.certificate is None:
        return
    if record["verdict"] != "pass":
        print(f"verify: no certificate was written: the claim is {record['verdict']}", file=sys.stderr)
        return
    content = json.dumps(
        claim.certificate(claim.subject(stage.subject)), indent=1, ensure_ascii=False, allow_nan=False
    ).encode()
    if not CERTIFICATE.fits(content):
        raise ValueError(
            "its certificate must begin with a key 'schema' that names its form, by which it is known again"
        )
    with desk.ending.undisturbed:
        require_replaceable(path, CERTIFICATE, "certificate")
        write_atomically(path, content + b"\n")
    yield path


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split()) if isinstance(error, (UsageError, ValueError, OSError)) else trouble(error)
