"""The record of a run in any case: what breaks when it is written down makes the verdict error, the rest is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from verify import record as records
from verify.claim import Claim
from verify.discovery import Entry
from verify.evidence import Evidence
from verify.runner import Outcome, trouble


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a subject said of itself when it was asked; nothing of what it could not say."""

    facts: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        return self.facts.get("describe", {})

    def quantities(self) -> dict[str, Any]:
        return self.facts.get("quantities", {})

    def provenance(self) -> dict[str, Any]:
        return self.facts.get("provenance", {})


SILENT = Told()


def unread(entry: Entry) -> Claim:
    """The claim as far as its file tells without being run: in place of one that cannot be loaded."""
    return Claim(
        statement=entry.statement or "",
        checks=(),
        controls={},
        assumptions=entry.assumptions,
        builds_on=entry.builds_on,
        cites=entry.cites,
    )


def record_in_any_case(
    entry: Entry, claim: Claim, outcome: Outcome, subject: Any, small: Any, *, quantities: bool = True, **details: Any
) -> dict[str, Any]:
    """As `make_record`, with the verdict error where something cannot be written down.

    Args:
        quantities: whether the subject is asked for them.
        details: what else `make_record` takes.
    """
    asked = ("describe", "provenance", *(["quantities"] if quantities else []))
    told, broken = _told(subject, asked)
    told_small, broken_small = _told(small, ("describe",))
    outcome = _marred(outcome, broken or broken_small)
    for keep in (_all, _recordable):
        try:
            record = records.make_record(entry, claim, keep(outcome), told, told_small, **details)
            records.as_json(record)
            return record
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            outcome = _marred(outcome, f"the record could not be made: {trouble(error)}")
    return records.make_record(entry, unread(entry), _recordable(outcome), told, told_small, **details)


def _told(subject: Any, asked: tuple[str, ...]) -> tuple[Told, str | None]:
    facts, broken = {}, None
    for name in asked:
        try:
            said = records.plain(getattr(subject, name)())
            if not isinstance(said, dict):
                raise TypeError(f"it gives a {type(said).__name__}, not a dict")
            records.as_json(said)
            facts[name] = said
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            broken = broken or f"what it is about cannot say its {name}: {trouble(error)}"
    return Told(facts=facts), broken


def _marred(outcome: Outcome, broken: str | None) -> Outcome:
    return outcome if broken is None else replace(outcome, broken=outcome.broken or broken)


def _all(outcome: Outcome) -> Outcome:
    return outcome


def _recordable(outcome: Outcome) -> Outcome:
    """The outcome without what cannot be written down, which is said where it was found."""
    return replace(outcome, evidence=tuple(map(_without_unrecordable, outcome.evidence)))


def _without_unrecordable(item: Evidence) -> Evidence:
    kept, error = [], item.error
    for finding in item.findings:
        try:
            records.as_json(records.plain(records.finding_record(finding)))
            kept.append(finding)
        except KeyboardInterrupt:
            raise
        except BaseException as exception:
            error = error or f"a finding cannot be written down: {trouble(exception)}"
    return replace(item, findings=tuple(kept), error=error)
