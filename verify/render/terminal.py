"""The terminal view: progress while running on stderr, the verdict of each claim on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from verify.render import words
from verify.render.layout import GAP, Page, bold, coloured, dim, styled
from verify.render.visible import visible

LINES_PER_TRAINING = 5  # progress lines where there is no terminal
VERDICT, GRADE = 9, 11  # columns that the longest verdict and the longest grade take


class Narrator:
    """Says what is going on: a live line with the time left on a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._page = Page(sys.stderr)
        self._live = sys.stderr.isatty() and not self._page.console.is_dumb_terminal and not quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._page.console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._began = 0.0
        self._next_line = 0

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._live:
            self._bar.stop()

    def announce(self, text: str) -> None:
        """A new check or control begins."""
        if self._live:
            self._bar.update(self._task, description=escape(visible(text)), total=None, completed=0)

    def say(self, text: str) -> None:
        """Something that the user should know, though the run goes on."""
        self._page.line(f"verify: {text}")

    def progress(self, step: int, steps: int, loss: float) -> None:
        """Training has reached `step` of `steps`."""
        if step == 0 or self._began == 0.0:
            self._began, self._next_line, self._first_step = time.monotonic(), step, step
        if self._live:
            self._bar.update(self._task, description=f"training, loss {loss:.4g}", total=steps, completed=step)
        elif not self._quiet and step >= self._next_line:
            self._next_line = step + max(1, steps // LINES_PER_TRAINING)
            done = step - self._first_step
            left = (
                f", about {(time.monotonic() - self._began) / done * (steps - step):.0f} s left"
                if 0 < step < steps and done
                else ""
            )
            self._page.line(f"training: step {step} of {steps}, loss {loss:.6g}{left}")


class ForPeople:
    """Verdicts as tables, or in a line each when quiet; what could not be done is told on stderr."""

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self._page = Page(stream)
        self._quiet = quiet

    def verdict(self, record: Mapping[str, Any]) -> None:
        """What a claim's run found, before anything is written; if it cannot be shown, its verdict at least."""
        try:
            if self._quiet:
                self._page.line(*_verdict_line(record))
            else:
                print_record(self._page, record)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._page.line(f"{record['verdict'].upper()} {record['claim']}")
            told = f"{type(error).__name__}: {error}"
            print(f"verify: {record['claim']}: what was found cannot be shown: {visible(told)}", file=sys.stderr)

    def written(self, paths: Mapping[str, Path], troubles: Sequence[str]) -> None:
        """The files of the claim that was told last, by what they are; and why others are missing."""
        if paths and not self._quiet:
            self._page.line("  wrote " + ", ".join(map(str, paths.values())))

    def end(self) -> None:
        """Nothing was kept back."""


def print_record(page: Page, record: Mapping[str, Any]) -> None:
    """The verdict table of one run, what keeps it from passing, its trust base, and the verdict."""
    page.hanging(bold(f"{record['place']}: {record['title']}"))
    _print_evidence(page, record["evidence"])
    for reason in record["reasons"]:
        page.hanging(coloured(reason["verdict"]), " because ", reason["text"], first=2, indent=4)
    for line in record["trust"]:
        page.hanging(line, label=dim("trusts"), first=2, indent=9)
    if record["without_effect"]:
        options = ", ".join("--" + name.replace("_", "-") for name in record["without_effect"])
        verb = "does" if len(record["without_effect"]) == 1 else "do"
        page.hanging(f"{options} {verb} not affect {record['claim']}", first=2, indent=4)
    page.hanging(*_verdict_line(record), indent=2)


def _verdict_line(record: Mapping[str, Any]) -> tuple[Any, ...]:
    rejected = sum(control["verdict"] == "rejected" for control in record["controls"])
    facts = f"controls rejected {rejected}/{len(record['controls'])}"
    if record["mutants"]:
        facts += f"  {record['mutants']}"
    if record["control_baseline"] != "pass":
        facts += f" (the untouched small run is {record['control_baseline']})"
    facts += f"  {words.ground(record['ground'])}"
    if record["grade"]:
        only = f"restricted to {record['grade']} evidence"
        facts = f"{only}, which holds  {facts}" if len(record["reasons"]) == 1 else f"{only}  {facts}"
    instance = {key: value for key, value in record["instance"].items() if isinstance(value, (int, float))}
    sizes = " ".join(f"{key}={value}" for key, value in instance.items())
    if set(instance) <= {"seed"}:
        sizes = f"{record['instance'].get('source', '')} {sizes}".strip()
    return coloured(record["verdict"].upper()), " ", bold(record["claim"]), f"  {facts}  {sizes}"


def _print_evidence(page: Page, evidence: Sequence[Mapping[str, Any]]) -> None:
    """The checks with the readings of their worst findings: a table, or stacked where there is no room."""
    room = page.width - VERDICT - GRADE - 3 * GAP
    widths = (VERDICT, GRADE, room // 2, room - room // 2)
    if evidence and not page.narrow:
        page.row(widths, "verdict", "grade", "check", "reading")
    for item in evidence:
        if page.narrow:
            page.hanging(coloured(item["verdict"]), f" {item['grade']}")
            page.hanging(item["sentence"], first=2, indent=2)
            page.hanging(_summary(item), first=4, indent=4)
        else:
            page.row(widths, coloured(item["verdict"]), styled(item["grade"]), item["sentence"], _summary(item))


def _summary(item: Mapping[str, Any]) -> str:
    count = len(item["findings"])
    return str(item["summary"]) + (f" [{count} findings]" if count > 1 else "")
