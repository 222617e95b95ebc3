"""What the exam found: a JSON file that is also its memory, and the sentence that a claim's report holds."""

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
