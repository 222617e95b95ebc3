"""What `list` and `show` print: the statements of a paper, read from their files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from verify.discovery import Entry
from verify.render.layout import GAP, Page, bold, coloured, output
from verify.render.visible import visible

GRADE = 12


def print_list(rows: Sequence[Mapping[str, Any]]) -> None:
    """The claims, a row each."""
    page = output()
    lines = [_cells(row) for row in rows]
    if page.narrow:
        for name, place, title, grades, verdict, note in lines:
            page.hanging(bold(name), "  ", _verdict(verdict, note), "  ", place)
            page.hanging(title, first=2, indent=2)
            page.hanging(grades, first=2, indent=2)
        return
    head = ("claim", "place", "title", "grades", "last verdict")
    share = page.width // 5  # no column but the title takes more
    table = (head, *((*line[:4], ", ".join(filter(None, line[4:]))) for line in lines))
    widths = [min(share, max(len(line[column]) for line in table)) for column in range(len(head))]
    widths[2] = page.width - sum(widths[:2] + widths[3:]) - 4 * GAP
    page.row(widths, *head)
    for *cells, verdict, note in lines:
        page.row(widths, *cells, _verdict(verdict, note))


def _cells(row: Mapping[str, Any]) -> tuple[str, str, str, str, str, str]:
    place = f"{row['place']} [{row['mark']}]" if row["place"] else ""
    return row["id"], place, row["title"], ", ".join(row["grades"]), row["verdict"] or "not run", row["note"] or ""


def _verdict(verdict: str, note: str) -> Text:
    return Text.assemble(coloured(verdict), ", " if note else "", visible(note))


def print_entry(entry: Entry, foundations: tuple[Entry, ...], options: list[str]) -> None:
    """One statement with its assumptions, what it rests on, its checks and controls, and the options that it heeds."""
    page = output()
    for place, paragraph in enumerate(re.split(r"\n\s*\n", entry.text)):
        if place:
            page.line()
        page.hanging(" ".join(paragraph.split()), indent=0)
    if entry.assumptions:
        page.line()
        page.hanging(bold("Assumptions"), f": {', '.join(entry.assumptions)}")
    if foundations:
        _heading(page, "Rests on")
        _print_branch(page, entry.builds_on, {item.id: item for item in foundations}, 2, set())
    if entry.cites:
        _heading(page, "Cited, not checked here")
        for source in entry.cites:
            page.hanging(source, first=2, indent=4)
    _heading(page, "Checks")
    for check in entry.checks:
        page.hanging(check.sentence, label=check.grade, first=2, indent=2 + GRADE)
    _heading(page, "Controls", " (planted defects that the same checks must fail)")
    for control in entry.controls:
        page.hanging(control.sentence, first=2, indent=4)
    _heading(page, "Options that bear on it")
    page.hanging(", ".join(options) or "none: it is about all dimensions", first=2, indent=4)
    if entry.preset:
        page.hanging(f"--preset {entry.preset} unless the instance is changed", first=2, indent=4)


def _heading(page: Page, title: str, rest: str = "") -> None:
    page.line()
    page.hanging(bold(title), rest)


def _print_branch(page: Page, names: Sequence[str], known: Mapping[str, Entry], first: int, seen: set[str]) -> None:
    """The statements `names` with what each rests on below it; one that was shown before only by name."""
    for name in names:
        again = name in seen
        seen.add(name)
        page.hanging("as above" if again else known[name].title, label=name, first=first, indent=first + 14)
        if not again:
            _print_branch(page, known[name].builds_on, known, first + 2, seen)
