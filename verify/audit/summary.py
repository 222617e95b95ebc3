"""What an audit says, from the records of its claims and the paper's ledger: plain JSON, the truth of its document."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from verify import UsageError
from verify import record as records
from verify.audit.work import Finished
from verify.discovery import GRADES, Entry
from verify.paper import Row
from verify.provenance import provenance
from verify.render.words import VERDICTS
from verify.stage import Desk

Json = dict[str, Any]

SCHEMA = 1
NOT_YET = "not yet"  # of a statement that no claim decides, or whose claims are not all finished


def rows_of(ledger: Sequence[Row], entries: Iterable[Entry]) -> tuple[Row, ...]:
    """The paper's list of its statements; without one each claim is a statement.

    Raises:
        UsageError: the list names a claim that does not exist.
    """
    entries = list(entries)
    known = {entry.id for entry in entries}
    for row in ledger:
        if unknown := [name for name in (*row.claims, *row.beside) if name not in known]:
            raise UsageError(f"the ledger says of {row.id!r} that {unknown[0]!r} decides it; there is no such claim")
    own = (
        Row(id=entry.id, place=entry.place or entry.id, title=entry.title, section="Statements", claims=(entry.id,))
        for entry in entries
    )
    return tuple(ledger) or tuple(own)


def audit_record(desk: Desk, rows: Iterable[Row], finished: Sequence[Finished], *, wall: float, whole: bool) -> Json:
    """Everything that the audit's documents show; `whole` says that every claim is finished."""
    found = {item.name: item.record for item in finished}
    listed = [_row(row, found) for row in rows]
    record = {
        "schema": SCHEMA,
        "audit": reference(desk.package),
        "whole": whole,
        "preset": desk.request.preset,
        "verdict": _worst(str(item.record["verdict"]) for item in finished),
        "rows": listed,
        "findings": [_finding(record, listed, found) for record in found.values() if record["verdict"] == "fail"],
        "open": [_open(record) for record in found.values() if record["verdict"] in ("undecided", "error")],
        "claims": [_claim(item) for item in finished],
        "provenance": provenance(_command(desk), wall, desk.code) | {"run": _run(found)},
    }
    made: Json = records.plain(record)
    return made


def reference(package: str) -> str:
    """The paper's reference: what the package's own words say after their first line."""
    return " ".join(((sys.modules[package].__doc__ or "").strip().partition("\n\n")[2] or package).split())


def counted(record: Mapping[str, Any]) -> str:
    """How many statements have which verdict, in a sentence."""
    counts = Counter(row["verdict"] for row in record["rows"])
    told = [f"{counts[verdict]} {verdict}" for verdict in (*VERDICTS, NOT_YET) if counts[verdict]]
    claims = Counter(item["verdict"] for item in record["claims"])
    of_claims = ", ".join(f"{claims[verdict]} {verdict}" for verdict in VERDICTS if claims[verdict])
    of_statements = f"{len(record['rows'])} statements of the paper: {', '.join(told)}"
    return f"{of_statements}. {len(record['claims'])} claims: {of_claims}."


def _command(desk: Desk) -> str:
    return " ".join(
        ["python -m verify audit", *([] if desk.request.preset is None else ["--preset", desk.request.preset])]
    )


def _run(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The audit's id follows from the runs that it is made of."""
    runs = [str(record["provenance"].get("run")) for record in found.values()]
    return hashlib.sha256(" ".join(runs).encode()).hexdigest()[:16]


def _worst(verdicts: Iterable[str]) -> str:
    return max(verdicts, key=VERDICTS.index, default="undecided")


def _row(row: Row, found: Mapping[str, Mapping[str, Any]]) -> Json:
    decided = bool(row.claims) and all(name in found for name in row.claims)
    records_of = [found[name] for name in row.claims if name in found]
    grades = {item["grade"] for record in records_of for item in record["evidence"]}
    return {
        "id": row.id,
        "place": row.place,
        "title": row.title,
        "section": row.section,
        "verdict": _worst(record["verdict"] for record in records_of) if decided else NOT_YET,
        "grades": [grade for grade in GRADES if grade in grades],
        "claims": list(row.claims),
        "beside": list(row.beside),
    }


def _claim(item: Finished) -> Json:
    """A claim's place in the audit, with the hash of its record as it was written."""
    record = item.record
    grades = {check["grade"] for check in record["evidence"]}
    return {
        "claim": record["claim"],
        "place": record["place"],
        "mark": record["mark"],
        "title": record["title"],
        "verdict": record["verdict"],
        "grades": [grade for grade in GRADES if grade in grades],
        "builds_on": record["builds_on"],
        "run": record["provenance"].get("run"),
        "sha256": hashlib.sha256(records.as_json(dict(record))).hexdigest(),
        "files": {name: path.name for name, path in item.files.items()},
        "trouble": list(item.troubles),
        "taken_up": item.taken_up,
    }


def _finding(record: Mapping[str, Any], rows: Iterable[Json], found: Mapping[str, Mapping[str, Any]]) -> Json:
    """A claim that fails: what is printed, what contradicts it, and what stands beside it."""
    beside = [name for row in rows if record["claim"] in row["claims"] for name in row["beside"]]
    contradicted = [
        {"name": item["name"], "reading": item["reading"], "witness": _witness(item), "grade": check["grade"]}
        for check in record["evidence"]
        for item in check["findings"]
        if item["verdict"] == "fail"
    ]
    return {
        "claim": record["claim"],
        "place": record["place"],
        "mark": record["mark"],
        "title": record["title"],
        "text": record["text"],
        "statement": record["statement"],
        "evidence": contradicted,
        "corrected": [
            {name: found[other][name] for name in ("claim", "place", "title", "statement", "verdict")}
            for other in dict.fromkeys(beside)
            if other in found
        ],
        "record": f"{record['claim']}.json",
    }


def _witness(finding: Mapping[str, Any]) -> str | None:
    """What refutes it, unless its reading says that already."""
    witness = finding.get("witness")
    return None if witness is None or witness in finding["reading"] else witness


def _open(record: Mapping[str, Any]) -> Json:
    return {name: record[name] for name in ("claim", "place", "title", "verdict", "reasons")}
