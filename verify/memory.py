"""Verdicts of foundations, remembered between runs while nothing that they were found with has changed.

Only passes are kept. The memory is a file in the output folder; without it every foundation is proved again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from verify.claim import Verdict
from verify.record import write_atomically

FILE = ".foundations.json"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What passed with this fingerprint, and when, by claim."""

    path: Path
    fingerprint: str
    passed: Mapping[str, str]

    def known(self) -> dict[str, Verdict]:
        """The verdicts remembered."""
        return dict.fromkeys(self.passed, Verdict.PASS)

    def with_verdicts(self, verdicts: Mapping[str, Verdict]) -> Memory:
        """The memory with the passes among `verdicts`, dated now where they are new; written to its file."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        passed = {name: self.passed.get(name, now) for name, verdict in verdicts.items() if verdict is Verdict.PASS}
        if passed != self.passed:
            content = {"fingerprint": self.fingerprint, "passed": passed}
            write_atomically(self.path, (json.dumps(content, indent=2) + "\n").encode())
        return Memory(path=self.path, fingerprint=self.fingerprint, passed=passed)


def recall(folder: Path, fingerprint: str) -> Memory:
    """The memory in a folder; empty if there is none, if it cannot be read, or if its fingerprint is another."""
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        passed = {str(name): str(time) for name, time in content["passed"].items()}
        same = content["fingerprint"] == fingerprint
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        same, passed = False, {}
    return Memory(path=path, fingerprint=fingerprint, passed=passed if same else {})


def fingerprint_of(*packages: str) -> str:
    """A hash of all sources of the packages, of Python and of every installed version."""
    digest = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    for name in sorted({f"{item.name} {item.version}" for item in importlib.metadata.distributions()}):
        digest.update(name.encode())
    for package in packages:
        for path in _sources(package):
            digest.update(f"{package} {path.name}".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    folders = [] if spec is None else spec.submodule_search_locations or []
    return sorted(path for folder in folders for path in Path(folder).rglob("*.py"))
