"""The report of one claim as a PDF: a view of its record, and of nothing else.

The record reaches Typst as data, never as markup: only its `statement` is evaluated, as
mathematics. The fonts are those inside the typst package, so nothing depends on the machine and the
same record gives the same bytes.
"""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources
from typing import Any

import typst

from verify.render.alone import alone
from verify.render.glyphs import shown
from verify.render.visible import all_unicode, unicode_only

with alone():
    from verify.render.view import view_of


def render_pdf(record: dict[str, Any]) -> bytes:
    """The report of a record; the record itself is attached to the PDF as `<claim>.json`.

    Raises:
        ValueError: the record's `statement` is not Typst mathematics, or the record holds no plain JSON.
    """
    _require_statement(record)
    report: bytes = typst.compile(**compile_arguments(record))
    return report


def compile_arguments(record: dict[str, Any]) -> dict[str, Any]:
    """What Typst is given: the template, the view, the record to attach, and the record's own time as the date."""
    source = json.dumps(all_unicode(record), ensure_ascii=False, allow_nan=False)
    return {
        "input": template("style", "claim", "report"),
        "sys_inputs": {"view": json.dumps(view_of(shown(record)), ensure_ascii=False), "record": source},
        "ignore_system_fonts": True,
        "timestamp": int(datetime.fromisoformat(record["provenance"]["time"]).timestamp()),
    }


def template(*parts: str) -> bytes:
    """Parts of the templates, one after the other: each may use what those before it define."""
    folder = resources.files("verify.render")
    return b"\n".join(folder.joinpath(f"{part}.typ").read_bytes() for part in parts)


def is_mathematics(statement: str) -> bool:
    """Whether Typst can read it."""
    return _mistake(statement) is None


def _require_statement(record: dict[str, Any]) -> None:
    """Compile the statement alone, so that its mistakes are told from the report's."""
    error = _mistake(unicode_only(record["statement"]))
    if error is not None:
        raise ValueError(
            f"the statement of claim {record['claim']!r} is not Typst mathematics: {error.message}; "
            f"correct it in the claim's file"
        ) from error


def _mistake(statement: str) -> typst.TypstError | None:
    try:
        typst.compile(
            b'#eval(sys.inputs.statement, mode: "math")',
            sys_inputs={"statement": statement},
            ignore_system_fonts=True,
            timestamp=0,
        )
    except typst.TypstError as error:
        return error
    return None
