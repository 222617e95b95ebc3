"""Running claims as the command line asks: settings, foundations, checks, controls, record and report.

Everything that can be wrong with a request is found out before anything runs or is written.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from threadpoolctl import threadpool_limits

from verify import UsageError, discovery
from verify import record as records
from verify.claim import Claim, Grade, Verdict
from verify.discovery import Entry
from verify.memory import Memory, fingerprint_of, recall
from verify.render import terminal
from verify.runner import Foundations, Outcome, Subject, run

EXIT_STATUS = {"pass": 0, "undecided": 3, "fail": 1, "error": 1}
CHECKPOINT = "training.checkpoint"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asked for; `given` holds the paper's parameters that differ from the preset."""

    claims: tuple[str, ...]
    preset: str
    given: dict[str, Any]
    output: Path
    pdf: bool = True
    quiet: bool = False
    resume: Path | None = None
    grade: str | None = None
    certificate: Path | None = None


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """What all claims of a request share."""

    package: str
    request: Request
    subject: Subject
    small: Subject
    options: list[str]
    narrator: terminal.Narrator
    below: Foundations


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; the message says what is kept."""


def run_claims(package: str, request: Request) -> int:
    """Run the claims, write their records and reports, print their verdicts; returns the exit status.

    Raises:
        UsageError: anything about the request is unusable; found out before anything runs or is written.
        Interrupted: the user stopped the run; claims that were finished are kept.
    """
    chosen = [(entry, discovery.foundations(package, entry.id)) for entry in _chosen(package, request)]
    parameters = import_module(f"{package}.parameters")
    stage, memory = _prepared(package, parameters, request)
    statuses = []
    with threadpool_limits(limits=1, user_api="blas"):  # on small products a second one mostly waits
        for entry, foundations in chosen:
            record, memory = _run_one(entry, foundations, stage, memory)
            statuses.append(EXIT_STATUS[record["verdict"]])
    (request.output / CHECKPOINT).unlink(missing_ok=True)
    return 1 if 1 in statuses else max(statuses, default=0)


def _run_one(
    entry: Entry, foundations: tuple[Entry, ...], stage: _Stage, memory: Memory
) -> tuple[dict[str, Any], Memory]:
    """Run one claim, write and print what was found; returns the record, and the memory with its foundations."""
    request, began = stage.request, time.perf_counter()
    try:
        with stage.narrator:
            known = stage.below.verdicts([item.id for item in foundations], stage.narrator.announce)
            memory = memory.with_verdicts(stage.below.known)
            claim: Any = discovery.load(stage.package, entry.id)
            outcome = run(
                claim, stage.subject, stage.small, stage.narrator.announce, foundations=known,
                grades=tuple(Grade) if request.grade is None else (Grade(request.grade),),
            )  # fmt: skip
    except KeyboardInterrupt:
        checkpoint = request.output / CHECKPOINT
        hint = f"; continue with --resume {checkpoint}" if checkpoint.exists() else ""
        raise Interrupted(f"interrupted; finished claims are kept{hint}") from None
    record = records.make_record(
        entry, claim, outcome, stage.subject, stage.small, foundations=foundations, found=memory.passed,
        command=_replay_command(entry.id, stage), wall=time.perf_counter() - began, grade=request.grade,
    )  # fmt: skip
    paths = [*_write(record, request), *_certificate(claim, outcome, stage)]
    terminal.print_record(record, paths, quiet=request.quiet)
    return record, memory


def _prepared(package: str, parameters: ModuleType, request: Request) -> tuple[_Stage, Memory]:
    """Build what the checks look at, make sure that the results can be written, and recall what is known."""
    settings = parameters.resolve(request.preset, request.given)
    narrator = terminal.Narrator(quiet=request.quiet)
    checkpoint = request.output / CHECKPOINT
    subject = parameters.prepare(settings, progress=narrator.progress, checkpoint=checkpoint, resume=request.resume)
    small = parameters.prepare(parameters.control_parameters(settings))
    if request.certificate is not None:
        records.prepare_folder(request.certificate.parent, "certificate")
    records.prepare_folder(request.output, "output")
    memory = recall(request.output, fingerprint_of("verify", package, *parameters.LABORATORY))
    fixed = parameters.prepare(parameters.foundation_parameters())
    below = Foundations(load=lambda name: discovery.load(package, name), small=fixed, known=memory.known())
    stage = _Stage(
        package=package, request=request, subject=subject, small=small, options=parameters.as_options(settings),
        narrator=narrator, below=below,
    )  # fmt: skip
    return stage, memory


def _chosen(package: str, request: Request) -> list[Entry]:
    """The statements asked for, each once, in the order given; 'all' stands for every one."""
    known = discovery.entries(package)
    names = [name for claim in request.claims for name in ([e.id for e in known] if claim == "all" else [claim])]
    chosen = [discovery.find(package, name) for name in dict.fromkeys(names)]
    if request.certificate is not None:
        _require_certificate(chosen, [entry.id for entry in known if entry.certificate])
    return chosen


def _require_certificate(chosen: Iterable[Entry], able: list[str]) -> None:
    names = [entry.id for entry in chosen]
    if len(names) != 1 or names[0] not in able:
        raise UsageError(
            f"certificate was asked for {', '.join(names)}; give one claim that has one: {', '.join(able) or 'none'}"
        )


def _replay_command(claim: str, stage: _Stage) -> str:
    grade = ["--grade", stage.request.grade] if stage.request.grade else []
    return shlex.join(["python", "-m", "verify", claim, *stage.options, *grade])


def _write(record: dict[str, Any], request: Request) -> list[Path]:
    restricted = f".{record['grade']}" if record["grade"] else ""
    path = request.output / f"{record['claim']}{restricted}.json"
    records.write_record(record, path)
    if not request.pdf:
        return [path]
    from verify.render.pdf import render_pdf

    report = path.with_suffix(".pdf")
    records.write_atomically(report, render_pdf(record))
    return [path, report]


def _certificate(claim: Claim, outcome: Outcome, stage: _Stage) -> list[Path]:
    """Write the certificate that was asked for, unless the claim did not pass: then there is nothing to certify."""
    path = stage.request.certificate
    if path is None or claim.certificate is None:
        return []
    if outcome.verdict is not Verdict.PASS:
        terminal.console(stderr=True).print(f"no certificate was written: the claim is {outcome.verdict}")
        return []
    content = json.dumps(claim.certificate(stage.subject), indent=1, ensure_ascii=False)
    records.write_atomically(path, (content + "\n").encode())
    return [path]
