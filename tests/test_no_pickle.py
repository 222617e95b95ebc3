"""No file that is read can be code: nothing in the packages unpickles, and numpy is told not to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("verify", "theorems", "numerics", "benchmarks")
MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "copyreg"}  # readers of code
CALLS = {"torch.load", "torch.save", "torch.jit.load", "pandas.read_pickle"}


def offences(tree: ast.AST) -> Iterator[str]:
    """What in a module unpickles, or could."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                full = [f"{module}.{name.name}" for name in names]
                yield from (name for name in full if module.split(".")[0] in MODULES or name in CALLS)
            case ast.Call() if offends(node):
                yield ast.unparse(node)


def offends(call: ast.Call) -> bool:
    """Whether a call reads code, or leaves it to the file whether it does."""
    called, first = ast.unparse(call.func), ast.unparse(call.args[0]).strip("'\"") if call.args else ""
    options = {item.arg: ast.unparse(item.value) for item in call.keywords}
    numpy_decides = called in ("np.load", "numpy.load") and "allow_pickle" not in options
    imported = called in ("__import__", "import_module") and first in MODULES
    return called in CALLS or options.get("allow_pickle", "False") != "False" or numpy_decides or imported


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_unpickles(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    assert [
        (str(path), found) for path in files for found in offences(ast.parse(path.read_text(encoding="utf-8")))
    ] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "import torch, pickle as p",
        "from pickle import loads",
        "from torch import load",
        "torch.load(path)",
        "torch.load(path, weights_only=True)",
        "torch.save(state, path)",
        "import joblib",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "numpy.load(path, allow_pickle=yes)",
        "np.lib.format.read_array(stream, allow_pickle=True)",
        "__import__('pickle')",
        "import_module('dill')",
        "import cloudpickle",
        "import shelve",
        "import marshal",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert list(offences(ast.parse(code)))


@pytest.mark.parametrize("code", ["np.load(path, allow_pickle=False)", "import json", "json.load(stream)"])
def test_the_search_finds_nothing_else(code: str) -> None:
    assert not list(offences(ast.parse(code)))
