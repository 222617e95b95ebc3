"""Ways of breaking a library for a while: a function, a method of a C type, one of its operators.

Everything is restored on leaving, so that one fault is in force at a time.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

PACKAGES = ("verify", "theorems", "numerics")
# Offsets in CPython's PyTypeObject and PyNumberMethods on 64-bit machines, Include/cpython/object.h.
AS_NUMBER, RICH_COMPARE = 96, 200
OPERATORS = {"add": 0, "subtract": 8, "multiply": 16, "true_divide": 240}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One broken part: its name, the area of ground that it is in, and a claim that rests on it."""

    name: str
    area: str
    claim: str
    plant: Callable[[], AbstractContextManager[None]]


@contextmanager
def function(owner: Any, name: str, broken: Callable[[Any], Any]) -> Iterator[None]:
    """`owner.name` replaced by `broken(original)`, also wherever our packages imported it by name."""
    original = getattr(owner, name)
    replacement = broken(original)
    modules = [module for key, module in list(sys.modules.items()) if key.partition(".")[0] in PACKAGES]
    holders = [(vars(module), key) for module in modules for key, value in vars(module).items() if value is original]
    own = name in vars(owner)
    setattr(owner, name, replacement)
    for names, key in holders:
        names[key] = replacement
    try:
        yield
    finally:
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)
        for names, key in holders:
            names[key] = original


@contextmanager
def method(kind: type, name: str, broken: Callable[[Any], Any]) -> Iterator[None]:
    """A method of a C type replaced in the type's own dictionary, which Python only shows read-only."""
    kind = next(each for each in kind.__mro__ if name in vars(each))
    names = gc.get_referents(kind.__dict__)[0]
    original = names[name]
    names[name] = broken(original)
    _forget(kind)
    try:
        yield
    finally:
        names[name] = original
        _forget(kind)


def _forget(kind: type) -> None:
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


@contextmanager
def operator(kind: type, name: str, broken: Callable[[Any], Any]) -> Iterator[None]:
    """An operator of a C type (add, subtract, multiply, true_divide) replaced in its table of functions."""
    table = ctypes.c_void_p.from_address(id(kind) + AS_NUMBER).value
    assert table is not None
    binary = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object)
    with _slot(table + OPERATORS[name], binary, broken):
        yield


@contextmanager
def comparison(kind: type, broken: Callable[[Any], Any]) -> Iterator[None]:
    """All comparisons of a C type; `broken` gets (left, right, code), code 0 to 5 for < <= == != > >=."""
    ternary = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int)
    with _slot(id(kind) + RICH_COMPARE, ternary, broken):
        yield


@contextmanager
def _slot(address: int, prototype: Any, broken: Callable[[Any], Any]) -> Iterator[None]:
    slot = ctypes.c_void_p.from_address(address)
    before = slot.value
    callback = prototype(broken(prototype(before)))
    slot.value = ctypes.cast(callback, ctypes.c_void_p).value
    try:
        yield
    finally:
        slot.value = before


@contextmanager
def all_of(*faults: AbstractContextManager[None]) -> Iterator[None]:
    """Several replacements that make one fault."""
    with ExitStack() as stack:
        for fault in faults:
            stack.enter_context(fault)
        yield
