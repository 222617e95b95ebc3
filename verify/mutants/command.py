"""`verify mutants`: from the claims asked for to the file of results, the table, and the exit status."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from importlib import import_module
from inspect import getsource
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from verify import UsageError, discovery
from verify.ending import Ending
from verify.evidence import trouble
from verify.files import DOCUMENT, MUTANTS, prepare_folder, require_folder, require_replaceable, write_atomically
from verify.foundation_cache import fingerprint_of
from verify.mutants.paper import document, document_rows, kept_rows
from verify.mutants.report import (
    FILE,
    Result,
    by_claim,
    counts_of,
    figures,
    read_results,
    write_results,
)
from verify.mutants.sitting import SECONDS, Exam, sit
from verify.paper import paper_of
from verify.render.layout import Page
from verify.render.layout import output as output_page
from verify.render.programs import print_json
from verify.render.visible import visible

EACH = 25  # mutants to a line of progress, where there is no terminal
EVERY = 10.0  # seconds between two writings of the file


def take_exam(
    package: str,
    names: Sequence[str],
    output: Path,
    paper: Path | None,
    seconds: float = SECONDS,
    ending: Ending | None = None,
    *,
    as_json: bool = False,
) -> int:
    """Examine all mutants of the claims (of every claim if none is named); returns the exit status.

    0: no mutant is silent. 1: some is, or a claim cannot be examined. What an earlier exam of the same sources finished
    is kept; of the document the rows of other claims are kept, those that were measured with other sources marked.

    Raises:
        UsageError: a claim is unknown, none of those named has a mutant, or something cannot be written or replaced.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # before anything heavy is loaded: processes with threads are not to be forked
    chosen = [discovery.find(package, name).id for name in names] or [item.id for item in discovery.entries(package)]
    chosen = list(dict.fromkeys(chosen))
    described = paper_of(package)
    earlier = _prepared(output, paper)
    found = _loadable(package, chosen)
    sources = fingerprint_of("verify", package, *described.laboratory)
    rows_before, intended = read_results(output, sources)
    kept = {row.name: row for row in rows_before}
    exam = Exam(
        package=package,
        prepare=lambda: described.prepare(described.foundation()),
        seconds=seconds,
        kept=frozenset(kept),
    )

    def save() -> Path:
        return write_results(output, sources, list(kept.values()), intended)

    def farewell() -> str:
        save()
        return "; finished mutants are kept, and the same command goes on"

    (ending or Ending()).tell(farewell)
    mutants = _examined(exam, found, kept, intended, save)
    if not mutants:
        raise UsageError(f"claim {', '.join(chosen)} has no mutants: its file names no stated results")
    status = max(_told(mutants, as_json=as_json), int(found != chosen))
    try:
        written = [save()]
        if paper is not None:
            left_out = {name: _left_out(package, name) for name in chosen}
            text = document([*kept_rows(earlier), *document_rows(mutants, sources, left_out)], sources)
            write_atomically(paper, text.encode("utf-8", "backslashreplace"))
            written.append(paper)
    except OSError as error:
        print(f"verify: {visible(str(error))}", file=sys.stderr)
        return 1
    if not as_json:
        for path in written:
            output_page().line(f"  wrote {path}")
    return status


def _examined(
    exam: Exam, names: Sequence[str], kept: dict[str, Result], intended: dict[str, int], save: Callable[[], Path]
) -> list[Result]:
    """All mutants of the claims; what is finished joins `kept`, how many a claim has `intended`, both saved often."""
    told: dict[str, Sequence[Result]] = {}
    with threadpool_limits(limits=1):
        saved = time.monotonic()
        for name, rows in _followed(sit(exam, names), exam.kept, len(names)):
            if name not in told:
                told[name], intended[name] = rows, len(rows)
            else:
                kept |= {row.name: row for row in rows}
            if time.monotonic() - saved > EVERY:
                saved = time.monotonic()
                with contextlib.suppress(OSError):  # a disk that is full is told of at the end
                    save()
    return [kept[row.name] for rows in told.values() for row in rows]


def _loadable(package: str, names: Sequence[str]) -> list[str]:
    """Those claims whose files can be imported; the others are named, and cost none but themselves."""
    found = []
    for name in names:
        try:
            discovery.load(package, name)
            found.append(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            print(f"verify: {name} cannot be examined: {visible(trouble(error))}", file=sys.stderr)
    return found


def _left_out(package: str, name: str) -> list[str]:
    """The constants of a claim's file that are called stated, and are neither examined nor a side of one that is."""
    module = import_module(f"{package}.{name}")
    source = getsource(module)  # what is imported from another file is stated there
    examined = [getattr(module, constant) for constant in module.CLAIM.stated]
    sides = [getattr(each, side) for each in examined for side in ("left", "right") if hasattr(each, side)]
    return [
        constant
        for constant, value in vars(module).items()
        if constant.startswith("STATED")
        and f"\n{constant} = " in source
        and constant not in module.CLAIM.stated
        and value not in sides
    ]


def _told(results: list[Result], *, as_json: bool) -> int:
    if as_json:
        print_json([asdict(row) for row in results], sys.stdout)
    else:
        page = output_page()
        _print(page, results)
        page.hanging(figures(counts_of(results)))
    return 1 if any(row.result == "silent" for row in results) else 0


def _prepared(output: Path, paper: Path | None) -> str:
    """Make sure that results can be written, and that nothing of anybody's is lost by it; the earlier document."""
    require_folder(output, "output")
    if paper is not None:
        require_replaceable(paper, DOCUMENT, "document")
        if os.path.realpath(paper) == os.path.realpath(output / FILE):
            raise UsageError(f"document = {paper} is the file of results; give --document another name")
    require_replaceable(output / FILE, MUTANTS, "output")
    prepare_folder(output, "output")
    if paper is None:
        return ""
    prepare_folder(paper.parent, "document")
    require_replaceable(paper, DOCUMENT, "document")  # a path through a folder that was just made leads elsewhere
    return paper.read_bytes().decode(errors="replace") if paper.exists() else ""


def _followed(items: Iterator[Any], known: AbstractSet[str], claims: int) -> Iterator[Any]:
    """The items, with progress and the time left: a live bar on a terminal, plain lines elsewhere."""
    page, began, done, todo, seen = Page(sys.stderr), time.monotonic(), 0, 0, set()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=page.console,
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        line = bar.add_task("mutants", total=None)
        for name, rows in items:
            before = sum(row.name in known for row in rows)
            if name not in seen:
                seen.add(name)
                todo += len(rows) - before
                told = f"{before} of {len(rows)} were examined before, with these sources" if before else "proved"
                page.line(f"{name} ({len(seen)} of {claims}): {len(rows)} mutants; {told}")
            else:
                done += 1
                left = (time.monotonic() - began) / done * (todo - done)
                if not sys.stderr.isatty() and done % EACH == 0:
                    page.line(f"mutants: {done} of {todo} so far, about {left:.0f} s left of these")
            bar.update(line, completed=done, total=todo, description=f"mutants of {escape(name)}")
            yield name, rows


def _print(page: Page, results: Sequence[Result]) -> None:
    head = ("claim", "rejected", "true as well", "open", "silent")
    rows = [(name, *map(str, counts_of(rows).values())) for name, rows in by_claim(results).items()]
    widths = (max(map(len, (head[0], *(row[0] for row in rows)))), *map(len, head[1:]))
    page.row(widths, *head)
    for name, *counts in rows:
        page.row(widths, name, *(f"{count:>{width}}" for count, width in zip(counts, widths[1:], strict=True)))
    for row in results:
        if row.result in ("open", "silent"):
            text = f"{row.result}: {row.name}: {row.why}"
            page.hanging(text if len(text) < 400 else text[:400] + " …", indent=4)
