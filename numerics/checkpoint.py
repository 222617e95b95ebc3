"""Checkpoints of a training run: safetensors files, written atomically, read back only into the run they came from.

The header holds the state's numbers as JSON and a digest of everything; nothing in the file can be code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy import ndarray
from safetensors.numpy import save

from numerics import InputError
from numerics.state import Origin, Settings, State, fault_of

HEAD, KIND = "checkpoint", "theory-verify training 1"
OPENING = f'{{"__metadata__":{{"{HEAD}":"'.encode()  # after eight bytes of length
HEADER_BYTES = 2**16  # more than the header of any checkpoint: a hundred steps, some settings, nine arrays
TYPES = {"F32": "<f4", "F64": "<f8"}
SHOWN = 20  # characters of a setting in a message
# A state is kept in memory and in the file at most this often, and seldom enough that keeping it takes at most this
# share of the time.
MEMORY_SECONDS, FILE_SECONDS, SHARE = 0.5, 5.0, 1 / 250


def encoded(state: State) -> bytes:
    """The file of a state; the same bytes for the same state."""
    numbers = {
        "settings": dict(state.settings),
        "step": state.step,
        "iterations": list(state.iterations),
        "gradient_scale": state.gradient_scale,
        "seconds": state.seconds,
    }
    head = {"kind": KIND, "state": numbers, "sha256": _digest(numbers, state.arrays)}
    return save(dict(state.arrays), metadata={HEAD: json.dumps(head)})  # one entry: several would come in any order


def _digest(numbers: Mapping[str, Any], arrays: Mapping[str, ndarray]) -> str:
    """Over the numbers as canonical JSON, and every array's name, type, shape and little-endian bytes."""
    digest = hashlib.sha256(f"{KIND}\n{json.dumps(numbers, sort_keys=True)}\n".encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{json.dumps(name)} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_checkpoint(path: Path, origin: Origin) -> State:
    """The state that was saved by this run.

    Raises:
        InputError: the file is missing or no regular file, is no checkpoint, is damaged, or belongs to another run.
    """
    content = _content(path, origin.most_bytes + HEADER_BYTES)
    try:
        state = _decoded(content)
    except _DamagedError:
        raise InputError(f"checkpoint {path} is damaged: its digest differs; drop --resume to start afresh") from None
    except Exception as error:  # safetensors, json and a hostile header raise many kinds
        raise InputError(f"{path} is not a checkpoint of this program; drop --resume to start afresh") from error
    difference = difference_of(state.settings, origin.settings)
    if difference:
        raise InputError(f"checkpoint {path} belongs to another run ({difference}); rerun with the options it had")
    fault = fault_of(state, origin)
    if fault:
        raise InputError(f"checkpoint {path} is not one of this program: {fault}; drop --resume to start afresh")
    return state


def _content(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit`: its size is looked at before it is read, no FIFO waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as stream:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"checkpoint {path} is no regular file; give --resume a file that this program wrote")
            if found.st_size > limit:
                raise InputError(
                    f"checkpoint {path} has {found.st_size} bytes and one of this run at most {limit}; "
                    "rerun with the options it had, or drop --resume to start afresh"
                )
            return stream.read(limit)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"checkpoint {path} does not exist; drop --resume to start afresh") from None
    except IsADirectoryError:
        raise InputError(f"checkpoint {path} is a folder; give --resume a file that this program wrote") from None
    except (OSError, ValueError) as error:
        raise InputError(f"checkpoint {path} cannot be read ({_reason(error)}); give --resume another file") from error


class _DamagedError(Exception):
    """The digest does not fit the contents."""


def _decoded(content: bytes) -> State:
    arrays = {}
    for name, found in safetensors.deserialize(content):  # type: ignore[no-untyped-call]  # the library leaves it so
        arrays[name] = np.frombuffer(found["data"], dtype=TYPES[found["dtype"]]).reshape(found["shape"])
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    head = json.loads(header["__metadata__"][HEAD])
    if head["kind"] != KIND:
        raise ValueError("another kind of file")
    if head["sha256"] != _digest(head["state"], arrays):
        raise _DamagedError
    return State(arrays=arrays, sha256=hashlib.sha256(content).hexdigest(), **_numbers(head["state"]))


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a state, of the types that they must have; anything else raises."""
    settings, step, iterations = found["settings"], found["step"], tuple(found["iterations"])
    if not isinstance(settings, dict) or not all(type(number) is int for number in (step, *iterations)):
        raise TypeError("not the numbers of a state")
    return {
        "settings": settings,
        "step": step,
        "iterations": iterations,
        "gradient_scale": float(found["gradient_scale"]),
        "seconds": float(found["seconds"]),
    }


def difference_of(saved: Settings, own: Settings) -> str:
    """The first setting that differs, in words; empty if none does."""
    for name in [*own, *saved]:
        there, here = saved.get(name), own.get(name)
        if type(there) is not type(here) or there != here:
            return f"{name} = {_short(there)} there, {_short(here)} here"
    return ""


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def require_replaceable(path: Path) -> None:
    """Make sure that no file of anybody's is lost where a checkpoint is written.

    Raises:
        InputError: something else than a checkpoint is there.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as stream:
            regular = stat.S_ISREG(os.fstat(handle).st_mode)
            opening = stream.read(8 + len(OPENING)) if regular else b"x"
    except FileNotFoundError:
        return
    except OSError:
        opening = b"x"
    if opening and opening[8:] != OPENING:
        raise InputError(
            f"{path} is no checkpoint of this program and is not replaced; move it, or give another --output"
        )


def write_atomically(path: Path, content: bytes) -> os.stat_result:
    """Write under a temporary name, make it last, then rename: no moment, no loss of power leaves half a file."""
    # The name is that of every temporary file here: what a killed run leaves is removed by a later one.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".verify-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            written = os.fstat(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # some systems open no folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return written


class Keeper:
    """Keeps the latest state of one run: in memory at once, in its file now and then, and when asked to.

    `save` may be called from another thread than the one that trains. The file is removed only if it is this
    run's own and the run is complete: another run of the same recipe may have put its own there. (Slots: what is
    kept moves while a check looks at its subject, and is no part of that.)

    Args:
        path: the file.
        say: is told once if the file cannot be written; training goes on.
    """

    __slots__ = ("_complete", "_file_due", "_latest", "_lock", "_memory_due", "_own", "_path", "_saved", "_say")

    def __init__(self, path: Path, say: Callable[[str], None] | None = None) -> None:
        self._path, self._say = path, say
        self._latest: State | None = None
        self._saved: State | None = None  # the state in the file
        self._own: tuple[int, int] | None = None  # which file that is
        self._complete, self._lock = False, threading.Lock()
        self._memory_due, self._file_due = -math.inf, math.inf

    def adopt(self, state: State, path: Path) -> None:
        """The run goes on from `state`, read from `path`; if that is the keeper's own file, it is this run's."""
        self._latest = state
        with contextlib.suppress(OSError):
            if path.samefile(self._path):
                self._saved, self._own = state, _identity(self._path.stat())

    def offer(self, state: Callable[[], State], *, final: bool = False) -> None:
        """Take the state if it is time to, or the final one. One that is not finite is no use."""
        began = time.monotonic()
        if began < self._memory_due and not final:
            return
        found = state()
        if all(np.isfinite(array).all() for array in found.arrays.values()):
            self._latest = found
        self._memory_due = _next(began, MEMORY_SECONDS)
        if self._file_due == math.inf:  # what takes no longer than that needs no file
            self._file_due = began + FILE_SECONDS
        if began >= self._file_due and not final:
            self._save_or_say()
            self._file_due = _next(began, FILE_SECONDS)

    def _save_or_say(self) -> None:
        try:
            self.save()
        except OSError as error:
            if self._say is not None:
                self._say(f"checkpoint {self._path} cannot be written ({_reason(error)}); training goes on without")
                self._say = None

    def save(self) -> Path | None:
        """Write the latest state, if there is one; returns its file.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            state = self._latest
            if state is None:
                return None
            if state is not self._saved or not self._is_own():
                self._own, self._saved = _identity(write_atomically(self._path, encoded(state))), state
            return self._path

    def complete(self) -> None:
        """Training has ended by itself; the latest state still saves it, should the run be interrupted later."""
        self._complete = True

    def discard(self) -> None:
        """Remove the file of a complete run, if it is its own."""
        with self._lock:
            if self._complete and self._is_own():
                self._path.unlink(missing_ok=True)

    def _is_own(self) -> bool:
        try:
            return self._own == _identity(self._path.stat())
        except OSError:
            return False


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_ino, found.st_mtime_ns


def _next(began: float, least: float) -> float:
    """When to do again what began then and is done now."""
    now = time.monotonic()
    return now + max(least, (now - began) / SHARE)
