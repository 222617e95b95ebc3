"""What the exam found: a JSON file that is also its memory, a line per claim, a table, and the list of open mutants."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verify.files import write_atomically

if TYPE_CHECKING:
    from verify.mutants.exam import Found, Mutant

FILE = "mutants.json"
SCHEMA = 1
HEADING = """# Mutants

Wrong versions of the stated results, made by `python -m verify mutants` (`make mutants`), which writes this file.
*Rejected*: a check fails, with a witness that replays. *True as well*: the claim's own proofs reach the changed
statement. *Open*: neither proved nor refuted. *Silent*: every check passes and no proof speaks of it."""
RESULTS = ("rejected", "true as well", "open", "silent")


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row: a mutant as plain text and what became of it."""

    claim: str
    constant: str
    kind: str
    change: str
    mutant: str
    result: str
    by: str
    why: str
    seconds: float

    @property
    def name(self) -> str:
        """As `Mutant.name`."""
        return f"{self.claim}: {self.constant}, {self.kind}: {self.change}"


def result_of(mutant: Mutant, found: Found) -> Result:
    """The row of a mutant."""
    value = " ".join(str(mutant.value).split()) if mutant.module else ""
    return Result(
        claim=mutant.claim, constant=mutant.constant, kind=mutant.kind, change=mutant.change, mutant=value,
        result=found.result, by=found.by, why=" ".join(found.why.split()), seconds=found.seconds,
    )  # fmt: skip


def write_results(folder: Path, fingerprint: str, results: Iterable[Result], intended: Mapping[str, int]) -> Path:
    """Write the file of results, with how many mutants each claim has; never a half-written one."""
    path, rows = folder / FILE, [asdict(row) for row in results]
    content = {"schema": SCHEMA, "fingerprint": fingerprint, "intended": intended, "mutants": rows}
    write_atomically(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def read_results(folder: Path, fingerprint: str) -> tuple[Result, ...]:
    """The results in a folder; none if there are none, if they cannot be read, or if they are of other sources."""
    return _read(folder, fingerprint)[0]


def read_intended(folder: Path, fingerprint: str) -> dict[str, int]:
    """How many mutants each claim has that was examined in a folder, wholly or in part; as `read_results`."""
    return _read(folder, fingerprint)[1]


def _read(folder: Path, fingerprint: str) -> tuple[tuple[Result, ...], dict[str, int]]:
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA or content["fingerprint"] != fingerprint:
            return (), {}
        intended = {str(name): int(number) for name, number in content["intended"].items()}
        return tuple(Result(**row) for row in content["mutants"]), intended
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return (), {}


def told_of(folder: Path, fingerprint: str, claim: str) -> str | None:
    """What a claim's report says of its exam, if all of its mutants were examined with these sources."""
    rows, intended = _read(folder, fingerprint)
    own = [row for row in rows if row.claim == claim]
    return sentence(counts_of(own)) if own and len(own) == intended.get(claim) else None


def counts_of(results: Iterable[Result]) -> dict[str, int]:
    """How many mutants met each end, and of how many."""
    counted = Counter(row.result for row in results)
    return {name: counted[name] for name in RESULTS}


def sentence(counts: Mapping[str, int]) -> str:
    """`mutants rejected 41/44, true as well 2, open 1`."""
    told = [f"mutants rejected {counts['rejected']}/{sum(counts.values())}"]
    told += [f"{name} {counts[name]}" for name in RESULTS[1:] if counts[name]]
    return ", ".join(told)


def by_claim(results: Sequence[Result]) -> dict[str, tuple[Result, ...]]:
    """The results of each claim."""
    names = dict.fromkeys(row.claim for row in results)
    return {name: tuple(row for row in results if row.claim == name) for name in names}


def document(results: Sequence[Result]) -> str:
    """The list of what the exam left open, as Markdown, with the figures of every claim."""
    counts = counts_of(results)
    settled = counts["rejected"] + counts["true as well"]
    share = 100 * settled / max(len(results), 1)
    lines = [
        HEADING, "",
        f"{len(results)} mutants: {sentence(counts)}; {share:.1f} % rejected or true as well.", "",
        "| claim | mutants | rejected | true as well | open | silent |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, rows in by_claim(results).items():
        figures = " | ".join(str(number) for number in counts_of(rows).values())
        lines.append(f"| {name} | {len(rows)} | {figures} |")
    unsettled = [row for row in results if row.result in ("open", "silent")]
    lines += ["", "## Open, and why", ""] + [_open(row) for row in unsettled]
    return "\n".join(lines if unsettled else [*lines, "None."]) + "\n"


def _open(row: Result) -> str:
    who = f" ({row.by})" if row.by else ""
    why = row.why if len(row.why) <= 300 else f"{row.why[:300]} …"
    return f"- `{row.claim}` {row.constant}, {row.kind}: `{row.change}`: {row.result}{who}: {why}"
