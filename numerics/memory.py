"""How much memory this process may still take. Standard library only, so that a refusal takes no time."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")  # the limits of a container
UNKNOWN = 2**46  # bytes, as much as any machine has
PRINTABLE = 2**900  # whole numbers may be larger than any float64


def available() -> int:
    """Bytes of memory that this process may still take, as far as the system tells."""
    return min(_free(), _container(), _limit())


def gibibytes(count: int) -> str:
    """A number of bytes, to be read."""
    return f"{'over ' if count > PRINTABLE else ''}{min(count, PRINTABLE) / 2**30:.3g} GiB"


def _free() -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return UNKNOWN


def _container() -> int:
    """What is left of a container's limit, its cache of files not counted."""
    with contextlib.suppress(OSError, ValueError):
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))  # "max" where there is none
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(0, limit - used + int(stat.get("file", 0)))
    return UNKNOWN


def _limit() -> int:
    """The limit that `ulimit -v` sets."""
    if sys.platform == "win32":
        return UNKNOWN
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return UNKNOWN if soft == resource.RLIM_INFINITY else soft
