"""What a claim's proofs used against what the claim declares: `builds_on` and `cites` are no decoration."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from verify.claim import Claim, Identity
from verify.evidence import Evidence


def undeclared(claim: Claim, evidence: Iterable[Evidence]) -> Iterator[str]:
    """A sentence for every statement and source that a proof rests on and the claim does not name."""
    own = _own_name(claim)
    for item in evidence:
        found = [finding for finding in item.findings if isinstance(finding, Identity)]
        for name in dict.fromkeys(name for finding in found for name in finding.rests_on):
            if name not in claim.builds_on and name != own:
                yield f"{item.check} quotes {name}, which builds_on does not name"
        for source in dict.fromkeys(source for finding in found for source in finding.believes):
            if source not in claim.cites:
                yield f"{item.check} takes from the literature what cites does not name: {source}"


def _own_name(claim: Claim) -> str | None:
    """The id of the file that holds the claim, if one of its checks stands there too."""
    for name in dict.fromkeys(check.__module__ for check in claim.checks):
        if getattr(sys.modules.get(name), "CLAIM", None) is claim:
            return name.rpartition(".")[2]
    return None
