"""What an audit that was interrupted has finished, if it still counts; nothing else in the folder is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from verify.audit.documents import record_of_audit
from verify.audit.summary import SCHEMA
from verify.audit.work import Finished
from verify.execution import KINDS
from verify.files import load_json
from verify.pair import mismatch, report_path
from verify.record import SCHEMA as SCHEMA_OF_RECORDS
from verify.stage import Desk, Stage, record_path


def finished_before(desk: Desk, stages: Iterable[Stage]) -> dict[str, Finished]:
    """The claims that an interrupted audit has finished with the same sources and settings; an error is tried again.

    A record counts only as it was written: its hash is in the audit's own record.
    """
    try:
        audit = load_json(record_of_audit(desk.request))
        if audit["schema"] != SCHEMA or audit["whole"] is not False:
            return {}
        digests = {str(item["claim"]): item["sha256"] for item in audit["claims"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    found = (_taken_up(stage, desk, digests.get(stage.entry.id)) for stage in stages)
    return {item.name: item for item in found if item is not None}


def _taken_up(stage: Stage, desk: Desk, digest: object) -> Finished | None:
    path = record_path(stage.entry.id, desk.request)
    try:
        content = path.read_bytes()
        if digest != hashlib.sha256(content).hexdigest():
            return None
        record = load_json(path)
        return _same(path, record, stage, desk)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _same(path: Path, record: Mapping[str, Any], stage: Stage, desk: Desk) -> Finished | None:
    """The finished claim if this audit would run it in the same way, and its report is here if one is wanted."""
    ran = record["provenance"]
    now = (SCHEMA_OF_RECORDS, stage.command, desk.code["code_sha256"], stage.entry.id)
    same = (record["schema"], ran["command"], ran["code_sha256"], record["claim"]) == now
    reported = record["report"] is True or not desk.request.pdf
    if not same or not reported or record["verdict"] == "error" or mismatch(path, record) is not None:
        return None
    files = [path, *([report_path(path)] if record["report"] else [])]
    return Finished(record=record, files={KINDS[file.suffix]: file for file in files}, taken_up=True)
