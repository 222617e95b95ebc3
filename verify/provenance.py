"""How to replay a run, and what it ran on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

PACKAGES = ("numpy", "scipy", "sympy", "torch", "scikit-learn", "python-flint", "matplotlib", "typst")


def provenance(command: str, wall: float, code: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """How to replay the run, what it ran on, and with what code (see `verify.code`)."""
    return {
        "command": command,
        "versions": {name: _version(name) for name in PACKAGES} | {"python": platform.python_version()},
        **dict.fromkeys(("version", "code_sha256", "git_commit", "git_clean")) | dict(code),
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


def _peak_memory_mb() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (1024 if sys.platform != "darwin" else 1024**2))
