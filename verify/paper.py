"""What the toolkit needs to know of a paper, in one object: `PAPER` in the `__init__.py` of the paper's package.

Imports nothing heavy, so that help and listings answer at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from verify import UsageError


class Subject(Protocol):
    """What a paper's claims are about, as far as the toolkit needs to know it; `grounds()` may give self-tests."""

    def describe(self) -> dict[str, Any]: ...
    def quantities(self) -> dict[str, float]: ...
    def provenance(self) -> dict[str, Any]: ...


@runtime_checkable
class Kept(Protocol):
    """A subject whose work is long, so that another run can go on from what this one has reached.

    `keep` saves that and says where, None if there is nothing; `forget` is called once the results are written.
    """

    def keep(self) -> Path | None: ...
    def forget(self) -> None: ...


def _nothing(_: Mapping[str, Any]) -> AbstractSet[str]:
    return frozenset()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One statement of the paper, as its ledger lists it: where it stands, what it says, and what decides it.

    `claims` check what the paper says, all of it together; `beside` are claims that stand next to it and do not count
    for its verdict: corrected, sharper, or with another hypothesis. A row without claims is not decided yet.
    """

    id: str
    place: str
    title: str
    section: str
    claims: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The protocol between the toolkit and a paper's folder.

    `parameters` is a frozen dataclass whose fields are the options of a run, each with a `help` and its `choices` as
    metadata; `presets` are named settings of some of them. `groups` are names for several options that a claim may
    heed at once, `instance` the options that the instance is made from; `idle` says which options mean nothing beside
    the values given. `resolve` makes complete parameters from a preset and what a user gave, or raises a UsageError;
    `prepare` makes the subject that they describe; it is asked for `progress`, `checkpoint`, `resume` and `say` by
    name. `control` gives the small run in which a claim's defects are planted, from the parameters of the run and the
    claim's own preset; `foundation` that of statements that others rest on. `laboratory` names the packages that
    measure: their sources decide whether earlier verdicts still count. `ledger` lists the paper's statements, decided
    or not; without one, each claim counts as a statement of the paper.
    """

    parameters: type[Any]
    presets: Mapping[str, Mapping[str, Any]]
    default_preset: str
    resolve: Callable[[str, dict[str, Any]], Any]
    prepare: Callable[..., Subject]
    control: Callable[[Any, str | None], Any]
    foundation: Callable[[], Any]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instance: AbstractSet[str] = frozenset()
    idle: Callable[[Mapping[str, Any]], AbstractSet[str]] = _nothing
    laboratory: tuple[str, ...] = ()
    ledger: tuple[Row, ...] = ()

    def __post_init__(self) -> None:
        """Every option that is spoken of is one, the default preset is among the presets, no statement is listed twice.

        Raises:
            ValueError: it is not so.
        """
        named = {*self.instance, *(name for names in self.groups.values() for name in names)}
        named |= {name for settings in self.presets.values() for name in settings}
        if strangers := sorted(named - self.options):
            raise ValueError(f"{strangers[0]!r} is no field of {self.parameters.__name__}; correct the name")
        if self.default_preset not in self.presets:
            raise ValueError(f"default_preset = {self.default_preset!r} is none of {', '.join(self.presets)}")
        listed = [row.id for row in self.ledger]
        if twice := [name for name in dict.fromkeys(listed) if listed.count(name) > 1]:
            raise ValueError(f"the ledger lists {twice[0]!r} twice; give each statement a name of its own")

    @cached_property
    def options(self) -> frozenset[str]:
        """The names of all options."""
        return frozenset(item.name for item in fields(self.parameters))

    def heeded(self, names: Iterable[str]) -> tuple[str, ...]:
        """The options that bear on a claim which heeds `names`, options or groups, in the order of the fields."""
        bearing = {option for name in names for option in self.groups.get(name, (name,))}
        return tuple(item.name for item in fields(self.parameters) if item.name in bearing)

    def without_effect(self, given: Mapping[str, Any], heeds: Iterable[str]) -> tuple[str, ...]:
        """Those of the options given that change nothing for a claim that heeds `heeds`."""
        bearing = set(self.heeded(heeds)) - self.idle(given)
        return tuple(name for name in given if name not in bearing)

    def as_options(self, parameters: Any, names: Collection[str]) -> list[str]:
        """The command-line options that reproduce the fields `names` of `parameters`, defaults included."""
        idle = self.idle(vars(parameters))
        options: list[str] = []
        for item in fields(self.parameters):
            value, option = getattr(parameters, item.name), "--" + item.name.replace("_", "-")
            if value is None or item.name not in names or item.name in idle:
                continue
            if isinstance(value, bool):
                options += [option] if value else []
            else:
                options += [option, str(value)]
        return options


def paper_of(package: str) -> Paper:
    """The paper whose statements the package holds.

    Raises:
        UsageError: the package cannot be imported, whatever its code does, or has no `PAPER`.
    """
    try:
        found = getattr(import_module(package), "PAPER", None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UsageError(f"{package} cannot be imported ({type(error).__name__}: {error}); correct its file") from error
    if not isinstance(found, Paper):
        raise UsageError(f"package {package!r} describes no paper; assign PAPER = Paper(...) in its __init__.py")
    return found
