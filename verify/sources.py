"""The sources that a claim's verdict rests on: its own file and everything of ours that it imports, directly or not.

Files are read, not run, so that a listing can tell at once whether a verdict is of the sources as they are now.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(?P<base>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n]*)"
    rb"|import[ \t]+(?P<plain>[^\n]*))",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Module:
    """A source file: a hash of its text, and the dotted names that its import statements may stand for."""

    digest: bytes
    imports: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The source files of some packages, by dotted name."""

    modules: Mapping[str, Module]

    def of_claim(self, package: str, claims: Iterable[str]) -> str:
        """The fingerprint of a claim and its foundations: their files, what makes subjects, what decides verdicts."""
        return self.fingerprint(*(f"{package}.{name}" for name in claims), package, "verify.runner")

    def fingerprint(self, *names: str) -> str:
        """A hash of these modules and of all that they reach by imports."""
        reached, waiting = set[str](), list(names)
        while waiting:
            module = waiting.pop()
            if module in reached or module not in self.modules:
                continue
            reached.add(module)
            waiting += [*self.modules[module].imports, *_above(module)]
        digest = hashlib.sha256()
        for module in sorted(reached):
            digest.update(module.encode() + self.modules[module].digest)
        return digest.hexdigest()


def read_sources(*packages: str) -> Sources:
    """The sources of the packages as they are on the disk now."""
    found = {}
    for package in packages:
        for path, name in files_of(package):
            try:
                text = path.read_bytes()
            except OSError as error:  # then it cannot be imported either
                text = str(error.strerror).encode()
            found[name] = Module(digest=hashlib.sha256(text).digest(), imports=frozenset(_imported(text, name)))
    return Sources(modules=found)


def files_of(package: str) -> list[tuple[Path, str]]:
    """The source files of a package, each with its dotted name."""
    spec = importlib.util.find_spec(package)
    found = []
    for folder in [] if spec is None else spec.submodule_search_locations or []:
        for path in sorted(Path(folder).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found.append((path, ".".join((package, *(parts[:-1] if parts[-1] == "__init__" else parts)))))
    return found


def _above(name: str) -> Iterator[str]:
    """The packages that a module is in: they are imported before it."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _imported(text: bytes, name: str) -> Iterator[str]:
    """What the import statements of a file may stand for; a line of prose that looks like one harms nobody."""
    for found in _IMPORT.finditer(text):
        if found["plain"] is not None:
            yield from _names(found["plain"])
            continue
        base = found["base"].decode(errors="replace")
        if base.startswith("."):
            level = len(base) - len(base.lstrip("."))
            base = ".".join([*name.split(".")[:-level], *filter(None, [base.lstrip(".")])])
        yield base
        for item in _names(found["names"]):
            yield f"{base}.{item}"


def _names(listed: bytes) -> Iterator[str]:
    """The names in `a, b as c`, with comments between them."""
    for line in listed.strip(b"()").split(b"\n"):
        for item in line.partition(b"#")[0].split(b","):
            words = item.split()
            if words:
                yield words[0].decode(errors="replace")
