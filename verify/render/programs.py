"""What programs read: JSON on stdout, one document and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from verify.render.visible import all_unicode


class ForPrograms:
    """An array with an object for each claim that was finished, printed at the end, however the run ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pending: dict[str, Any] = {}
        self._finished: list[dict[str, Any]] | None = []

    def verdict(self, record: Mapping[str, Any]) -> None:
        """What a claim's run found, before anything is written."""
        controls = [control["verdict"] for control in record["controls"]]
        self._pending = {name: record[name] for name in ("claim", "place", "title", "verdict", "grade")} | {
            "grades": list(dict.fromkeys(item["grade"] for item in record["evidence"])),
            "reasons": record["reasons"],
            "controls": {"rejected": controls.count("rejected"), "planted": len(controls)},
            "instance": record["instance"],
            "seconds": record["provenance"]["wall_seconds"],
            "run": record["provenance"].get("run"),
        }

    def written(self, paths: Mapping[str, Path], troubles: Sequence[str]) -> None:
        """The files of the claim that was told last, by what they are; and why others are missing."""
        files = {name: str(paths[name]) if name in paths else None for name in ("record", "pdf", "certificate")}
        if self._finished is not None:
            self._finished.append(self._pending | files | {"trouble": list(troubles)})

    def end(self) -> None:
        """Print what was finished, once."""
        finished, self._finished = self._finished, None
        if finished is not None:
            print_json(finished, self._stream)
            self._stream.flush()


def print_json(value: Any, stream: TextIO) -> None:
    """The value as JSON that any parser reads; letters that the stream's encoding may lack are escaped."""
    wide = (stream.encoding or "").lower().startswith("utf")
    print(json.dumps(all_unicode(value), indent=2, ensure_ascii=not wide), file=stream)
