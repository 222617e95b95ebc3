"""The exam as a document: a row for each claim, with the sources it was measured with, and what is open and why.

It can be written in pieces: the rows of claims that were not examined now are kept as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from verify.mutants.report import RESULTS, Result, by_claim, counts_of, figures

HEADING = """# Mutants

Wrong versions of the stated results, made by `python -m verify mutants` (`make mutants`), which writes this file.
*Rejected*: a check fails, with a witness that replays; of a lemma that is quoted, the proof is lost. *True as well*:
the claim's own proofs reach the changed statement. *Open*: neither proved nor refuted. *Silent*: every check passes
and no proof speaks of it. *Sources*: what a row was measured with; `python -m verify mutants CLAIM --document
docs/mutants.md` measures one claim again. Constants, signs and the powers of scalars are changed as far as the claim's
own calculus can say it: powers by 1/2, those of matrices by 1."""
COLUMNS = ("claim", "mutants", *RESULTS, "sources")
UNEXAMINED = "not examined: the claim does not name it, so nothing is known of its mutants"
SHORT = 12  # digits of the fingerprint of the sources


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """One claim: how many mutants met each end, the lines that say what is open, and the sources."""

    claim: str
    counts: tuple[int, ...]
    notes: tuple[str, ...]
    sources: str


def document_rows(
    results: Sequence[Result], sources: str, left_out: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> tuple[DocumentRow, ...]:
    """The rows of the claims that were examined; `left_out` are the stated constants of each that were not."""
    return tuple(
        DocumentRow(
            claim=name,
            counts=tuple(counts_of(rows).values()),
            sources=sources[:SHORT],
            notes=(
                *(_open(row) for row in rows if row.result in ("open", "silent")),
                *(f"- `{name}` {constant}: {UNEXAMINED}" for constant in left_out.get(name, ())),
            ),
        )
        for name, rows in by_claim(results).items()
    )


def kept_rows(text: str) -> tuple[DocumentRow, ...]:
    """The rows that a document holds; those of another form are left out."""
    lines = text.splitlines()
    found = (
        re.fullmatch(r"\| (\w+) \| \d{1,9} " + r"\| (\d{1,9}) " * len(RESULTS) + r"\| ([0-9a-f]+)\*? \|", x)
        for x in lines
    )
    return tuple(
        DocumentRow(
            claim=row[1],
            counts=tuple(map(int, row.groups()[1:-1])),
            sources=row[row.lastindex or 0],
            notes=tuple(line for line in lines if line.startswith(f"- `{row[1]}` ")),
        )
        for row in found
        if row is not None
    )


def document(rows: Iterable[DocumentRow], sources: str) -> str:
    """The figures of every claim and the list of what the exam left open, as Markdown; of two rows the later counts."""
    known = sorted({row.claim: row for row in rows}.values(), key=lambda row: row.claim)
    counts = dict(zip(RESULTS, map(sum, zip(*(row.counts for row in known), strict=True)), strict=True))
    whole = sum(counts.values())
    share = 100 * (counts["rejected"] + counts["true as well"]) / max(whole, 1)
    lines = [
        HEADING,
        "",
        f"{whole} mutants: {figures(counts)}; {share:.1f} % rejected or true as well.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for row in known:
        mark = "" if row.sources == sources[:SHORT] else "*"
        lines.append(f"| {' | '.join(map(str, (row.claim, sum(row.counts), *row.counts, row.sources + mark)))} |")
    if any(row.sources != sources[:SHORT] for row in known):
        lines += ["", "\\* measured with other sources than the last row written."]
    notes = [note for row in known for note in row.notes]
    unexamined = [note for note in notes if note.endswith(UNEXAMINED)]
    lines += ["", "## Open, and why", "", *([note for note in notes if note not in unexamined] or ["None."])]
    return "\n".join([*lines, "", "## Stated and not examined", "", *(unexamined or ["None."])]) + "\n"


def _open(row: Result) -> str:
    who = f" ({row.by})" if row.by else ""
    why = row.why if len(row.why) <= 300 else f"{row.why[:300]} …"
    return f"- `{row.claim}` {row.constant}, {row.kind}: `{row.change}`: {row.result}{who}: {why}"
