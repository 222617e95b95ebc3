"""The audit as a PDF: a view of its record and of the records of its claims, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

import typst

from verify.audit.summary import NOT_YET, counted
from verify.render import words
from verify.render.alone import alone
from verify.render.glyphs import shown
from verify.render.origin import provenance_rows, unbreakable_units
from verify.render.pdf import is_mathematics, template
from verify.render.visible import all_unicode, unicode_only, visible
from verify.render.words import rich

with alone():
    from verify.render.graph import whole_graph
    from verify.render.view import view_of, wrappable

Json = dict[str, Any]

EACH = 3  # findings of a claim that are quoted in front; its own pages have the rest
LONGEST = 600  # characters of a reading or a witness in front
LETTERS = {"symbolic": "S", "certified": "C", "statistical": "T", "numeric": "N", "argued": "A"}
FRONT: tuple[str, ...] = (
    "claim",
    "run",
    "place",
    "title",
    "mark",
    "marks",
    "verdict",
    "meaning",
    "concerns",
    "facts",
    "statement",
)
FRONT += ("paragraphs", "wrong", "restriction", "cites", "trust", "checks", "assumptions", "controls", "graph")


def render_audit(record: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The audit's report; its record is attached as `audit.json`, each claim's beside it.

    A claim's statement that is not Typst mathematics is shown as it is spelt, and costs the others nothing.

    Raises:
        ValueError: a record holds no plain JSON.
    """
    view = audit_view(record, found)
    attached = {"audit": _source(record)} | {name: _source(item) for name, item in found.items()}
    time = int(datetime.fromisoformat(record["provenance"]["time"]).timestamp())
    try:
        return _compiled(view, attached, time)
    except typst.TypstError:
        return _compiled(_readable(view), attached, time)


def _compiled(view: Json, attached: Mapping[str, str], time: int) -> bytes:
    report: bytes = typst.compile(
        template("style", "claim", "audit"),
        sys_inputs={
            "view": json.dumps(view, ensure_ascii=False),
            "records": json.dumps(attached, ensure_ascii=False),
        },
        ignore_system_fonts=True,
        timestamp=time,
    )
    return report


def _readable(part: Any, name: str = "") -> Any:
    """A part of the view with each statement that is not mathematics as a text in quotes."""
    if isinstance(part, dict):
        return {name: _readable(item, name) for name, item in part.items()}
    if isinstance(part, (list, tuple)):
        return [_readable(item) for item in part]
    if name != "statement" or is_mathematics(part):
        return part
    return json.dumps(visible(part), ensure_ascii=False)


def audit_view(record: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> Json:
    """Everything that the template shows."""
    findings = [_finding(shown(item), map(shown, item["corrected"])) for item in record["findings"]]
    record = shown({name: item for name, item in record.items() if name != "findings"})
    rows = [_tile(row) for row in record["rows"]]
    view = {
        "reference": rich(record["audit"]),
        "verdict": record["verdict"],
        "run": record["provenance"]["run"],
        "counted": counted(record),
        "preset": record["preset"],
        "sections": [(title, list(group)) for title, group in groupby(rows, key=lambda row: row["section"])],
        "findings": findings,
        "open": [_open(item) for item in record["open"]],
        "provenance": _provenance(record),
        "command": unbreakable_units(record["provenance"]["command"]),
        "grades": [(LETTERS[grade], grade, meaning) for grade, meaning in words.GRADES],
        "verdicts": [*words.VERDICT_LEGEND, (NOT_YET, "no claim decides it yet")],
        "graph": whole_graph(record["claims"]),
        "claims": [_claim(item, found) for item in record["claims"]],
    }
    return {name: item if name in ("graph", "claims") else wrappable(item, name) for name, item in view.items()}


def _provenance(record: Json) -> list[tuple[str, str]]:
    """As of a claim, without what is a claim's alone."""
    rows = provenance_rows(record | {"instance": {}, "ground": []})
    return [(name, value) for name, value in rows if name not in ("data", "ground")]


def _claim(item: Json, found: Mapping[str, Mapping[str, Any]]) -> Json:
    view = view_of(shown(found[item["claim"]]))
    return {name: view[name] for name in FRONT} | {"sha256": item["sha256"]}


def _tile(row: Json) -> Json:
    marks = [(letter, grade in row["grades"]) for grade, letter in LETTERS.items()]
    return {
        "id": row["id"],
        "place": row["place"],
        "title": rich(row["title"]),
        "section": row["section"],
        "verdict": row["verdict"],
        "marks": marks,
        "claim": row["claims"][0] if row["claims"] else None,
    }


def _finding(item: Json, corrected: Iterable[Json]) -> Json:
    paragraphs, _ = words.split_text(item["text"])
    return {
        "claim": item["claim"],
        "place": words.sentence(item["place"]),
        "mark": item["mark"],
        "title": rich(item["title"]),
        "statement": unicode_only(item["statement"]),
        "paragraphs": [rich(text) for text in paragraphs],
        "evidence": [
            {
                "name": rich(finding["name"]),
                "grade": finding["grade"],
                "reading": rich(words.clipped(finding["reading"], LONGEST)),
                "witness": finding["witness"] and words.clipped(finding["witness"], LONGEST),
            }
            for finding in item["evidence"][:EACH]
        ],
        "more": max(0, len(item["evidence"]) - EACH),
        "corrected": [_corrected(other) for other in corrected],
    }


def _corrected(other: Json) -> Json:
    statement = unicode_only(other["statement"])
    return {"claim": other["claim"], "verdict": other["verdict"], "statement": statement, "title": rich(other["title"])}


def _open(item: Json) -> Json:
    reasons = [rich(words.clipped(reason["text"], LONGEST)) for reason in item["reasons"]]
    return {name: item[name] for name in ("claim", "place", "verdict")} | {
        "title": rich(item["title"]),
        "reasons": reasons,
    }


def _source(record: Mapping[str, Any]) -> str:
    return json.dumps(all_unicode(record), ensure_ascii=False, allow_nan=False)
