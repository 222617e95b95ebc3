"""Lines for a terminal: wrapped once, to its width, with hanging indents; text is text, never markup.

Every string passes through `visible`, so nothing in it moves a cursor or turns a line around.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import TextIO

from rich.console import Console
from rich.text import Text

from verify.render.visible import visible

PLAIN_WIDTH = 110  # where there is no terminal to ask
NARROWEST, WIDEST = 20, 160  # longer lines are hard to read
SIDE_BY_SIDE = 72  # columns that a table needs; below, what belongs together is stacked
COLOUR = {"pass": "green", "undecided": "yellow", "fail": "red", "error": "magenta", "stale": "yellow"}
GAP = 2


class Page:
    """A stream to print lines on: as wide as its terminal, or of a fixed width elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self.width = _width(stream)
        self.console = Console(file=stream, width=self.width, highlight=False, emoji=False, markup=False)

    @property
    def narrow(self) -> bool:
        """Whether there is no room for a table."""
        return self.width < SIDE_BY_SIDE

    def line(self, *parts: str | Text) -> None:
        """One line, however long it is: what a reader may copy, or a program may read."""
        self.console.print(Text.assemble(*map(styled, parts)), soft_wrap=True)

    def hanging(self, *parts: str | Text, label: str | Text = "", first: int = 0, indent: int = 2) -> None:
        """Wrapped text, its first line at `first` or after the label that stands there, the others at `indent`."""
        margin = Text.assemble(" " * first, styled(label))
        indent = min(indent, self.width // 4)
        if label:
            margin.append(" " * max(1, indent - margin.cell_len))
        lines = Text.assemble(*map(styled, parts)).wrap(self.console, self.width - max(margin.cell_len, indent))
        for place, line in enumerate(lines or [Text()]):
            self._print(Text.assemble(" " * indent if place else margin, line))

    def row(self, widths: Sequence[int], *cells: str | Text) -> None:
        """Cells side by side, each wrapped in its column."""
        columns = [styled(cell).wrap(self.console, width) for cell, width in zip(cells, widths, strict=True)]
        for pieces in zip_longest(*columns, fillvalue=Text()):
            line = Text()
            for piece, width in zip(pieces, widths, strict=True):
                piece.rstrip()
                line.append_text(piece)
                line.append(" " * max(0, width + GAP - piece.cell_len))
            self._print(line)

    def _print(self, line: Text) -> None:
        line.rstrip()
        self.console.print(line, soft_wrap=True)


def styled(part: str | Text) -> Text:
    """A plain string as text that hides nothing; a styled piece as it is."""
    return part if isinstance(part, Text) else Text(visible(part))


def bold(text: str) -> Text:
    return Text(visible(text), style="bold")


def dim(text: str) -> Text:
    return Text(visible(text), style="dim")


def coloured(verdict: str) -> Text:
    """A verdict in its colour; another word as it is."""
    return Text(visible(verdict), style=COLOUR.get(verdict.lower(), ""))


def output() -> Page:
    """The page of the results."""
    return Page(sys.stdout)


def _width(stream: TextIO) -> int:
    """COLUMNS if it is a number of columns, or what the terminal says, or a fixed width; within reason."""
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and len(columns) < 6 else 0
    if not width:
        try:
            width = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError, AttributeError):  # no terminal, or no file at all
            width = 0
    return max(NARROWEST, min(width or PLAIN_WIDTH, WIDEST))
