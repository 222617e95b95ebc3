"""The trust base of a run: what must be right for its verdict to be right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify.claim import Argument, Grade, Identity
from verify.evidence import Evidence

BEHIND = {
    Grade.SYMBOLIC: "the provers of verify.prove, sympy's expressions and Python's integers",
    Grade.CERTIFIED: "ball arithmetic of python-flint (Arb), and that each ball encloses what its name says",
    Grade.STATISTICAL: "the random numbers of numpy, the quantiles of scipy, and samples that are independent",
    Grade.NUMERIC: "floating point of numpy and torch, and the tolerances derived for it",
    Grade.ARGUED: "steps in prose, checked by no machine",
}


def trust_base(
    evidence: Iterable[Evidence],
    cites: Iterable[str],
    foundations: Iterable[str],
    resumed: Mapping[str, Any] | None = None,
) -> list[str]:
    """One line for each thing that the verdict rests on and that the run does not check, strongest grade first."""
    known = tuple(evidence)
    lines = []
    for grade in Grade:
        checks = [item.check for item in known if item.grade is grade]
        if checks:
            lines.append(f"{BEHIND[grade]}: {', '.join(checks)}")
    identities = [finding for item in known for finding in item.findings if isinstance(finding, Identity)]
    supposed = dict.fromkeys(text for identity in identities for text in identity.hypotheses)
    lines += [f"hypothesis of a proof: {text}" for text in supposed]
    sources = [finding.source for item in known for finding in item.findings if isinstance(finding, Argument)]
    believed = dict.fromkeys([*cites, *(source for source in sources if source)])
    lines += [f"believed, from the literature: {source}" for source in believed]
    below = list(foundations)
    if below:
        lines.append(f"the statements it rests on, of each its proof only; run them for the rest: {', '.join(below)}")
    if resumed is not None:
        step, digest = resumed["iteration"], resumed["sha256"]
        lines.append(f"what this run did not see: training up to step {step}, from the checkpoint with sha256 {digest}")
    return lines
