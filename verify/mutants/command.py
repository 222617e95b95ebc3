"""`verify mutants`: from the claims asked for to the file of results, the table, and the exit status."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from threadpoolctl import threadpool_limits

from verify import UsageError, discovery
from verify.ending import Ending
from verify.files import prepare_folder, write_atomically
from verify.memory import fingerprint_of
from verify.mutants.paper import document, kept_rows, rows_of
from verify.mutants.report import (
    Result,
    by_claim,
    counts_of,
    read_intended,
    read_results,
    sentence,
    write_results,
)
from verify.mutants.sitting import SECONDS, Exam, sit
from verify.render.terminal import console

EACH = 25  # mutants to a line of progress, where there is no terminal
EVERY = 10.0  # seconds between two writings of the file


def take(
    package: str, names: Sequence[str], output: Path, paper: Path | None, seconds: float = SECONDS,
    ending: Ending | None = None,
) -> int:  # fmt: skip
    """Examine all mutants of the claims (of every claim if none is named); returns the exit status.

    0: no mutant is silent. 1: some is. What an earlier exam of the same sources finished is kept; of the document
    the rows of other claims are kept, those that were measured with other sources marked.

    Raises:
        UsageError: a claim is unknown, or none of those named has a mutant.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # before anything heavy is loaded: processes with threads are not to be forked
    chosen = [discovery.find(package, name).id for name in names] or [item.id for item in discovery.entries(package)]
    chosen = list(dict.fromkeys(chosen))
    parameters = import_module(f"{package}.parameters")
    for name in chosen:
        discovery.load(package, name)
    prepare_folder(output, "output")
    sources = fingerprint_of("verify", package, *parameters.LABORATORY)
    kept = {row.name: row for row in read_results(output, sources)}
    intended = read_intended(output, sources)
    exam = Exam(
        package=package, prepare=lambda: parameters.prepare(parameters.foundation_parameters()), seconds=seconds,
        kept=frozenset(kept),
    )  # fmt: skip
    told: dict[str, Sequence[Result]] = {}

    def farewell() -> str:
        write_results(output, sources, list(kept.values()), intended)
        return "; finished mutants are kept, and the same command goes on"

    (ending or Ending()).tell(farewell)
    with threadpool_limits(limits=1):
        saved = time.monotonic()
        for name, rows in _followed(sit(exam, chosen), exam.kept, len(chosen)):
            if name not in told:
                told[name], intended[name] = rows, len(rows)
            else:
                kept |= {row.name: row for row in rows}
            if time.monotonic() - saved > EVERY:
                saved = time.monotonic()
                write_results(output, sources, kept.values(), intended)
    mutants = [kept[row.name] for rows in told.values() for row in rows]
    if not mutants:
        raise UsageError(f"claim {', '.join(chosen)} has no mutants: its file names no stated results")
    path = write_results(output, sources, kept.values(), intended)
    return _told(mutants, path, paper, sources)


def _told(results: list[Result], path: Path, paper: Path | None, sources: str) -> int:
    _print(results)
    out = console()
    out.print(f"{sentence(counts_of(results))}\n  wrote {path}", soft_wrap=True, markup=False)
    if paper is not None:
        text = paper.read_text(encoding="utf-8") if paper.exists() else ""
        write_atomically(paper, document([*kept_rows(text), *rows_of(results, sources)], sources).encode())
        out.print(f"  wrote {paper}", soft_wrap=True, markup=False)
    return 1 if any(row.result == "silent" for row in results) else 0


def _followed(items: Iterator[Any], known: AbstractSet[str], claims: int) -> Iterator[Any]:
    """The items, with progress and the time left: a live bar on a terminal, plain lines elsewhere."""
    out, began, done, todo, seen = console(stderr=True), time.monotonic(), 0, 0, set()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeRemainingColumn(),
        console=out, transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with bar:
        line = bar.add_task("mutants", total=None)
        for name, rows in items:
            before = sum(row.name in known for row in rows)
            if name not in seen:
                seen.add(name)
                todo += len(rows) - before
                told = f"{before} of {len(rows)} were examined before, with these sources" if before else "proved"
                out.print(f"{escape(name)} ({len(seen)} of {claims}): {len(rows)} mutants; {told}")
            else:
                done += 1
                left = (time.monotonic() - began) / done * (todo - done)
                if not sys.stderr.isatty() and done % EACH == 0:
                    out.print(f"mutants: {done} of {todo} so far, about {left:.0f} s left of these")
            bar.update(line, completed=done, total=todo, description=f"mutants of {escape(name)}")
            yield name, rows


def _print(results: Sequence[Result]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("claim", "rejected", "true as well", "open", "silent"):
        table.add_column(column, justify="left" if column == "claim" else "right")
    for name, rows in by_claim(results).items():
        table.add_row(name, *(str(number) for number in counts_of(rows).values()))
    out = console()
    out.print(table)
    for row in results:
        if row.result in ("open", "silent"):
            text = f"{row.result}: {row.name}: {row.why}"
            out.print(escape(text if len(text) < 400 else text[:400] + " …"), soft_wrap=True)
