"""A fault is planted in a copy of the process, so that nothing of it outlives its test."""

import os
import pickle
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.ground.breaking import Fault

SECONDS = 60  # a fault may send a loop round for ever


@pytest.fixture
def apart() -> Callable[[Fault, Callable[[], Any]], Any]:
    """Plant a fault and call a function, in a child of this process; what it returned, or the exception as text."""

    def call(fault: Fault, function: Callable[[], Any]) -> Any:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _answer(fault, function, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            answer = stream.read()
        _, status = os.waitpid(child, 0)
        return pickle.loads(answer) if answer else f"ended by signal {status}"

    return call


def _answer(fault: Fault, function: Callable[[], Any], writing: int) -> None:
    """Send the result to the parent and end here, without the exit of a whole test run."""
    signal.alarm(SECONDS)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)  # what breaks inside a callback of a C type is printed and lost
    try:
        with fault.plant():
            result = function()
    except BaseException as error:
        result = f"{type(error).__name__}: {error}"
    with os.fdopen(writing, "wb") as stream:
        pickle.dump(result, stream)
    os._exit(0)
