"""What the options of a run mean for one claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NO_INSTANCE = "for all dimensions; no instance"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What the options of a run mean for a claim: those that bear on it, those given in vain, and whether it looks at
    an instance at all."""

    heeded: tuple[str, ...]
    without_effect: tuple[str, ...] = ()
    instance: bool = True

    def seen(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """What the claim's checks looked at of the instance described."""
        if self.instance:
            kept = (*self.heeded, "source", "sha256")
            return {name: value for name, value in description.items() if name in kept}
        seed = {"seed": description["seed"]} if "seed" in self.heeded and "seed" in description else {}
        return {"source": NO_INSTANCE} | seed
