"""The report's content: every word, number and picture that the template shows, from the record alone.

Text comes as pieces (see `words.rich`), pictures as SVG; `report.typ` lays them out.
"""

from __future__ import annotations

import re
from typing import Any

from verify.render import words
from verify.render.graph import foundation_graph
from verify.render.origin import pair_rows, provenance_rows, unbreakable_units
from verify.render.plots import Picture, has_picture, interval_strip, picture
from verify.render.visible import unicode_only
from verify.render.words import number, rich

Json = dict[str, Any]

PICTURES_PER_CHECK = 8  # of a check with more, those that do not pass come first
CONCERNS_IN_FRONT = 8  # on the first page; all of them are in the tables
LONGEST_CONCERN, LONGEST_READING = 240, 300  # characters before the table of all findings
AS_IT_IS = {"svg", "graph", "statement", "command", "alt", "claim", "strips"}


def view_of(record: Json) -> Json:
    """Everything that the template shows, as text, pieces of text (see `words.rich`) and SVG."""
    paragraphs, wrong = words.split_text(record["text"])
    numbers = {item["check"]: place for place, item in enumerate(record["evidence"], start=1)}
    view = {
        "claim": record["claim"],
        "run": record["provenance"].get("run"),
        "place": words.sentence(record["place"]),
        "title": rich(_capitalised(record["title"])),
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
        "instance": pair_rows(record["instance"]),
        "quantities": pair_rows(record["quantities"], missing="not a number"),
        "provenance": provenance_rows(record),
        "command": unbreakable_units(record["provenance"]["command"]),
        "grades": words.GRADES,
        "verdicts": words.VERDICT_LEGEND,
    }
    return {name: wrappable(item, name) for name, item in view.items()}


def _capitalised(title: str) -> str:
    """With a capital where the title begins with a word; a letter of the paper, as in mτ, stays what it is."""
    return title[:1].upper() + title[1:] if re.match(r"[a-z]+\b", title) else title


def wrappable(item: Any, name: str = "") -> Any:
    """A part of the view with words that the narrowest column holds; pictures, mathematics and the command as it is."""
    if isinstance(item, dict):
        return {name: wrappable(part, name) for name, part in item.items()}
    if isinstance(item, (list, tuple)):
        return [wrappable(part, name) for part in item]
    return words.breakable(item) if isinstance(item, str) and name not in AS_IT_IS else item


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
    worst = words.worst_name([finding["verdict"] for finding in findings]) if findings else None
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
        "error": ended,
        "ended": "error" if item["error"] else "undecided",
        "summary": ended and words.clipped(ended, LONGEST_READING),
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
        "instance": [pair for pair in pair_rows(record["control_instance"]) if pair[0] != "sha256"],
    }


def _derivation(finding: Json) -> Json:
    return {
        "name": rich(finding["name"]),
        "verdict": finding["verdict"],
        "status": finding.get("status", "argued"),
        "steps": [(rich(step["expression"]), rich(step["rule"])) for step in finding["derivation"]],
        "notes": [(label, rich(text)) for label, text in _sources(finding)],
        "witness": finding.get("witness"),
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
        strips = [(wrappable(rich(f["name"])), interval_strip(f).svg, _interval(f["interval"])) for f in estimates]
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
