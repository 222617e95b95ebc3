"""Findings that hold for all dimensions: identities that were rewritten exactly, and steps argued in prose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from verify.exact import FindingError
from verify.verdict import Grade, Verdict


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of a derivation: the expression reached and the rule that leads to it."""

    expression: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An equation reduced to `residual = 0` by exact rules.

    `residual` is the normal form of left minus right: "0" is a proof. `witness` is an exact
    numerical instance at which the two sides differ: a refutation. Neither: unknown. Where a chain of inequalities
    proves it, `hypotheses` are what it supposes, `believes` the sources of what it takes from the literature, and
    `rests_on` the statements whose lemmas it quotes.
    """

    name: str
    residual: str
    derivation: tuple[Step, ...] = ()
    witness: str | None = None
    hypotheses: tuple[str, ...] = ()
    believes: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["proved", "refuted", "unknown"]:
        if self.witness is not None:
            return "refuted"
        return "proved" if self.residual == "0" else "unknown"

    @property
    def verdict(self) -> Verdict:
        return {"proved": Verdict.PASS, "refuted": Verdict.FAIL, "unknown": Verdict.UNDECIDED}[self.status]

    @property
    def reading(self) -> str:
        if self.status == "proved":
            return "proved for all dimensions"
        if self.status == "refuted":
            return f"refuted: {self.witness}"
        return f"not proved; what remains: {self.residual}"


@dataclass(frozen=True, kw_only=True)
class Argument:
    """A step that is argued in prose, line by line: nothing here was checked by a machine.

    `source` is the theorem of the literature that it rests on, with its number; empty if it rests on none.
    """

    name: str
    steps: tuple[Step, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise FindingError(f"a finding is called {self.name!r}; give it a name")
        if not self.steps:
            raise FindingError(f"{self.name}: a step in prose needs at least one line")

    @property
    def verdict(self) -> Verdict:
        return Verdict.PASS

    @property
    def grade(self) -> Grade:
        return Grade.ARGUED

    @property
    def reading(self) -> str:
        return "argued in prose, checked by no machine" + (f"; it rests on {self.source}" if self.source else "")
