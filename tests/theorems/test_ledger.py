"""The ledger lists every statement of the paper, and every claim about the paper is in it."""

import re
from pathlib import Path

import pytest

from theorems.setting.ledger import LEDGER
from verify.discovery import entries

STATEMENTS = Path(__file__).parents[3] / "shared" / "paper.md"
SECTIONS = ("Setup", "Assumptions", "Statements", "Experiments and tables")


def stated() -> list[str]:
    """The ids in the tables of the paper's statements; of the setup only what is marked as a claim."""
    found = []
    for section in re.split(r"^## ", STATEMENTS.read_text(encoding="utf-8"), flags=re.MULTILINE):
        title = section.partition("\n")[0].strip()
        for name, text in re.findall(r"^\| (\w+) \[[^\]]*\] \| (.*) \|$", section, re.MULTILINE):
            if title in SECTIONS and (title != "Setup" or "**Claim:**" in text):
                found.append(name)
    return found


def test_no_statement_of_the_paper_is_missing() -> None:
    if not STATEMENTS.is_file():
        pytest.skip(f"the list of the paper's statements is not beside this checkout: {STATEMENTS}")
    wanted = stated()
    assert len(wanted) > 30
    assert {row.id for row in LEDGER} == set(wanted)


def test_every_claim_is_in_the_ledger_or_beyond_the_paper() -> None:
    known = {entry.id: entry for entry in entries("theorems")}
    counted = {claim for row in LEDGER for claim in row.claims}
    listed = counted | {claim for row in LEDGER for claim in row.beside}
    assert listed <= set(known)
    assert [name for name, entry in known.items() if name not in listed and entry.mark != "B"] == []
    assert [name for name in counted if known[name].mark == "B"] == [], "what is beyond the paper decides nothing of it"
