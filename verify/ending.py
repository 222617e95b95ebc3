"""Signals that end a run: what was reached is kept, one sentence says how to go on, the exit status is conventional.

The signals are blocked in every thread and awaited in one of their own, so no exception arises where nobody foresaw
one (in an import, a destructor, a library's callback), and what must be done is done though the main thread computes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from verify.render.visible import shell_line, visible

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
SHELL = 128  # a shell reports a program that ended by signal n as 128 + n


def _nothing() -> str:
    return ""


def command_of(claims: Sequence[str], options: Sequence[str], resume: Path | None) -> str:
    """The command that makes these claims with these options, and goes on from a checkpoint if there is one."""
    return shell_line(
        ["python", "-m", "verify", *claims, *options, *([] if resume is None else ["--resume", str(resume)])]
    )


class Ending:
    """How the process ends when it is told to.

    `undisturbed` is held while files that belong together change: an ending waits for it. A second signal waits for
    nothing.
    """

    def __init__(self) -> None:
        self.undisturbed = threading.RLock()  # on Windows the ending comes in the main thread
        self._farewell: Callable[[], str] = _nothing
        self._status: int | None = None
        self.watching = False

    def watch(self) -> None:
        """From now on end by signals, but for those that this process was started to ignore."""
        self.watching = True
        names = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        heeded = {number for number in names if signal.getsignal(number) is not signal.SIG_IGN}
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            for number in heeded:
                signal.signal(number, lambda number, frame: self._end(number))
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, heeded)
        try:
            threading.Thread(target=self._wait, args=(heeded,), name="signals", daemon=True).start()
        except RuntimeError:  # no more threads for this user: signals end the process as they end any other
            self.watching = False
            for number in heeded:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, heeded)

    def tell(self, farewell: Callable[[], str]) -> None:
        """From now on an ending calls `farewell`, in another thread, which saves what it can and says so."""
        self._farewell = farewell

    def done(self, status: int) -> None:
        """Everything is done and delivered: what comes now changes nothing of the exit status."""
        self._status = status

    def _wait(self, heeded: set[signal.Signals]) -> None:
        number = signal.sigwait(heeded)
        try:
            threading.Thread(target=self._end, args=(number,), name="ending", daemon=True).start()
        except RuntimeError:
            self._end(number)
        os._exit(SHELL + signal.sigwait(heeded))

    def _end(self, number: int) -> NoReturn:
        """Say and keep what is to be said and kept; then end at once, for other threads are in the middle of things."""
        with self.undisturbed:
            if self._status is not None:
                os._exit(self._status)
            with contextlib.suppress(BaseException):  # whatever is broken, the process ends, and with one sentence
                more = ""
                try:
                    more = self._farewell()
                finally:
                    what = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
                    sys.stdout.flush()
                    if sys.stderr is not None:
                        print(f"verify: {visible(what + more)}", file=sys.stderr, flush=True)
            _exit_with_children(SHELL + number)


def _exit_with_children(status: int) -> NoReturn:
    """End, and the processes that were forked to share the work as well: they heed no signal of their own.

    No other thread gets its turn in between: what waits for a child must not take its end for an answer.
    """
    children = sys.modules["multiprocessing"].active_children() if "multiprocessing" in sys.modules else []
    numbers = [child.pid for child in children]
    sys.setswitchinterval(3600)
    for number in numbers:
        for kill in (os.killpg, os.kill):  # with what it has started in turn, if it leads a group
            with contextlib.suppress(OSError):
                kill(number, signal.SIGKILL)
    os._exit(status)
