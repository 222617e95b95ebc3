"""A record and its report: written together, and told apart from two that do not belong together.

Both bear the id of the run that they come from, the report among the keywords of its metadata.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verify.files import LONGEST, RECORD, REPORT, NotWrittenError, folder_held, require_replaceable, staged

_RUN = re.compile(rb"<pdf:Keywords>run ([0-9a-f]+)</pdf:Keywords>")


def report_path(record: Path) -> Path:
    """Where the report of a record is."""
    return record.with_suffix(".pdf")


def put(path: Path, record: bytes, report: bytes | None) -> list[Path]:
    """Put a record and its report, if there is one, in the place of an earlier pair; returns what was written.

    Both are on the disk before anything changes. Then the earlier report goes first and the new one comes last, so
    that no moment, and no process that is killed, leaves a record beside the report of another run.

    Raises:
        NotWrittenError: something cannot be written. The earlier pair is as it was.
        UsageError: something that is not ours has taken the place of one of them.
    """
    contents = {path: record} | ({} if report is None else {report_path(path): report})
    made: dict[Path, Path] = {}
    try:
        for place, content in contents.items():
            made[place] = staged(place, content)
        with folder_held(path.parent):
            for place, kind in ((path, RECORD), (report_path(path), REPORT)):
                require_replaceable(place, kind, "output")
            report_path(path).unlink(missing_ok=True)
            for place, temporary in made.items():
                os.replace(temporary, place)
    except OSError as error:
        raise error if isinstance(error, NotWrittenError) else NotWrittenError(path, error) from error
    finally:
        for temporary in made.values():
            temporary.unlink(missing_ok=True)
    return list(contents)


def mismatch(path: Path, record: Mapping[str, Any]) -> str | None:
    """What is wrong with the report beside a record, if anything."""
    report = report_path(path)
    try:
        if not stat.S_ISREG(report.stat().st_mode) or report.stat().st_size > LONGEST:
            return "report unreadable"
        found = _RUN.search(report.read_bytes())
    except FileNotFoundError:
        return "report missing" if record.get("report") is True else None
    except OSError:
        return "report unreadable"
    provenance = record.get("provenance")
    run = provenance.get("run") if isinstance(provenance, dict) else None
    own = found is not None and found[1].decode() == run
    return None if own else "report of another run"
