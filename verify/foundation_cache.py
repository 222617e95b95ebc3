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
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from verify.claim import Verdict
from verify.files import TEMPORARY, load_json, write_atomically
from verify.render.visible import visible
from verify.sources import files_of

FOLDER = "theory-verify"
KEY_BYTES = 32
LONGEST = 1_000_000  # bytes; a memory of some dozens of names and times is far shorter


@dataclass(frozen=True, kw_only=True)
class FoundationCache:
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

    def with_verdicts(self, verdicts: Mapping[str, Verdict], again: str | None = None) -> FoundationCache:
        """The memory with the passes among `verdicts`, dated now where they are new or were found `again`; written."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        earlier = {name: time for name, time in self.passed.items() if name != again}
        passed = {name: earlier.get(name, now) for name, verdict in verdicts.items() if verdict is Verdict.PASS}
        if passed != self.passed and self.key is not None:
            content = {"fingerprint": self.fingerprint, "passed": passed}
            text = json.dumps(content | {"digest": _digest(self.key, content)}, indent=2)
            try:
                write_atomically(self.path, (text + "\n").encode())
            except OSError as error:  # a full disk costs the memory, not the run
                _complain(f"{error}; verdicts of this run are not remembered")
                return replace(self, passed=passed, key=None)
        return replace(self, passed=passed)


def recall(fingerprint: str) -> FoundationCache:
    """What is remembered with this fingerprint: nothing where there is no cache, or its content is not our own.

    A cache that cannot be used costs one line, and the time to find verdicts again.
    """
    path, passed = cache_folder() / f"{fingerprint}.json", dict[str, str]()
    key: bytes | None = None
    try:
        key = _key(path.parent / "key")
        passed = _read(path, fingerprint, key) if os.path.lexists(path) else passed
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        place = path.parent if key is None else path
        _complain(f"{place} is no memory of this user's runs that can be used ({_reason(error)}), and is ignored")
        key = None if os.path.lexists(path) and not path.is_file() else key  # a regular one is written again
    return FoundationCache(path=path, fingerprint=fingerprint, key=key, passed=passed)


def cache_folder() -> Path:
    """The user's cache, where the system has such a place: XDG_CACHE_HOME if that is a whole path, or ~/.cache."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if os.path.isabs(named) else Path(os.path.expanduser("~/.cache"))) / FOLDER


def _complain(sentence: str) -> None:
    print(f"verify: {visible(sentence)}", file=sys.stderr)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) if isinstance(error, ValueError) else "it is not as we write it"


def _read(path: Path, fingerprint: str, key: bytes) -> dict[str, str]:
    """The passes in a memory.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too long, of another fingerprint, was written with another key, or holds a time that is none.
    """
    if path.is_file() and path.stat().st_size > LONGEST:
        raise ValueError("it is too long")
    content = load_json(path)
    digest = content.pop("digest")
    if content["fingerprint"] != fingerprint or not hmac.compare_digest(digest, _digest(key, content)):
        raise ValueError("it was not written by this user's runs")
    return {
        name: datetime.fromisoformat(time).isoformat(timespec="seconds") for name, time in content["passed"].items()
    }


def _digest(key: bytes, content: Mapping[str, object]) -> str:
    return hmac.new(key, json.dumps(content, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _key(path: Path) -> bytes:
    """This user's secret, made when first needed.

    Raises:
        OSError: it cannot be made or read.
        ValueError: it is not kept to the user alone, or is no key.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.path.lexists(path):
        _make_key(path)
    if not path.is_file():
        raise ValueError("its key is no regular file")
    if path.stat().st_mode & 0o077 and os.name == "posix":
        raise ValueError("its key can be read by others")
    with path.open("rb") as stream:
        key = stream.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise ValueError("its key has another length")
    return key


def _make_key(path: Path) -> None:
    """A new key, whole from the first moment; that of another run if it was quicker."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)  # for the user alone
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def fingerprint_of(*packages: str) -> str:
    """A hash of all sources of the packages, of Python and of every installed version."""
    digest = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    for name in sorted({f"{item.name} {item.version}" for item in importlib.metadata.distributions()}):
        digest.update(name.encode())
    for package in packages:
        for path, name in files_of(package):
            digest.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
