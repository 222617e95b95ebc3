"""What the exam found: a JSON file that is also its memory, and the sentence that a claim's report holds."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verify.files import MUTANTS, folder_held, load_json, write_atomically
from verify.render.visible import visible

if TYPE_CHECKING:
    from verify.mutants.mutant import Found, Mutant

FILE = "mutants.json"
SCHEMA = 1
LONGEST = 1e9  # seconds; nobody waits for one mutant as long
RESULTS = ("rejected", "true as well", "open", "silent")


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row: a mutant as plain text and what became of it.

    Raises:
        TypeError, ValueError: a field is no text, no time or no result, as in a file that somebody else has written.
    """

    claim: str
    constant: str
    kind: str
    change: str
    mutant: str
    result: str
    by: str
    why: str
    seconds: float

    def __post_init__(self) -> None:
        texts = (self.claim, self.constant, self.kind, self.change, self.mutant, self.by, self.why, self.result)
        if not all(isinstance(text, str) for text in texts) or type(self.seconds) not in (int, float):
            raise TypeError(f"{self!r:.200} is no row of an exam: texts and a time")
        if self.result not in RESULTS or not 0 <= self.seconds <= LONGEST:
            raise ValueError(f"result = {self.result!r:.200} must be one of {', '.join(RESULTS)}, seconds a time")

    @property
    def name(self) -> str:
        """As `Mutant.name`."""
        return f"{self.claim}: {self.constant}, {self.kind}: {self.change}"


def result_of(mutant: Mutant, found: Found) -> Result:
    """The row of a mutant."""
    value = " ".join(str(mutant.value).split()) if mutant.module else ""
    return Result(
        claim=mutant.claim,
        constant=mutant.constant,
        kind=mutant.kind,
        change=mutant.change,
        mutant=value,
        result=found.result,
        by=found.by,
        why=" ".join(found.why.split()),
        seconds=found.seconds,
    )


def write_results(folder: Path, fingerprint: str, results: Iterable[Result], intended: Mapping[str, int]) -> Path:
    """Write the file of results, with how many mutants each claim has; never a half-written one.

    What another exam of the same sources has written there meanwhile is kept.
    """
    path = folder / FILE
    with folder_held(folder):
        before, known = read_results(folder, fingerprint)
        rows = {row.name: asdict(row) for row in (*before, *results)}
        content = {"schema": SCHEMA, "fingerprint": fingerprint, "intended": known | dict(intended)}
        text = json.dumps(content | {"mutants": list(rows.values())}, indent=1, ensure_ascii=False)
        write_atomically(path, (text + "\n").encode("utf-8", "backslashreplace"))
    return path


def read_results(folder: Path, fingerprint: str) -> tuple[tuple[Result, ...], dict[str, int]]:
    """The results in a folder, and how many mutants each claim has that was examined, wholly or in part.

    None if there are none, or if they are of other sources; a file that is not our own is ignored with one line.
    """
    path = folder / FILE
    try:
        content = load_json(path)
        if content["schema"] != SCHEMA or content["fingerprint"] != fingerprint:
            return (), {}
        rows = tuple(Result(**row) for row in content["mutants"])
        intended = dict(content["intended"])
        if any(type(name) is not str or type(number) is not int for name, number in intended.items()):
            raise TypeError(f"intended of {path} must be numbers by name")
        return rows, intended
    except FileNotFoundError:
        return (), {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        print(f"verify: {visible(str(path))} is no {MUTANTS.name} that can be read, and is ignored", file=sys.stderr)
        return (), {}


def told_of(folder: Path, fingerprint: str, claim: str) -> str | None:
    """What a claim's report says of its exam, if all of its mutants were examined with these sources."""
    rows, intended = read_results(folder, fingerprint)
    own = [row for row in rows if row.claim == claim]
    return figures(counts_of(own)) if own and len(own) == intended.get(claim) else None


def counts_of(results: Iterable[Result]) -> dict[str, int]:
    """How many mutants met each end, and of how many."""
    counted = Counter(row.result for row in results)
    return {name: counted[name] for name in RESULTS}


def figures(counts: Mapping[str, int]) -> str:
    """`mutants rejected 41/44, true as well 2, open 1`."""
    told = [f"mutants rejected {counts['rejected']}/{sum(counts.values())}"]
    told += [f"{name} {counts[name]}" for name in RESULTS[1:] if counts[name]]
    return ", ".join(told)


def by_claim(results: Sequence[Result]) -> dict[str, tuple[Result, ...]]:
    """The results of each claim."""
    names = dict.fromkeys(row.claim for row in results)
    return {name: tuple(row for row in results if row.claim == name) for name in names}
