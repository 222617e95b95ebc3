"""The frozen statements: python -m tests.theorems.freeze records the fingerprint of every claim.

A theorem must not drift silently. When a statement is changed on purpose, run this and commit the
changed fingerprint together with the reason.
"""

import json
from pathlib import Path

from verify.claim import Claim
from verify.discovery import entries, load
from verify.record import statement_hash

FROZEN = Path(__file__).with_name("statements.json")


def fingerprints() -> dict[str, str]:
    """The present fingerprint of every claim."""
    found = {}
    for entry in entries("theorems"):
        claim = load("theorems", entry.id)
        assert isinstance(claim, Claim)
        found[entry.id] = statement_hash(entry, claim)
    return found


if __name__ == "__main__":
    FROZEN.write_text(json.dumps(fingerprints(), indent=2) + "\n", encoding="utf-8")
