"""Findings that hold for all dimensions: identities that were rewritten exactly, and steps argued in prose."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from verify.exact import FindingError
from verify.verdict import Grade, Verdict

PROVERS = Path(__file__).parent / "prove"  # only code of this package can make an identity that counts as proved


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
    `rests_on` the statements whose lemmas it quotes; `conclusion` is the chain with all that it was tried on, for
    who asks what else follows.

    An identity that no prover of `verify.prove` made, or that was changed afterwards, is not proved, whatever its
    residual says.
    """

    name: str
    residual: str
    derivation: tuple[Step, ...] = ()
    witness: str | None = None
    hypotheses: tuple[str, ...] = ()
    believes: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    conclusion: Any = field(default=None, repr=False, compare=False)
    by_prover: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise FindingError(f"a finding is called {self.name!r}; give it a name")
        object.__setattr__(self, "by_prover", _called_from_prover())

    @property
    def status(self) -> Literal["proved", "refuted", "unknown"]:
        if self.witness is not None:
            return "refuted"
        return "proved" if self.residual == "0" and self.by_prover else "unknown"

    @property
    def grade(self) -> Grade:
        """Symbolic; but what merely says that it is proved is an argument."""
        return Grade.ARGUED if self.residual == "0" and not self.by_prover else Grade.SYMBOLIC

    @property
    def verdict(self) -> Verdict:
        return {"proved": Verdict.PASS, "refuted": Verdict.FAIL, "unknown": Verdict.UNDECIDED}[self.status]

    @property
    def reading(self) -> str:
        if self.status == "proved":
            return "proved for all dimensions"
        if self.status == "refuted":
            return f"refuted: {self.witness}"
        if not self.by_prover and self.residual == "0":
            return "not proved: no prover made this identity"
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


def _called_from_prover() -> bool:
    """Whether the code that makes the identity, directly or by `dataclasses.replace`, belongs to `verify.prove`."""
    frame = sys._getframe(3)  # this function, __post_init__, __init__, and who called that
    while frame.f_code.co_filename == dataclasses.__file__ and frame.f_back is not None:
        frame = frame.f_back
    return PROVERS in Path(frame.f_code.co_filename).parents
