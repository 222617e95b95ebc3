"""The streams of a command: results on stdout, all else on stderr, and no stream can harm the work.

A result that cannot be delivered (a reader that has gone, a disk that is full) is no reason to stop: the records are
written all the same, and the exit status tells of it at the end.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

BROKEN_PIPE = 141  # 128 + SIGPIPE, what a shell reports of a program whose reader has gone
INTERRUPTED = (2, 130, 143)  # usage, SIGINT, SIGTERM: these say more than a lost reader


class Steady(io.RawIOBase):
    """Writes to a file descriptor; after a first failure, which is kept as `failure`, it swallows what comes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.failure: OSError | None = None

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        while self.failure is None:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # a terminal that a neighbour has made non-blocking
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


def prepare_streams() -> None:
    """Make stdout and stderr such that no write fails, and keep stdout for results.

    A closed stream becomes /dev/null before a file of ours takes its number. What libraries and child processes write
    to descriptor 1 goes to stderr: only what is printed to `sys.stdout` is a result. Characters that a stream's
    encoding lacks are replaced.
    """
    if sys.platform == "win32":  # its consoles are no files; there encodings are all that is settled
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        return
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    encodings = [getattr(stream, "encoding", None) or "utf-8" for stream in (sys.stdout, sys.stderr)]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    results = os.dup(1)
    os.dup2(2, 1)
    sys.stdout, sys.stderr = map(_text, (results, 2), encodings)


def _text(descriptor: int, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(Steady(descriptor)), encoding=encoding, errors="replace", line_buffering=True
    )


def delivered(status: int) -> tuple[int, str | None]:
    """The exit status with what became of the results: it changes, and maybe a sentence says why, if they were lost."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = raw.failure if isinstance(raw, Steady) else None
    if failure is None or status in INTERRUPTED:
        return status, None
    if failure.errno == errno.EPIPE:
        return BROKEN_PIPE, None
    return 1, f"the results could not be written to stdout ({failure.strerror}); give it another destination"
