"""What a process that did the work once already may keep when a stated result or a lemma is exchanged in it.

Kept is what was computed by files that cannot have read what is exchanged, and the exact instances; all else is
forgotten and computed again. Which file reads which is seen in their import statements.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from verify.prove.inequalities import lemma as lemmas
from verify.prove.inequalities.chain import Chain
from verify.prove.inequalities.lemma import Lemma

SPEAK_OF_FACTS = frozenset({Lemma.__module__, Chain.__module__})  # lemmas are compared by identity there
INSTANCES = "tuple[Values, ...]"  # what functions return that make exact instances: data, and no statement


def forget(package: str, module: str, *, lemma: bool) -> bool:
    """Forget what may depend on a module's constants, or, of a `lemma`, on what it states.

    Whether the subject must be made again as well: some file that makes it reads the module.
    """
    readers = {name for name in _loaded(package) if module in reads(package, name)}
    for name, home in _loaded(package).items():
        own = name in readers
        if own or SPEAK_OF_FACTS & _imports(home):
            _forget_module(home, instances=own and not lemma, objects=own)
    for proofs in [each.proofs for _, each in lemmas_of(package) if each.module in readers]:
        lemmas.forget_proofs(proofs)
    return package in readers


@cache
def reads(package: str, name: str) -> frozenset[str]:
    """The modules of the package that a module imports, directly or through others, itself included."""
    loaded, found, waiting = _loaded(package), {name}, [name]
    while waiting:
        new = {each for each in _imports(loaded[waiting.pop()]) if each in loaded} - found - {package}
        found |= new
        waiting += new
    return frozenset(found)


def _loaded(package: str) -> dict[str, ModuleType]:
    return {
        name: module
        for name, module in sorted(sys.modules.items())
        if name.partition(".")[0] == package and getattr(module, "__file__", None)
    }


@cache
def _imports(module: ModuleType) -> frozenset[str]:
    """The modules that a module's file imports anywhere, in functions too."""
    found = set()
    for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def lemmas_of(package: str) -> Iterator[tuple[str, Lemma]]:
    """The lemmas of the statement files that are loaded, with their names there."""
    for name, module in _loaded(package).items():
        for constant, each in vars(module).items():
            if isinstance(each, Lemma) and each.module == name:
                yield constant, each


def _forget_module(module: ModuleType, *, instances: bool, objects: bool) -> None:
    for value in list(vars(module).values()):
        if isinstance(value, Lemma):
            value.forget()
        elif getattr(value, "__module__", None) != module.__name__ and not objects:
            continue
        elif isinstance(value, type) and objects:
            for each in vars(value).values():
                _clear(each)
        elif callable(value) and (instances or getattr(value, "__annotations__", {}).get("return") != INSTANCES):
            _clear(value)
        elif objects:
            _forget_object(value)


def _clear(function: Any) -> None:
    clear: Callable[[], None] | None = getattr(function, "cache_clear", None)
    if clear is not None:
        clear()


def _forget_object(value: Any) -> None:
    """What an object computed of itself when it was first asked."""
    for home in type(value).__mro__:
        for name, each in vars(home).items():
            if isinstance(each, cached_property):
                vars(value).pop(name, None)
