"""The record: flat JSON, the truth of a run. The terminal and the PDF are views of it.

Arrays are kept to `DIGITS` significant digits; arrays above `KEPT` entries are thinned evenly, the
worst entry always kept. JSON has no nan or inf: they become null, and the reading says so.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from verify import UsageError
from verify.claim import Agreement, Argument, Assumption, Bound, Claim, Estimate, Finding, Identity, Trend
from verify.discovery import Entry
from verify.exact import middles, minus
from verify.files import load_json
from verify.finding import OnInstance
from verify.paper import Subject
from verify.provenance import provenance
from verify.render.visible import unicode_only
from verify.runner import ControlOutcome, Evidence, Outcome
from verify.scope import Scope
from verify.trust import trust_base

SCHEMA = 1
DIGITS = 7
KEPT = 6000


def make_record(
    entry: Entry,
    claim: Claim,
    outcome: Outcome,
    subject: Subject,
    small: Subject,
    *,
    command: str,
    wall: float,
    foundations: Sequence[Entry] = (),
    found: Mapping[str, str] = MappingProxyType({}),
    grade: str | None = None,
    scope: Scope | None = None,
    report: bool = False,
    sources: str = "",
    code: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Everything the reports show, as plain JSON values.

    `found` says when each foundation passed; without a `scope` the whole instance counts as looked at. `report` says
    whether a report is made of it; both then bear the id of the run. `sources` is the fingerprint
    of the sources that the verdict rests on, `code` what is known of the code of this run.
    """
    seen = dict if scope is None else scope.seen
    looked = scope is None or scope.instance
    ran = subject.provenance()
    record = {
        "schema": SCHEMA,
        "claim": entry.id,
        "place": entry.place,
        "mark": entry.mark,
        "title": entry.title,
        "text": entry.text,
        "statement": claim.statement.strip(),
        "assumptions": claim.assumptions,
        "builds_on": claim.builds_on,
        "cites": claim.cites,
        "statement_sha256": statement_hash(entry, claim),
        "sources_sha256": sources,
        "foundations": [
            {"claim": item.id, "place": item.place, "builds_on": item.builds_on, "verdict": str(verdict)}
            for item, (_, verdict) in zip(foundations, outcome.foundations, strict=True)
        ],
        "trust": trust_base(outcome.evidence, claim.cites, [item.id for item in foundations], ran.get("resumed")),
        "grade": grade,
        "verdict": str(outcome.verdict),
        "reasons": [{"verdict": str(verdict), "text": text} for verdict, text in outcome.reasons],
        "instance": seen(subject.describe()),
        "without_effect": [] if scope is None else list(scope.without_effect),
        "quantities": subject.quantities() | _quantities(outcome.evidence) if looked else {},
        "evidence": [_evidence_record(item) for item in outcome.evidence],
        "controls": [_control_record(control) for control in outcome.controls],
        "idle": list(outcome.idle),
        "ground": [asdict(test) | {"seconds": round(test.seconds, 4)} for test in outcome.ground],
        "control_baseline": str(outcome.baseline),
        "control_instance": seen(small.describe()),
        "report": report,
        "provenance": provenance(command, wall, code)
        | {"run": secrets.token_hex(8)}
        | {"foundations_passed": {item.id: found.get(item.id) for item in foundations}}
        | ran,
    }
    made: dict[str, Any] = plain(record)
    return made


def statement_hash(entry: Entry, claim: Claim) -> str:
    """Fingerprint of what is claimed: heading, words, mathematics, assumptions and foundations."""
    parts = [
        entry.id,
        entry.text,
        claim.statement.strip(),
        list(claim.assumptions),
        list(claim.builds_on),
        list(claim.cites),
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def as_json(record: dict[str, Any]) -> bytes:
    """The record as JSON; arrays of numbers stay on one line."""
    return (_dump(record) + "\n").encode()


def read_record(path: Path) -> dict[str, Any]:
    """Read a record.

    Raises:
        UsageError: the file is missing, not JSON, or of another schema.
    """
    try:
        record = load_json(path)
    except FileNotFoundError:
        raise UsageError(f"record {path} does not exist; run the claim first") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a JSON record; run the claim again") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise UsageError(f"{path} is not a record of schema {SCHEMA}; run the claim again")
    return record


def _quantities(evidence: Iterable[Evidence]) -> dict[str, float]:
    """What the findings on the record's own instance name; those made elsewhere keep theirs to themselves."""
    findings = [finding for item in evidence for finding in item.findings if isinstance(finding, OnInstance)]
    return {name: value for finding in findings if not finding.elsewhere for name, value in finding.quantities.items()}


def _evidence_record(item: Evidence) -> dict[str, Any]:
    return {
        "check": item.check,
        "grade": str(item.grade),
        "sentence": item.sentence,
        "verdict": str(item.verdict),
        "summary": item.summary,
        "seconds": round(item.seconds, 3),
        "error": item.error,
        "halted": item.halted,
        "findings": [finding_record(finding) for finding in item.findings],
    }


def _control_record(control: ControlOutcome) -> dict[str, Any]:
    return {
        "name": control.name,
        "sentence": control.sentence,
        "verdict": "rejected" if control.rejected else f"not rejected ({control.found})",
        "caught_by": list(control.caught_by),
        "missed_by": list(control.missed_by),
    }


def finding_record(finding: Finding) -> dict[str, Any]:
    head: dict[str, Any] = {
        "kind": type(finding).__name__.lower(),
        "name": finding.name,
        "verdict": str(finding.verdict),
        "reading": finding.reading,
    }
    if isinstance(finding, OnInstance):
        head["elsewhere"] = finding.elsewhere
        head["quantities"] = dict(finding.quantities)
    return head | _details(finding)


def _details(finding: Finding) -> dict[str, Any]:
    match finding:
        case Identity():
            said = _fields(finding, "status", "residual", "witness", "derivation", "hypotheses", "believes", "rests_on")
            return said | {"derivation": [asdict(step) for step in finding.derivation]}
        case Argument():
            return {"derivation": [asdict(step) for step in finding.steps], "source": finding.source}
        case Agreement() | Bound():
            return _compared(finding)
        case Trend():
            curve = {name: middles(getattr(finding, name)) for name in ("x", "y", "rounding")}
            return curve | _fields(finding, "expected", "factor", "reason", "x_label", "y_label")
        case Estimate():
            interval = {"interval": finding.ends(finding.rate)}
            return interval | _fields(finding, "rate", "allowed", "resolution", "reason")
        case Assumption():
            margin, rounding = float(middles(finding.margin)), float(finding.uncertainty)
            return {"margin": margin, "rounding": rounding, "meaning": finding.meaning}


def _fields(finding: Finding, *names: str) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in names}


def _compared(finding: Agreement | Bound) -> dict[str, Any]:
    if isinstance(finding, Agreement):
        # Differences are kept beside the values: they may be far below the values' last kept digit.
        arrays = _fields(finding, "predicted", "observed", "difference", "tolerance")
        worst = middles(minus(finding.error, finding.tolerance))
        return _thinned(arrays, worst) | {"reason": finding.reason}
    x = {} if finding.x is None else {"x": finding.x}
    arrays = {"observed": finding.observed, "bound": finding.bound, "margin": -finding.excess} | x
    details = _fields(finding, "slack", "vacuous", "x_label") | {"rounding": float(finding.uncertainty)}
    return _thinned(arrays, finding.excess) | details | {"reason": finding.reason}


def _thinned(arrays: dict[str, Any], worst: np.ndarray) -> dict[str, Any]:
    """The arrays broadcast to one shape; above KEPT entries an even sample that includes the worst entry."""
    alike = np.broadcast_arrays(*map(middles, arrays.values()))
    full = dict(zip(arrays, alike, strict=True))
    shape = alike[0].shape
    size = math.prod(shape)
    if size <= KEPT:
        return dict(full) | {"shape": list(shape), "thinned": False}
    stride = -(-size // KEPT)
    top = int(np.argmax(np.nan_to_num(np.broadcast_to(worst, shape).ravel(), nan=np.inf)))
    keep = np.union1d(np.arange(0, size, stride), [top])
    return {name: array.ravel()[keep] for name, array in full.items()} | {"shape": list(shape), "thinned": True}


def plain(value: Any) -> Any:
    """Plain JSON values: arrays to rounded lists, nan and inf to null, names to text."""
    if isinstance(value, dict):
        return {unicode_only(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return unicode_only(value)
    if isinstance(value, (bool, int)) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _dump(value: Any, indent: str = "") -> str:
    """JSON indented by two spaces, with lists of plain numbers on one line."""
    if isinstance(value, list) and any(isinstance(item, (dict, list, str)) for item in value):
        inner = (f"{indent}  {_dump(item, indent + '  ')}" for item in value)
        return "[\n" + ",\n".join(inner) + f"\n{indent}]"
    if isinstance(value, dict) and value:
        inner = (f"{indent}  {json.dumps(key)}: {_dump(item, indent + '  ')}" for key, item in value.items())
        return "{\n" + ",\n".join(inner) + f"\n{indent}}}"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
