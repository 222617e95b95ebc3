"""Whether a check left its subject as it was: the state of everything that hangs on an object, taken and taken again.

What appears for the first time in an object or a mapping is no change: a value computed on demand and kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Set
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

OPAQUE = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType)  # code is no part of a subject
PLAIN = (bool, int, float, complex, str, bytes, np.generic, type(None))


class Seen(NamedTuple):
    """An object, the way that leads to it, and its state: a digest, or its parts by the steps that lead to them."""

    path: str
    value: Any
    state: Any


def look(subject: Any) -> tuple[Seen, ...]:
    """Everything that can be reached from the subject."""
    waiting, found = [("the subject", subject)], {}
    while waiting:
        path, value = waiting.pop()
        if id(value) in found or isinstance(value, (*OPAQUE, *PLAIN)):
            continue
        found[id(value)] = Seen(path, value, _state(value))
        waiting += [(path + step, part) for step, part in _parts(value)]
    return tuple(found.values())


def changed(seen: tuple[Seen, ...]) -> str:
    """The way to something that is no longer as it was seen; empty if there is none."""
    for path, value, state in seen:
        now = _state(value)
        if now != state and not (
            isinstance(state, dict) and all(now.get(step) == part for step, part in state.items())
        ):
            return path
    return ""


def _state(value: Any) -> Any:
    """A digest of what has no parts; else which part each step leads to, and how many there are of a sequence."""
    content = _content(value)
    if content is not None:
        return hashlib.blake2b(content, digest_size=16).digest()
    parts = {step: repr(part) if isinstance(part, PLAIN) else id(part) for step, part in _parts(value)}
    return parts | ({"length": len(value)} if isinstance(value, (list, tuple)) else {})


def _content(value: Any) -> bytes | None:
    """The bytes of an object without parts."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"{value.dtype} {value.shape} ".encode() + np.ascontiguousarray(value).tobytes()
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state).encode()
    if hasattr(value, "detach") and hasattr(value, "numpy"):  # a tensor of torch, which this package never imports
        value = value.detach().cpu()
        try:
            return _content(value.numpy())
        except TypeError:  # numpy has no bfloat16
            return f"{value.dtype} ".encode() + (_content(value.double().numpy()) or b"")
    if isinstance(value, Set):
        return repr(sorted(map(repr, value))).encode()
    return None


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of an object, each with the step that leads to it."""
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{place}]", part) for place, part in enumerate(value))
    elif isinstance(value, np.ndarray) and value.dtype == object:
        yield from ((f"[{place}]", part) for place, part in enumerate(value.ravel()))
    elif _content(value) is None and hasattr(value, "__dict__"):
        yield from ((f".{name}", part) for name, part in vars(value).items())
