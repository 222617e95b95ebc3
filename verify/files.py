"""Files: what a run may replace, and how it writes, so that nobody's file is lost and nothing half-written is seen.

A file is replaced only if it is a regular one of the kind that this program writes in its place, which shows in how it
begins. Everything is written under another name first, down to the disk, and renamed last.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify import UsageError

if sys.platform != "win32":
    import fcntl

TEMPORARY = ".verify-"
ROOM = 65536  # bytes; a record with its report takes at least about as much, so less room is found out before the work
LONGEST = 32 * 2**20  # bytes of JSON that is read back; the longest record of the paper has about a tenth
ABANDONED = 3600.0  # seconds; a temporary file is renamed within moments, one that is older was left by a killed run
PATIENCE = 10.0  # seconds to wait for a folder in which another run is renaming two files


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a file of ours is called and how it begins."""

    name: str
    opening: re.Pattern[bytes]

    def fits(self, beginning: bytes) -> bool:
        """Whether a file that begins in this way is one; nothing is lost with an empty file."""
        return not beginning or self.opening.match(beginning) is not None


RECORD = Kind(name="record", opening=re.compile(rb'\s*\{\s*"schema":\s*\d+,\s*"claim":'))
REPORT = Kind(name="report", opening=re.compile(rb"%PDF-"))
CERTIFICATE = Kind(name="certificate", opening=re.compile(rb'\s*\{\s*"schema":\s*"'))
MUTANTS = Kind(name="exam of mutants", opening=re.compile(rb'\s*\{\s*"schema":\s*\d+,\s*"fingerprint":'))
DOCUMENT = Kind(name="list of mutants", opening=re.compile(rb"# Mutants\n"))
AUDIT = Kind(name="audit", opening=re.compile(rb'\s*\{\s*"schema":\s*\d+,\s*"audit":'))
ERRATA = Kind(name="list of errata", opening=re.compile(rb"# Errata\n"))
REMEDIES = {
    errno.ENOSPC: "make room on its disk, and run again",
    errno.EDQUOT: "make room within your quota, and run again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), and run again",
}


class NotWrittenError(OSError):
    """A file could not be written: a sentence that names it and the remedy. What stood there before still does."""

    def __init__(self, path: Path, error: OSError) -> None:
        remedy = REMEDIES.get(error.errno or 0, "give another place, and run again")
        super().__init__(f"{path} cannot be written ({error.strerror or error}); {remedy}")


def require_replaceable(path: Path, kind: Kind | None, option: str) -> None:
    """Make sure that nothing of anybody's is lost if a file is written here; a link is not followed.

    Args:
        kind: what is written here; None leaves that to whoever writes.

    Raises:
        UsageError: something else than a file of this kind is here, or nothing can be.
    """
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
        beginning = _beginning(path) if regular and kind is not None else b""
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{option} = {path} cannot be used ({reason}); give another --{option}") from error
    if not regular or (kind is not None and not kind.fits(beginning)):
        what = f"no {kind.name} of this program" if regular and kind is not None else "no regular file"
        raise UsageError(f"{path} is {what} and is not replaced; move it, or give another --{option}")


def require_folder(folder: Path, option: str) -> None:
    """Make sure that a folder is here, or can be made as far as names tell; nothing is made yet.

    Raises:
        UsageError: something else is in its place or above it.
    """
    for path in (folder, *folder.parents):
        try:
            mode = path.stat().st_mode
        except (OSError, ValueError) as error:
            missing = isinstance(error, FileNotFoundError) and not os.path.lexists(path)
            if not missing and not isinstance(error, NotADirectoryError):
                reason = error.strerror if isinstance(error, OSError) else error
                raise UsageError(f"{option} = {folder} cannot be used ({reason}); give another --{option}") from error
            continue
        if not stat.S_ISDIR(mode):
            raise UsageError(f"{option} = {folder}: {path} is no folder; give another --{option}")
        return


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(256)


def prepare_folder(folder: Path, option: str) -> None:
    """Make sure that the folder, which was given by an option, exists, can be written, and has some room.

    Raises:
        UsageError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=TEMPORARY) as stream:
            stream.write(bytes(ROOM))
            stream.flush()
            os.fsync(stream.fileno())
    except (OSError, ValueError) as error:
        number, reason = (error.errno, error.strerror) if isinstance(error, OSError) else (None, error)
        remedy = REMEDIES.get(number or 0, "").partition(", and")[0]
        remedy = f"{remedy}, or give" if remedy else "give"
        raise UsageError(f"{option} = {folder} cannot be written ({reason}); {remedy} another --{option}") from error


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed in the middle of writing left behind."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if stat.S_ISREG(path.lstat().st_mode) and time.time() - path.lstat().st_mtime > ABANDONED:
                path.unlink()


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name in the same folder, then rename: never a half-written file.

    Raises:
        NotWrittenError: it cannot be written.
    """
    temporary = staged(path, content)
    try:
        os.replace(temporary, path)
    except OSError as error:
        raise NotWrittenError(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def staged(path: Path, content: bytes) -> Path:
    """A new file beside `path` with this content, wholly on the disk: ready to be renamed.

    Raises:
        NotWrittenError: it cannot be written.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise NotWrittenError(path, error) from error
        raise
    return temporary


@contextlib.contextmanager
def folder_held(folder: Path) -> Iterator[None]:
    """Nobody else who asks changes files in this folder meanwhile.

    The lock is on the folder itself: it leaves no file, and ends with the process. Where the system has none, or who
    holds it does not move on, there is none.
    """
    handle = None
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
    try:
        if handle is not None:
            _lock(handle)
        yield
        if handle is not None:
            with contextlib.suppress(OSError):
                os.fsync(handle)
    finally:
        if handle is not None:
            os.close(handle)


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        return
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.005)
        except OSError:  # a file system without locks
            return
        else:
            return


def load_json(path: Path) -> Any:
    """The content of a JSON file that anybody may have written.

    Raises:
        OSError: it cannot be opened or read.
        ValueError: it is no regular file, too long, or no JSON that can be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # opening a FIFO would wait for its writer
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError(f"{path} is no regular file")
        text = stream.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise ValueError(f"{path} is longer than {LONGEST} bytes")
    try:
        return json.loads(text)
    except (RecursionError, MemoryError) as error:
        raise ValueError(f"{path} is nested too deeply") from error
