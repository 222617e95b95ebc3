"""Options of the command line: how one is declared, typed, and typed again."""

from __future__ import annotations

import inspect
from dataclasses import Field
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from verify.paper import Paper


def path_of(text: str | Path) -> Path:
    """A path as it was typed: no name at all would stand for the folder in which the user happens to be."""
    if not str(text):
        raise typer.BadParameter("there is no name; give one, or leave the option out")
    return Path(text)


def given_again(options: dict[str, Any], signature: list[inspect.Parameter]) -> tuple[str, ...]:
    """The options that were given, for a command that goes on; claims and the checkpoint are named when it is known."""
    words: list[str] = []
    for item in signature:
        value = options[item.name]
        if item.name in ("claims", "resume") or value is None or value is False or value is item.default:
            continue
        words += [f"--{item.name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return tuple(words)


def option(name: str, kind: Any, default: Any, **details: Any) -> inspect.Parameter:
    if kind in (Path, Path | None):
        details |= {"parser": path_of, "metavar": "PATH"}
    annotation = Annotated[kind, typer.Option(f"--{name.replace('_', '-')}", **details)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def parameter_option(item: Field[Any], paper: Paper) -> inspect.Parameter:
    """One field of the paper's Parameters as an option; None stands for "not given"."""
    kind = get_type_hints(paper.parameters)[item.name]
    description = item.metadata["help"]
    if kind is bool:
        return option(item.name, bool, False, help=f"{description}.")
    if item.metadata["choices"]:
        kind = Literal[item.metadata["choices"]]
    if item.default is not None:
        description += f" ({item.default} in '{paper.default_preset}')"
    return option(item.name, kind | None, None, show_default=False, help=f"{description}.")
