"""Reading arrays from an .npz file that anybody may have made.

What each array is and what memory it needs is read from its header, and judged before any of its data. Nothing in the
file is executed, and a file that says one thing of its size and holds another is refused.
"""

from __future__ import annotations

import errno
import io
import math
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.lib import format as npy

from numerics import InputError
from numerics.memory import available, gibibytes

LONGEST_HEADER = 10_000  # bytes, as numpy itself allows
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
UNUSABLE = {
    "O": "Python objects",
    "b": "truth values (bool)",
    "c": "complex numbers",
    "U": "text",
    "S": "text",
    "M": "dates",
    "m": "times",
    "V": "records",
}


@dataclass(frozen=True, kw_only=True)
class Header:
    """What one array in an archive says of itself, before its data is read."""

    name: str
    member: zipfile.ZipInfo
    shape: tuple[int, int]
    fortran: bool
    dtype: np.dtype
    start: int  # bytes before the data

    @property
    def bytes(self) -> int:
        """The length of the data."""
        return math.prod(self.shape) * self.dtype.itemsize


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive in a regular file.

    Raises:
        InputError: there is no such file, it is no regular file, cannot be read, or is no archive.
    """
    with os.fdopen(_descriptor(path), "rb") as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except Exception as error:  # zipfile raises many kinds for what is no archive
            raise InputError(f"{path} {_no_archive(path)}; save both arrays with numpy.savez") from error
        with archive:
            yield archive


def _descriptor(path: Path) -> int:
    """The regular file, opened without waiting for anybody who writes to a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give --tokens an .npz file") from None
    except (OSError, ValueError) as error:
        socket = getattr(error, "errno", None) == errno.ENXIO  # what opening a socket gives
        told = (
            "is a socket, no regular file"
            if socket
            else f"cannot be read ({getattr(error, 'strerror', None) or error})"
        )
        raise InputError(f"{path} {told}; give --tokens an .npz file") from error
    kind = KINDS.get(stat.S_IFMT(os.fstat(descriptor).st_mode))
    if kind is not None:
        os.close(descriptor)
        raise InputError(f"{path} is {kind}, no regular file; give --tokens an .npz file")
    return descriptor


def _no_archive(path: Path) -> str:
    """What a file is that zipfile cannot read."""
    try:
        with path.open("rb") as stream:
            first = stream.read(len(npy.MAGIC_PREFIX))
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not first:
        return "is empty"
    return "is a single array" if first == npy.MAGIC_PREFIX else "is not a readable .npz archive"


def headers(path: Path, archive: zipfile.ZipFile, names: tuple[str, ...]) -> list[Header]:
    """The headers of the arrays called `names`.

    Raises:
        InputError: one is missing, is there twice, is encrypted or damaged, is no matrix of numbers, or all together
            need more memory than there is.
    """
    found = {name: [item for item in archive.infolist() if item.filename in (name, f"{name}.npy")] for name in names}
    missing = [name for name in names if not found[name]]
    if missing:
        raise InputError(f"{path} lacks {' and '.join(missing)}; save both arrays with numpy.savez")
    twice = next((name for name in names if len(found[name]) > 1), None)
    if twice is not None:
        raise InputError(f"{path} holds {twice} more than once; save each array once, with numpy.savez")
    made = [_header(path, archive, name, found[name][0]) for name in names]
    needed, there = sum(item.bytes + 2 * 8 * math.prod(item.shape) for item in made), available()
    if needed > there:  # as it is, as float64 and scaled
        sizes = " and ".join(f"{item.name} {' x '.join(map(_told, item.shape))}" for item in made)
        raise InputError(
            f"{path} holds {sizes}, which need {gibibytes(needed)} of memory, and {gibibytes(there)} are available; "
            "give fewer rows"
        )
    for item in made:
        if item.member.file_size != item.start + item.bytes:
            told = f"{item.member.file_size} bytes instead of {item.start + item.bytes}"
            raise InputError(f"{item.name} in {path} is damaged: {told}; save it again with numpy.savez")
    return made


def _told(size: int) -> str:
    return str(size) if size < 10**16 else "over 10¹⁶"


def _header(path: Path, archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> Header:
    if member.flag_bits & 1:
        raise InputError(f"{name} in {path} is encrypted; save it with numpy.savez")
    try:
        with archive.open(member) as stream:
            shape, fortran, dtype, start = _read_header(stream)
    except Exception as error:  # zipfile, zlib and numpy raise many kinds for files that are damaged
        raise InputError(f"{name} in {path} has no readable header; save it with numpy.savez") from error
    if dtype.kind not in "fiu":
        raise InputError(f"{name} holds {UNUSABLE.get(dtype.kind, dtype)}; convert it to floating point numbers")
    if len(shape) != 2:
        raise InputError(f"{name} has shape {shape}; give a two-dimensional array, one row per token")
    if min(shape) < 1:
        raise InputError(f"{name} has shape {shape} and holds no number; give at least one row and one column")
    return Header(name=name, member=member, shape=shape, fortran=fortran, dtype=dtype, start=start)


def _read_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, type and length of a header; its length is known before it is read.

    Raises:
        ValueError: it is longer than any header of numpy's, or none. numpy raises further kinds.
    """
    major, _ = npy.read_magic(stream)
    width, code = (2, "<H") if major == 1 else (4, "<I")
    prefix = stream.read(width)
    (length,) = struct.unpack(code, prefix)
    if length > LONGEST_HEADER:
        raise ValueError(f"the header has {length} bytes, at most {LONGEST_HEADER} are read")
    read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
    shape, fortran, dtype = read(io.BytesIO(prefix + stream.read(length)))
    return shape, fortran, dtype, len(npy.MAGIC_PREFIX) + 2 + width + length


def read(path: Path, archive: zipfile.ZipFile, header: Header) -> ndarray:
    """The array behind a header.

    Raises:
        InputError: the data is damaged, or longer or shorter than the header says.
    """
    try:
        with archive.open(header.member) as stream:
            stream.read(header.start)
            data = stream.read(header.bytes)
            complete = len(data) == header.bytes and not stream.read(1)  # the last read checks the sum as well
    except Exception as error:  # zipfile and zlib raise many kinds for files that are damaged
        raise InputError(f"{header.name} in {path} is damaged; save it again with numpy.savez") from error
    if not complete:
        raise InputError(f"{header.name} in {path} is damaged: its data has another length; save it again")
    return np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")
