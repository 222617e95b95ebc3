"""The report's content: every word, number and picture that the template shows, from the record alone.

Text comes as pieces (see `words.rich`), pictures as SVG; `report.typ` lays them out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from verify.render import words
from verify.render.graph import foundation_graph
from verify.render.plots import Picture, has_picture, interval_strip, picture
from verify.render.visible import unicode_only
from verify.render.words import number, rich

Json = dict[str, Any]

PICTURES_PER_CHECK = 8  # of a check with more, those that do not pass come first
CONCERNS_IN_FRONT = 8  # on the first page; all of them are in the tables
LONGEST_CONCERN, LONGEST_READING = 240, 300  # characters before the table of all findings
LONGEST_UNIT = 90  # characters of the command, which is there to be copied, before one is broken


def view_of(record: Json) -> Json:
    """Everything that the template shows, as text, pieces of text (see `words.rich`) and SVG."""
    paragraphs, wrong = words.split_text(record["text"])
    numbers = {item["check"]: place for place, item in enumerate(record["evidence"], start=1)}
    return {
        "claim": record["claim"],
        "run": record["provenance"].get("run"),
        "place": words.breakable(words.sentence(record["place"])),
        "title": rich(record["title"][:1].upper() + record["title"][1:]),
        "mark": record["mark"],
        "marks": [(letter, text) for letter, text in words.MARKS if re.search(rf"\b{letter}\b", record["mark"])],
        "verdict": record["verdict"],
        "meaning": words.MEANING[record["verdict"]],
        "concerns": _concerns(record),
        "facts": _facts(record),
        "statement": unicode_only(record["statement"]),
        "paragraphs": [rich(paragraph) for paragraph in paragraphs],
        "wrong": wrong and rich(wrong),
        "restriction": record["grade"],
        "graph": foundation_graph(record) if record["foundations"] else None,
        "cites": [rich(source) for source in record["cites"]],
        "trust": [rich(line) for line in record["trust"]],
        "checks": [_check(item, numbers) for item in record["evidence"]],
        "assumptions": [_assumption(finding) for finding in _assumptions(record)],
        "controls": _controls(record, numbers),
        "figures": _figures(record),
        "derivations": [
            _derivation(finding) for kind in ("identity", "argument") for finding in _findings(record, kind)
        ],
        "instance": _pairs(record["instance"]),
        "quantities": _pairs(record["quantities"], missing="not a number"),
        "provenance": _provenance(record),
        "command": _unbreakable_units(record["provenance"]["command"]),
        "grades": words.GRADES,
        "verdicts": words.VERDICT_LEGEND,
    }


def _findings(record: Json, kind: str) -> list[Json]:
    return [finding for item in record["evidence"] for finding in item["findings"] if finding["kind"] == kind]


def _assumptions(record: Json) -> list[Json]:
    """The hypotheses, each once, though several checks may look at it."""
    findings = _findings(record, "assumption")
    return [finding for place, finding in enumerate(findings) if finding not in findings[:place]]


def _concerns(record: Json) -> list[words.Rich]:
    """What keeps the verdict from being a pass, worst first."""
    texts = [reason["text"] for reason in record["reasons"]]
    shown = [rich(words.clipped(text, LONGEST_CONCERN)) for text in texts[:CONCERNS_IN_FRONT]]
    if len(texts) > len(shown):
        shown.append(rich(f"{len(texts) - len(shown)} more are in the table of all findings."))
    return shown


def _facts(record: Json) -> list[tuple[str, str]]:
    """The run in four short phrases."""
    checks = [item["verdict"] for item in record["evidence"]]
    controls = [control["verdict"] for control in record["controls"]]
    assumptions = [finding["verdict"] for finding in _assumptions(record)]
    held = f"{assumptions.count('pass')}/{len(assumptions)}"
    grades = [item["grade"] for item in record["evidence"]]
    return [
        ("checks passed", f"{checks.count('pass')}/{len(checks)}"),
        ("controls rejected", f"{controls.count('rejected')}/{len(controls)}"),
        ("assumptions hold", held) if assumptions else ("assumptions", "none checked"),
        ("grades", ", ".join(f"{grades.count(name)} {name}" for name, _ in words.GRADES if name in grades) or "none"),
    ]


def _check(item: Json, numbers: dict[str, int]) -> Json:
    findings = [
        {
            "name": rich(finding["name"]),
            "kind": finding["kind"],
            "verdict": finding["verdict"],
            "reading": rich(finding["reading"]),
        }
        for finding in item["findings"]
    ]
    worst = words.worst([finding["verdict"] for finding in findings]) if findings else None
    weakest = [place for place, finding in enumerate(findings) if finding["verdict"] == worst]
    place = next((p for p in weakest if findings[p]["kind"] != "assumption"), weakest[0] if weakest else None)
    reading = "" if place is None else words.clipped(item["findings"][place]["reading"], LONGEST_READING)
    ended = item["error"] or item.get("halted")  # records from before numbers could halt a check lack the latter
    return {
        "number": numbers[item["check"]],
        "sentence": rich(item["sentence"]),
        "grade": item["grade"],
        "verdict": item["verdict"],
        "seconds": number(item["seconds"], 2) if item["seconds"] else "< 0.001",
        "error": ended and words.breakable(ended),
        "ended": "error" if item["error"] else "undecided",
        "summary": ended and words.breakable(words.clipped(ended, LONGEST_READING)),
        "worst": None if place is None else {"name": findings[place]["name"], "reading": rich(reading)},
        "findings": findings,
    }


def _assumption(finding: Json) -> Json:
    return {
        "name": rich(finding["name"]),
        "verdict": finding["verdict"],
        "holds": _holds(finding),
        "margin": number(finding["margin"]),
        "meaning": rich(finding["meaning"]),
    }


def _holds(finding: Json) -> str:
    margin, rounding = finding["margin"], finding["rounding"] or 0.0
    if margin is None or finding["verdict"] == "pass":
        return "not a number" if margin is None else "holds"
    return "does not hold" if margin <= -rounding else "within rounding"


def _controls(record: Json, numbers: dict[str, int]) -> Json:
    rows = [
        {
            "sentence": rich(control["sentence"]),
            "verdict": control["verdict"],
            "caught": [str(numbers.get(check, check)) for check in control["caught_by"]],
        }
        for control in record["controls"]
    ]
    return {
        "rows": rows,
        "rejected": sum(row["verdict"] == "rejected" for row in rows),
        "baseline": record["control_baseline"],
        "mutants": record.get("mutants"),
        "instance": [pair for pair in _pairs(record["control_instance"]) if pair[0] != "sha256"],
    }


def _derivation(finding: Json) -> Json:
    return {
        "name": rich(finding["name"]),
        "verdict": finding["verdict"],
        "status": finding.get("status", "argued"),
        "steps": [(rich(step["expression"]), rich(step["rule"])) for step in finding["derivation"]],
        "notes": [(label, rich(text)) for label, text in _sources(finding)],
        "witness": finding.get("witness") and words.breakable(finding["witness"]),
    }


def _sources(finding: Json) -> list[tuple[str, str]]:
    """What a proof or an argument supposes, believes and quotes."""
    labels = {"hypotheses": "supposes", "believes": "believes", "rests_on": "quotes"}
    found = [(label, text) for key, label in labels.items() for text in finding.get(key, ())]
    return [*found, *([("believes", finding["source"])] if finding.get("source") else [])]


def _figures(record: Json) -> list[list[Json]]:
    """The pictures in rows of one or two: of each check first the narrow ones, then the wide ones."""
    figures = [figure for item in record["evidence"] for figure in _figures_of(item)]
    rows: list[list[Json]] = []
    for place, figure in enumerate(figures, start=1):
        figure["number"] = place
        if rows and not figure["wide"] and len(rows[-1]) == 1 and not rows[-1][0]["wide"]:
            rows[-1].append(figure)
        else:
            rows.append([figure])
    return rows


def _figures_of(item: Json) -> list[Json]:
    """The captioned pictures of one check; its estimates share one chart."""
    candidates = sorted(filter(has_picture, item["findings"]), key=lambda finding: finding["verdict"] == "pass")
    drawn = [(finding, picture(finding)) for finding in candidates[:PICTURES_PER_CHECK]]
    figures = [_figure(item, *pair) for pair in sorted(drawn, key=lambda pair: pair[1].wide)]
    if len(candidates) > len(drawn):
        figures[-1]["notes"] += f" {len(drawn)} of this check's {len(candidates)} pictures are shown."
    estimates = [finding for finding in item["findings"] if finding["kind"] == "estimate"]
    if estimates:
        strips = [(rich(f["name"]), interval_strip(f).svg, _interval(f["interval"])) for f in estimates]
        figures.append({"wide": True, "strips": strips, "sentence": rich(item["sentence"])})
    return figures


def _interval(ends: list[float | None]) -> str:
    """The ends of a confidence interval; null stands for an infinite one."""
    low, high = ends
    return f"{'−∞' if low is None else number(low, 4)} to {'∞' if high is None else number(high, 4)}"


def _figure(item: Json, finding: Json, drawing: Picture) -> Json:
    return {
        "wide": drawing.wide,
        "svg": drawing.svg,
        "x_label": rich(drawing.x_label),
        "y_label": rich(drawing.y_label),
        "sentence": rich(item["sentence"]),
        "name": rich(finding["name"]),
        "reading": rich(finding["reading"]),
        "notes": " ".join(drawing.notes),
        "alt": f"{item['sentence']} {finding['name']}: {finding['reading']}",
    }


def _pairs(values: Json, missing: str = "none") -> list[tuple[str, str]]:
    """Names and values for a table; six digits are enough to recognise a number."""
    return [(name, missing if value is None else _value(value)) for name, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value) or "none"
    if isinstance(value, str):
        return words.breakable(words.sentence(value))
    return "none" if value is None else number(value, 6)


def _provenance(record: Json) -> list[tuple[str, str]]:
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


def _resumed(provenance: Json) -> list[tuple[str, str]]:
    told = words.resumed(provenance)
    return [("resumed", told)] if told else []


def _foundations(passed: dict[str, str | None]) -> list[tuple[str, str]]:
    """When the statements that the claim rests on passed: in this run, or earlier with the same sources."""
    moments = dict.fromkeys(passed.values())
    told = [(time, ", ".join(name for name in passed if passed[name] == time)) for time in moments]
    lines = [f"{names}: {'not passed' if time is None else f'passed {_moment(time)}'}" for time, names in told]
    return [("foundations", "; ".join(lines))] if lines else []


def _moment(time: str) -> str:
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _unbreakable_units(command: str) -> list[str]:
    """A command in pieces between which a line may break: an option stays with its value."""
    return [words.breakable(unit, LONGEST_UNIT) for unit in re.split(r" (?=--)", command)]
