"""What a run was about and what it ran on, as names with values for the report's tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from verify.render import words
from verify.render.words import number

Json = dict[str, Any]

LONGEST_UNIT = 90  # characters of the command, which is there to be copied, before one is broken


def pair_rows(values: Json, missing: str = "none") -> list[tuple[str, str]]:
    """Names and values for a table; six digits are enough to recognise a number."""
    return [(name, missing if value is None else _value(value)) for name, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value) or "none"
    if isinstance(value, str):
        return words.sentence(value)
    return "none" if value is None else number(value, 6)


def provenance_rows(record: Json) -> list[tuple[str, str]]:
    """What the run ran on, in the order of a reader's questions; whatever else was recorded follows."""
    known, instance = dict(record["provenance"]), record["instance"]
    spent = [f"{_moment(known['time'])}", f"took {number(known.get('wall_seconds'))} s"]
    if known.get("peak_memory_mb") is not None:
        spent.append(f"peak memory {known['peak_memory_mb']} MB")
    device = [str(known[name]) for name in ("device", "dtype") if known.get(name)]
    if known.get("tf32") is not None:
        device.append(f"TF32 {'on' if known['tf32'] else 'off'}")
    rows = [
        ("time", ", ".join(spent)),
        ("code", _code(known)),
        ("data", ", sha256 ".join(_value(instance[name]) for name in ("source", "sha256") if name in instance)),
        *_without_effect(record.get("without_effect") or []),
        ("device", ", ".join([*device, str(known.get("platform"))])),
        *_resumed(known),
        *_foundations(known.get("foundations_passed") or {}),
        ("ground", words.ground(record["ground"])),
    ]
    shown = {"foundations_passed", "command", "time", "wall_seconds", "peak_memory_mb", "git_commit", "git_clean"}
    shown |= {"version", "code_sha256", "device", "dtype", "tf32", "platform", "resumed"}
    rest = {name: value for name, value in known.items() if name not in shown}
    return rows + [(name.replace("_", " "), _value(value)) for name, value in rest.items()]


def _code(known: Json) -> str:
    """Version, commit and hash of the sources, as far as they are known."""
    commit, version, digest = (known.get(name) for name in ("git_commit", "version", "code_sha256"))
    state = {"True": ", clean", "False": ", with other sources than the commit's"}.get(str(known.get("git_clean")), "")
    told = [f"version {version}"] if version else []
    told.append(f"git commit {commit}{state}" if commit else "no git commit")
    return ", ".join([*told, *([f"sources sha256 {digest}"] if digest else [])])


def _without_effect(names: list[str]) -> list[tuple[str, str]]:
    """The options that were given in vain."""
    return [("without effect", ", ".join(f"--{name.replace('_', '-')}" for name in names))] if names else []


def _resumed(known: Json) -> list[tuple[str, str]]:
    told = words.resumed(known)
    return [("resumed", told)] if told else []


def _foundations(passed: dict[str, str | None]) -> list[tuple[str, str]]:
    """When the statements that the claim rests on passed: in this run, or earlier with the same sources."""
    moments = dict.fromkeys(passed.values())
    told = [(time, ", ".join(name for name in passed if passed[name] == time)) for time in moments]
    lines = [f"{names}: {'not passed' if time is None else f'passed {_moment(time)}'}" for time, names in told]
    return [("foundations", "; ".join(lines))] if lines else []


def _moment(time: str) -> str:
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def unbreakable_units(command: str) -> list[str]:
    """A command in pieces between which a line may break: an option stays with its value."""
    return [words.breakable(unit, LONGEST_UNIT) for unit in re.split(r" (?=--)", command)]
