"""A process that has loaded everything a run loads, and runs the command line in copies of itself.

One start of the program costs seconds, nearly all of them for imports; a copy of a started one costs milliseconds. What
a copy runs is the program itself, `verify.cli.main`, with its own folder, environment, streams and shutdown.

Reads one request a line, as JSON, from its standard input and answers with the copy's process id; after one more line
it waits for the copy and answers with its status. Until then the process id is the copy's, even when it has ended.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import resource
import signal
import sys
from importlib import import_module
from typing import Any

LOADED = (
    "verify.execution",
    "verify.render.pdf",
    "verify.render.plots",
    "verify.mutants.command",
    "theorems.setting.preparation",
    "theorems.lemma3",
    "theorems.lemma5",
    "theorems.limit_iff",
    "sklearn.datasets",
)
CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "os.link"})
NO_SPACE_NEEDED = CHANGES - {"os.mkdir", "os.link"}


def serve() -> str:
    """Answer requests until the input ends; returns in a copy alone, with the package whose program it becomes."""
    for module in LOADED:
        import_module(module)
    gc.freeze()  # what is loaded is never collected, so that copies share its memory
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            answers.close()
            return _become(request)
        print(child, file=answers)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers)
    sys.exit(0)


def _become(request: dict[str, Any]) -> str:
    """Turn this copy into the program that was asked for."""
    signal.alarm(request["seconds"])  # what hangs is ended, with a status of its own
    for number, (path, mode) in enumerate(request["streams"]):
        handle = os.open(path, mode, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    os.chdir(os.fsencode(request["folder"]))
    os.environ.update(request["environment"])
    sys.path[:0] = request["search"]
    sys.argv = ["verify", *(os.fsdecode(argument.encode("utf-8", "surrogateescape")) for argument in request["words"])]
    for name, limit in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    if request["trouble"]:
        _plant(**request["trouble"])
    return str(request["package"])


def _plant(folders: list[str], at: int, number: int | None = None, error: int | None = None) -> None:
    """At the `at`-th change to a file below the folders send oneself a signal, or let this and every later one fail."""
    seen = 0

    def watch(event: str, details: tuple[Any, ...]) -> None:
        nonlocal seen
        if event != "open" and event not in CHANGES:
            return
        path = details[0]
        if event == "open" and not details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if isinstance(path, int) or not any(os.fsdecode(path).startswith(folder) for folder in folders):
            return
        seen += 1
        if seen == at and number is not None:
            os.kill(os.getpid(), number)
        if seen >= at and error is not None and not (error == errno.ENOSPC and event in NO_SPACE_NEEDED):
            raise OSError(error, os.strerror(error), path)

    sys.addaudithook(watch)


if __name__ == "__main__":
    package = serve()
    from verify.cli import main

    main(package)
