"""What code a run is made with: its version, a hash of its sources, and the commit that they are compared with.

All is read once, when a run begins. The sources are those of the packages as Python finds them, and clean means that
they are, file by file, those of the commit: git is asked for the commit's list of files alone, so neither its settings
nor its environment, nor what else lies in the checkout, has a say.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from verify.sources import files_of

DISTRIBUTION = "theory-verify"
PATIENCE = 10  # seconds for git
# Neither the user's settings nor the checkout's may start programs, and a checkout of another user's is read all the
# same: nothing in it is run.
HARDENED = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "safe.directory=*",
    "--no-optional-locks",
    "--no-replace-objects",
)


def code_of(*packages: str) -> dict[str, Any]:
    """Version, hash of all sources, commit, and whether the sources are the commit's; None where it is not known."""
    names = {path.resolve(): name for package in packages for path, name in files_of(package)}
    sources = {path: path.read_bytes() for path in names if path.is_file()}
    digest = hashlib.sha256()
    for path in sorted(sources, key=names.__getitem__):
        digest.update(names[path].encode() + hashlib.sha256(sources[path]).digest())
    commit, clean = _compared(sources, [folder for package in packages for folder in _folders(package)])
    return {
        "version": _version(Path(__file__).resolve()),
        "code_sha256": digest.hexdigest(),
        "git_commit": commit,
        "git_clean": clean,
    }


def _folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [] if spec is None else [Path(folder).resolve() for folder in spec.submodule_search_locations or []]


def _compared(sources: Mapping[Path, bytes], folders: Iterable[Path]) -> tuple[str | None, bool | None]:
    """The commit of the checkout that this file belongs to, and whether it has exactly these sources."""
    here = Path(__file__).resolve()
    top = _git(here.parent, "rev-parse", "--show-toplevel")
    commit = _git(here.parent, "rev-parse", "--verify", "HEAD^{commit}")
    listing = _git(here.parent, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
    if top is None or commit is None or listing is None:
        return None, None
    root = Path(top.rstrip("\n")).resolve()
    rows = [row.partition("\t") for row in listing.split("\0") if row]  # mode kind name TAB path
    blobs = {root / path: about.split()[2] for about, _, path in rows}
    if here not in blobs:
        return None, None  # an installed copy inside some other checkout
    known = {path for path in blobs if path.suffix == ".py" and any(path.is_relative_to(folder) for folder in folders)}
    same = known == sources.keys() and all(_is_blob(sources[path], blobs[path]) for path in known)
    return commit.strip(), same


def _is_blob(content: bytes, blob: str) -> bool:
    """Whether this is the content that git calls so, as it is or with the line ends of another system."""
    kind = "sha1" if len(blob) == hashlib.sha1(usedforsecurity=False).digest_size * 2 else "sha256"
    objects = (b"blob %d\0" % len(text) + text for text in (content, content.replace(b"\r\n", b"\n")))
    return any(hashlib.new(kind, whole, usedforsecurity=False).hexdigest() == blob for whole in objects)


def _git(folder: Path, *words: str) -> str | None:
    """What git says of the checkout around the folder; None where there is none, or no git."""
    calm = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    calm |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *HARDENED, *words],
            capture_output=True,
            check=True,
            timeout=PATIENCE,
            env=calm,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout)


def _version(here: Path) -> str | None:
    """The version of the distribution that this file was installed with, or of the checkout that it lies in."""
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
        name = here.relative_to(here.parents[1]).as_posix()
        if Path(str(distribution.locate_file(name))).resolve() == here:
            return distribution.version
    except (importlib.metadata.PackageNotFoundError, OSError):
        pass
    try:
        project = tomllib.loads((here.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return str(project["version"]) if project["name"] == DISTRIBUTION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
