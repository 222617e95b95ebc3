"""Verdicts of foundations, remembered between runs while nothing that they were found with has changed.

Only passes are kept, in the user's own cache and never among the results: what is handed on as evidence holds no
memory, and a folder of results that somebody else made is not believed. A memory bears a keyed digest, and the key
stays in the cache; one that does not fit is ignored. Every run finds one of the remembered verdicts again.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import importlib.metadata
import json
import os
import platform
import random
import secrets
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from verify.claim import Verdict
from verify.files import write_atomically
from verify.sources import files_of

FOLDER = "theory-verify"
KEY_BYTES = 32
LONGEST = 1_000_000  # bytes; a memory of some dozens of names and times is far shorter


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What passed with this fingerprint, and when, by claim. Without a key nothing can be kept."""

    path: Path
    fingerprint: str
    key: bytes | None
    passed: Mapping[str, str]

    def known(self) -> dict[str, Verdict]:
        """The verdicts remembered."""
        return dict.fromkeys(self.passed, Verdict.PASS)

    def sample(self, names: Iterable[str]) -> str | None:
        """One of the names that are remembered, at random: to be found again."""
        remembered = [name for name in names if name in self.passed]
        return random.SystemRandom().choice(remembered) if remembered else None

    def with_verdicts(self, verdicts: Mapping[str, Verdict], again: str | None = None) -> Memory:
        """The memory with the passes among `verdicts`, dated now where they are new or were found `again`; written."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        earlier = {name: time for name, time in self.passed.items() if name != again}
        passed = {name: earlier.get(name, now) for name, verdict in verdicts.items() if verdict is Verdict.PASS}
        if passed != self.passed and self.key is not None:
            content = {"fingerprint": self.fingerprint, "passed": passed}
            text = json.dumps(content | {"digest": _digest(self.key, content)}, indent=2)
            with contextlib.suppress(OSError):  # a full disk costs the memory, not the run
                write_atomically(self.path, (text + "\n").encode())
        return replace(self, passed=passed)


def recall(fingerprint: str) -> Memory:
    """What is remembered with this fingerprint: nothing where there is no cache, or its content is not our own."""
    folder = cache_folder()
    path, key = folder / f"{fingerprint}.json", _key(folder)
    passed: dict[str, str] = {}
    if key is not None and path.is_file():
        try:
            passed = _read(path, fingerprint, key)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            print(f"verify: {path} is not a memory of this user's runs and is ignored", file=sys.stderr)
    return Memory(path=path, fingerprint=fingerprint, key=key, passed=passed)


def cache_folder() -> Path:
    """The user's cache, where the system has such a place: XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / FOLDER


def _read(path: Path, fingerprint: str, key: bytes) -> dict[str, str]:
    """The passes in a memory.

    Raises:
        ValueError: it is too long, of another fingerprint, was written with another key, or holds a time that is none.
    """
    if path.stat().st_size > LONGEST:
        raise ValueError("too long")
    content = json.loads(path.read_text(encoding="utf-8"))
    digest = content.pop("digest")
    if content["fingerprint"] != fingerprint or not hmac.compare_digest(digest, _digest(key, content)):
        raise ValueError("not written by this user's runs")
    return {
        name: datetime.fromisoformat(time).isoformat(timespec="seconds") for name, time in content["passed"].items()
    }


def _digest(key: bytes, content: Mapping[str, object]) -> str:
    return hmac.new(key, json.dumps(content, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _key(folder: Path) -> bytes | None:
    """This user's secret, made when first needed; None where it cannot be kept to the user alone."""
    path = folder / "key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if path.stat().st_mode & 0o077 and os.name == "posix":
                return None
            key = path.read_bytes()
            return key if len(key) == KEY_BYTES else None
        with os.fdopen(handle, "wb") as stream:
            key = secrets.token_bytes(KEY_BYTES)
            stream.write(key)
        return key
    except OSError:
        return None


def fingerprint_of(*packages: str) -> str:
    """A hash of all sources of the packages, of Python and of every installed version."""
    digest = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    for name in sorted({f"{item.name} {item.version}" for item in importlib.metadata.distributions()}):
        digest.update(name.encode())
    for package in packages:
        for path, name in files_of(package):
            digest.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
