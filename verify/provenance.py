"""How to replay a run, and what it ran on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "sympy", "torch", "scikit-learn", "python-flint", "matplotlib", "typst")


def provenance(command: str, wall: float) -> dict[str, Any]:
    """How to replay the run, and what it ran on."""
    commit, clean = _git_state()
    return {
        "command": command,
        "versions": {name: _version(name) for name in PACKAGES} | {"python": platform.python_version()},
        "git_commit": commit,
        "git_clean": clean,
        "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_seconds": round(wall, 2),
        "peak_memory_mb": _peak_memory_mb(),
        "resumed": None,  # unless the subject says where its work went on from
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_state() -> tuple[str | None, bool | None]:
    """The commit of the checkout that this code runs from and whether it is clean; None for an installed copy."""
    here = Path(__file__).resolve().parent
    try:

        def git(*words: str) -> str:
            return subprocess.run(
                ["git", "-C", str(here), *words], capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()  # fmt: skip

        git("ls-files", "--error-unmatch", "record.py")  # an installed copy inside some other checkout is not tracked
        return git("rev-parse", "HEAD"), not git("status", "--porcelain")
    except (OSError, subprocess.SubprocessError):
        return None, None


def _peak_memory_mb() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (1024 if sys.platform != "darwin" else 1024**2))
