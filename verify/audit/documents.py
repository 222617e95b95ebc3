"""The files of an audit: its record, its report, and the errata that a reader could send to the authors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from verify.audit.errata import errata
from verify.files import AUDIT, ERRATA, REPORT, require_replaceable, write_atomically
from verify.record import as_json
from verify.runner import trouble
from verify.stage import Desk, Request

Json = Mapping[str, Any]


def record_of_audit(request: Request) -> Path:
    """Where the audit's own record is."""
    return request.output / "audit.json"


def documents_of(request: Request) -> tuple[Path, Path]:
    """Where its report and the errata are."""
    return request.output / "audit.pdf", request.output / "errata.md"


def prepare_documents(request: Request) -> None:
    """Make sure that nothing of anybody's is lost if they are written.

    Raises:
        UsageError: something else stands in the place of one of them.
    """
    kinds = zip((record_of_audit(request), *documents_of(request)), (AUDIT, REPORT, ERRATA), strict=True)
    for path, kind in kinds:
        require_replaceable(path, kind, "output")


def write_audit(desk: Desk, record: Json) -> Path:
    """Write the audit's record: with each claim that is finished, so that an audit can go on from there."""
    path = record_of_audit(desk.request)
    write_atomically(path, as_json(dict(record)))
    return path


def write_documents(desk: Desk, record: Json, found: Mapping[str, Json]) -> tuple[list[Path], list[str]]:
    """What was written, and what could not be."""
    written, troubles = [], []
    report, list_of_errata = documents_of(desk.request)
    steps: list[tuple[Path, Callable[[], bytes]]] = [(list_of_errata, lambda: errata(record).encode())]
    steps += [(report, lambda: _report(record, found))] if desk.request.pdf else []
    with desk.ending.undisturbed:
        try:
            written.append(write_audit(desk, record))
        except OSError as error:
            troubles.append(str(error))
    for path, content in steps:
        try:
            made = content()
            with desk.ending.undisturbed:
                write_atomically(path, made)
            written.append(path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # Typst's own breakdowns are no Exception
            troubles.append(f"{path.name} could not be made: {trouble(error)}")
    return written, troubles


def _report(record: Json, found: Mapping[str, Json]) -> bytes:
    from verify.render.audit import render_audit

    return render_audit(record, found)
