"""One wrong version of what a claim states or supposes, how it is put in place, and what may become of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from verify.claim import Defect, Identity
from verify.mutants.afresh import forget
from verify.mutants.quoted import falsify
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.weaker import Weaker, weaker

Result = Literal["rejected", "true as well", "open", "silent"]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A wrong version: a module's constant or a lemma replaced, or a defect of the subject; never the original."""

    claim: str
    constant: str
    kind: str
    change: str
    module: str = ""
    value: Any = field(default=None, repr=False)
    defect: Defect | None = field(default=None, repr=False)
    lemma: Lemma | None = field(default=None, repr=False)
    concluded: tuple[tuple[str, Identity], ...] = field(default=(), repr=False)  # with their checks; less is supposed

    def less_of(self, found: Identity) -> Weaker:
        """What is supposed no more of a conclusion of its own."""
        return next(less for less in weaker(found.conclusion) if less.text == self.change)

    @property
    def name(self) -> str:
        """What tells it from all other mutants."""
        return f"{self.claim}: {self.constant}, {self.kind}: {self.change}"

    @property
    def quoted(self) -> bool:
        """Whether it falsifies what the claim builds on, not the claim itself."""
        return self.kind.startswith("quoted")

    def plant(self, about: Callable[[Any], Any], prepare: Callable[[], Any], experiment: Any) -> Any:
        """Put it in place, and forget what depends on what stood there; returns what the claim is about then.

        `prepare` makes the experiment again, where that depends on it too.
        """
        if self.defect is not None:
            return self.defect.planted_in(about, experiment)
        again = forget(self.module.rpartition(".")[0], self.module, lemma=self.lemma is not None)
        if self.lemma is not None:
            falsify(self.lemma, self.change)
        else:
            setattr(sys.modules[self.module], self.constant, self.value)
        return about(prepare() if again else experiment)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of a mutant, by which check, and the witness or the reason."""

    result: Result
    by: str
    why: str
    seconds: float = 0.0
