"""`verify mutants`: from the claims asked for to the file of results, the table, and the exit status."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from threadpoolctl import threadpool_limits

from verify import UsageError, discovery
from verify.files import prepare_folder, write_atomically
from verify.memory import fingerprint_of
from verify.mutants.exam import mutants_of
from verify.mutants.report import (
    Result,
    by_claim,
    counts_of,
    document,
    read_intended,
    read_results,
    result_of,
    sentence,
    write_results,
)
from verify.mutants.sitting import SECONDS, sit
from verify.render.terminal import console

LINES = 20  # of progress, where there is no terminal
EVERY = 10.0  # seconds between two writings of the file


def take(package: str, names: Sequence[str], output: Path, paper: Path | None, seconds: float = SECONDS) -> int:
    """Examine all mutants of the claims (of every claim if none is named); returns the exit status.

    0: no mutant is silent. 1: some is. What an earlier exam of the same sources finished is kept.

    Raises:
        UsageError: a claim is unknown, or none of those named has a mutant.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # before anything heavy is loaded: processes with threads are not to be forked
    chosen = [discovery.find(package, name).id for name in names] or [item.id for item in discovery.entries(package)]
    parameters = import_module(f"{package}.parameters")
    mutants = [mutant for name in dict.fromkeys(chosen) for mutant in mutants_of(package, name)]
    if not mutants:
        raise UsageError(f"claim {', '.join(chosen)} has no mutants: its file names no stated results")
    prepare_folder(output, "output")
    fingerprint = fingerprint_of("verify", package, *parameters.LABORATORY)
    kept = {row.name: row for row in read_results(output, fingerprint)}
    intended = read_intended(output, fingerprint) | Counter(mutant.claim for mutant in mutants)
    with threadpool_limits(limits=1):
        small = parameters.prepare(parameters.foundation_parameters())
        claims: dict[str, Any] = {name: discovery.load(package, name) for name in dict.fromkeys(chosen)}
        todo = [mutant for mutant in mutants if mutant.name not in kept]
        saved = time.monotonic()
        for mutant, found in _followed(sit(claims, todo, small, seconds=seconds), len(todo), len(mutants)):
            kept[mutant.name] = result_of(mutant, found)
            if time.monotonic() - saved > EVERY:
                saved = time.monotonic()
                write_results(output, fingerprint, kept.values(), intended)
    path = write_results(output, fingerprint, kept.values(), intended)
    return _told([kept[mutant.name] for mutant in mutants], path, paper)


def _told(results: list[Result], path: Path, paper: Path | None) -> int:
    _print(results)
    out = console()
    out.print(f"{sentence(counts_of(results))}\n  wrote {path}", soft_wrap=True, markup=False)
    if paper is not None:
        write_atomically(paper, document(results).encode())
        out.print(f"  wrote {paper}", soft_wrap=True, markup=False)
    return 1 if any(row.result == "silent" for row in results) else 0


def _followed(items: Iterator[Any], todo: int, total: int) -> Iterator[Any]:
    """The items, with progress and the time left: a live bar on a terminal, plain lines elsewhere."""
    out, began, done = console(stderr=True), time.monotonic(), 0
    if todo < total:
        out.print(f"{total - todo} of {total} mutants were examined before, with these sources")
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeRemainingColumn(),
        console=out, transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with bar:
        line = bar.add_task("mutants", total=todo)
        for item in items:
            done += 1
            bar.update(line, completed=done, description=f"mutants of {escape(item[0].claim)}")
            if not sys.stderr.isatty() and done % max(1, todo // LINES) == 0:
                left = (time.monotonic() - began) / done * (todo - done)
                out.print(f"mutants: {done} of {todo}, about {left:.0f} s left")
            yield item


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
