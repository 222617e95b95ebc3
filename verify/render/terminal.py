"""The terminal view: listings, progress while running, and the verdict table."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from verify.discovery import Entry
from verify.render import words

COLOUR = {"pass": "green", "undecided": "yellow", "fail": "red", "error": "magenta", "stale": "yellow"}
PLAIN_WIDTH = 110  # where there is no terminal to ask
LINES_PER_TRAINING = 5  # progress lines where there is no terminal


def console(stderr: bool = False) -> Console:
    """A console as wide as the terminal, or of a fixed width elsewhere."""
    plain = not (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=PLAIN_WIDTH if plain else None, highlight=False, soft_wrap=False)


class Narrator:
    """Says what is going on: a live line with the time left on a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = console(stderr=True)
        self._live = self._console.is_terminal and not quiet
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeRemainingColumn(),
            console=self._console, transient=True,
        )  # fmt: skip
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
            self._bar.update(self._task, description=escape(text), total=None, completed=0)

    def say(self, text: str) -> None:
        """Something that the user should know, though the run goes on."""
        self._console.print(f"verify: {text}", markup=False, soft_wrap=True)

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
            self._console.print(f"training: step {step} of {steps}, loss {loss:.6g}{left}")


def print_list(rows: list[dict[str, Any]]) -> None:
    """The claims, one line each."""
    table = Table(box=None, pad_edge=False)
    for column in ("claim", "place", "title", "grades", "last verdict"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            row["id"], f"{row['place']} \\[{row['mark']}]" if row["place"] else "", escape(row["title"]),
            ", ".join(row["grades"]), ", ".join(filter(None, (_coloured(row["verdict"] or "not run"), row["note"]))),
        )  # fmt: skip
    console().print(table)


def print_entry(entry: Entry, foundations: tuple[Entry, ...], options: list[str]) -> None:
    """One statement with its assumptions, what it rests on, its checks and controls, and the options that it heeds."""
    out = console()
    out.print(escape(entry.text))
    if entry.assumptions:
        out.print(f"\n[bold]Assumptions[/]: {', '.join(entry.assumptions)}")
    if foundations:
        out.print("\n[bold]Rests on[/]")
        known = {item.id: item for item in foundations}
        _print_branch(out, entry.builds_on, known, "  ", set())
    if entry.cites:
        out.print("\n[bold]Cited, not checked here[/]")
        for source in entry.cites:
            out.print(f"  {escape(source)}")
    out.print("\n[bold]Checks[/]")
    for check in entry.checks:
        out.print(f"  {check.grade:<12}{escape(check.sentence)}")
    out.print("\n[bold]Controls[/] (planted defects that the same checks must fail)")
    for control in entry.controls:
        out.print(f"  {escape(control.sentence)}")
    out.print("\n[bold]Options that bear on it[/]")
    out.print(f"  {', '.join(options) or 'none: it is about all dimensions'}")
    if entry.preset:
        out.print(f"  --preset {entry.preset} unless the instance is changed")


def _print_branch(out: Console, names: tuple[str, ...], known: dict[str, Entry], indent: str, seen: set[str]) -> None:
    """The statements `names` with what each rests on below it; one that was shown before only by name."""
    for name in names:
        again = name in seen
        seen.add(name)
        out.print(f"{indent}{name:<14}{'as above' if again else escape(known[name].title)}", soft_wrap=True)
        if not again:
            _print_branch(out, known[name].builds_on, known, indent + "  ", seen)


def print_record(record: dict[str, Any], *, quiet: bool) -> None:
    """The verdict table of one run, or a single line when quiet."""
    out = console()
    if not quiet:
        out.print(_evidence_table(record))
        _print_reasons(out, record)
        for line in record["trust"]:
            out.print(f"  [dim]trusts[/] {escape(line)}", soft_wrap=True)
        resumed = words.resumed(record["provenance"])
        if resumed:
            out.print(f"  {resumed}", soft_wrap=True)
        if record["without_effect"]:
            options = ", ".join("--" + name.replace("_", "-") for name in record["without_effect"])
            verb = "does" if len(record["without_effect"]) == 1 else "do"
            out.print(f"  {options} {verb} not affect {record['claim']}", soft_wrap=True)
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
    out.print(
        f"{_coloured(record['verdict'].upper())} [bold]{record['claim']}[/]  {facts}  {escape(sizes)}", soft_wrap=True
    )


def print_paths(paths: list[Path]) -> None:
    """The files that were written."""
    if paths:
        console().print("  wrote " + ", ".join(map(str, paths)), soft_wrap=True, markup=False)


def _evidence_table(record: dict[str, Any]) -> Table:
    table = Table(title=f"{record['place']}: {record['title']}", title_justify="left", box=None, pad_edge=False)
    table.add_column("verdict")
    table.add_column("grade")
    table.add_column("check", ratio=1)
    table.add_column("reading", ratio=1)
    for item in record["evidence"]:
        table.add_row(
            _coloured(item["verdict"]), item["grade"], escape(item["sentence"]), escape(_summary(item))
        )  # fmt: skip
    return table


def _summary(item: dict[str, Any]) -> str:
    count = len(item["findings"])
    return str(item["summary"]) + (f" [{count} findings]" if count > 1 else "")


def _print_reasons(out: Console, record: dict[str, Any]) -> None:
    """What keeps the claim from passing."""
    for reason in record["reasons"]:
        out.print(f"  {_coloured(reason['verdict'])} because {escape(reason['text'])}", soft_wrap=True)


def _coloured(verdict: str) -> str:
    colour = COLOUR.get(verdict.lower())
    return f"[{colour}]{verdict}[/]" if colour else verdict
