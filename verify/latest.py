"""What earlier runs left of each claim: the verdict in its record, if record, report and sources belong together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from verify import UsageError, discovery
from verify.discovery import Entry
from verify.files import load_json
from verify.pair import mismatch
from verify.paper import paper_of
from verify.render.visible import visible
from verify.sources import Sources, read_sources

VERDICTS = ("pass", "undecided", "fail", "error")


def rows(package: str, output: Path) -> list[dict[str, Any]]:
    """Every claim with its last verdict in a folder, as `list` shows it: `verdict` is

    - pass, undecided, fail or error as the record says; error too for a file that cannot be read as a statement,
    - stale if the statement, or any source that its verdict rests on, has changed since,
    - None if there is no record that can be read; one that cannot be is named on stderr.

    `note` says what is wrong with the report beside the record, if anything.
    """
    laboratory = paper_of(package).laboratory
    sources = read_sources("verify", package, *laboratory)
    listed = []
    for entry in discovery.entries(package):
        verdict, note = ("error", None) if entry.broken else _last(package, entry, output, sources)
        listed.append(
            {
                "id": entry.id,
                "place": entry.place,
                "mark": entry.mark,
                "title": entry.broken or entry.title,
                "grades": entry.grades,
                "verdict": verdict,
                "note": note,
            }
        )
    return listed


def _last(package: str, entry: Entry, output: Path, sources: Sources) -> tuple[str | None, str | None]:
    path = output / f"{entry.id}.json"
    try:
        record = _record(path, entry)
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    except (OSError, ValueError):
        print(
            f"verify: {visible(str(path))} is no record of {entry.id} that can be read, and is ignored", file=sys.stderr
        )
        return None, None
    now = [entry.text, sources.of_claim(package, [entry.id, *_below(package, entry)])]
    stale = [record.get("text"), record.get("sources_sha256")] != now
    if entry.statement is not None:
        stale = stale or record.get("statement") != entry.statement
    return "stale" if stale else str(record["verdict"]), mismatch(path, record)


def _below(package: str, entry: Entry) -> list[str]:
    try:
        return [item.id for item in discovery.foundations(package, entry.id)]
    except UsageError:
        return []


def _record(path: Path, entry: Entry) -> dict[str, Any]:
    """The record of a claim, as far as a listing looks at it.

    Raises:
        OSError, ValueError: there is none that can be read.
    """
    record = load_json(path)
    if not isinstance(record, dict) or record.get("claim") != entry.id or record.get("verdict") not in VERDICTS:
        raise ValueError(f"{path} is no record of {entry.id}")
    return record
