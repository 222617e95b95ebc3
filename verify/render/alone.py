"""matplotlib as it comes: pictures depend on nothing but what they show.

A settings file in the folder or at home, a variable that names another or a backend, a style: none of it reaches a
picture, for matplotlib is imported where it finds none, and drawn with from its own defaults.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VARIABLES = ("MATPLOTLIBRC", "MPLBACKEND")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Where no settings are found: matplotlib must be imported here first. What it grumbles about is not passed on."""
    logging.getLogger("matplotlib").addHandler(logging.NullHandler())  # a home that cannot be written costs time only
    given = {name: os.environ.pop(name) for name in VARIABLES if name in os.environ}
    os.environ["MATPLOTLIBRC"] = os.devnull
    with contextlib.suppress(OSError):  # a folder that has vanished holds no settings either
        here = os.getcwd()
        os.chdir(Path(__file__).parent)
    try:
        yield
    finally:
        if "here" in locals():
            os.chdir(here)
        del os.environ["MATPLOTLIBRC"]
        os.environ.update(given)


def drawing(style: dict[Any, Any]) -> contextlib.AbstractContextManager[None]:
    """Where pictures are drawn with matplotlib's defaults and this style."""
    from matplotlib import rc_context, rcParamsDefault

    defaults = {name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")}
    return rc_context(defaults | style)
