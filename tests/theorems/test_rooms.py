"""The floor plan: statements stand on rooms, rooms on rooms below them, and nobody goes round in a circle."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

import theorems

ROOT = Path(theorems.__file__).parent
ROOMS = ("checkers", "setting", "network", "descent")  # each may use those before it
FLOORS = 10


@cache
def arrows() -> Mapping[str, frozenset[str]]:
    """For each module of the paper those that it imports anywhere, functions and TYPE_CHECKING included."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in paths.items() if name != "__init__"}
    found = {}
    for name, path in modules.items():
        reached = set()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "theorems":
                home = node.module.removeprefix("theorems").lstrip(".")
                inner = {f"{home}.{alias.name}".lstrip(".") for alias in node.names}
                reached |= inner & set(modules) or {home}
            elif isinstance(node, ast.Import):
                reached |= {alias.name.removeprefix("theorems.") for alias in node.names} & set(modules)
        found[name] = frozenset(reached - {name, ""})
    return found


def room_of(module: str) -> str:
    """The room a module is in; empty for a statement."""
    return module.partition(".")[0] if module.partition(".")[0] in ROOMS else ""


def test_a_folder_is_a_room_and_a_file_is_a_statement() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(ROOMS)
    statements = [path for path in ROOT.glob("*.py") if path.name != "__init__.py"]
    assert [path.name for path in statements if "\nCLAIM = Claim(" not in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_rooms_below_it_and_no_statement(room: str) -> None:
    below = ROOMS[: ROOMS.index(room) + 1]
    wrong = {
        f"{module} imports {other}"
        for module, others in arrows().items()
        if room_of(module) == room
        for other in others
        if room_of(other) not in below
    }
    assert sorted(wrong) == []


def test_there_is_no_circle_and_few_floors() -> None:
    floors: dict[str, int] = {}

    def floor(module: str, path: tuple[str, ...]) -> int:
        assert module not in path, " imports ".join((*path[path.index(module) :], module))
        if module not in floors:
            floors[module] = 1 + max((floor(other, (*path, module)) for other in arrows()[module]), default=0)
        return floors[module]

    highest = max(arrows(), key=lambda module: floor(module, ()))
    assert floors[highest] <= FLOORS, f"{highest} stands on floor {floors[highest]}"
