"""The errata: for each claim that fails its place, what is printed, what is true instead, and the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from verify.render.visible import visible
from verify.render.words import split_text

Json = Mapping[str, Any]

EACH = 3  # findings of a claim that are quoted; the record holds all
_SIGNS = re.compile(r"([\\`*_<>\[\]#|])")


def errata(record: Json) -> str:
    """The list as Markdown; nothing stands in it that is not in the audit's record."""
    return "\n".join([*_front(record), *(line for item in record["findings"] for line in _erratum(item))]) + "\n"


def _front(record: Json) -> Iterator[str]:
    ran = record["provenance"]
    yield "# Errata"
    yield ""
    yield _plain(record["audit"])
    yield ""
    code = f"version {ran['version']}, commit {ran['git_commit'] or 'unknown'}, sources {ran['code_sha256']}"
    yield f"Found by `{ran['command']}` ({code}) on {ran['time']}."
    if not record["findings"]:
        yield ""
        yield "No statement of the paper that is decided was found false."


def _erratum(item: Json) -> Iterator[str]:
    paragraphs = split_text(item["text"])[0]
    yield from ("", f"## {_plain(item['place'])}: {_plain(item['title'])}", "", "**As printed.**", "")
    for paragraph in paragraphs:
        yield from (_plain(paragraph), "")
    yield from _mathematics(item["statement"])
    yield from ("**Evidence.**", "")
    for finding in item["evidence"][:EACH]:
        witness = f" Witness: {_plain(finding['witness'])}." if finding["witness"] else ""
        yield f"- {_plain(finding['name'])} ({finding['grade']}): {_plain(finding['reading'])}.{witness}"
    if len(item["evidence"]) > EACH:
        yield f"- {len(item['evidence']) - EACH} more in the record."
    yield from ("", f"The record is `{item['record']}`; `python -m verify {item['claim']}` finds it again.", "")
    yield from ("**Corrected.**", "")
    if not item["corrected"]:
        yield "Nothing that was checked takes its place yet."
    for other in item["corrected"]:
        yield f"- {_plain(other['place'])}: {_plain(other['title'])} (`{other['claim']}`: {other['verdict']})"
        yield from ("", *("  " + line if line else "" for line in _mathematics(other["statement"])))


def _mathematics(statement: str) -> Iterator[str]:
    """A statement as its file spells it, in Typst mathematics."""
    yield from ("```typst", *visible(statement, "\n").replace("```", "` ` `").splitlines(), "```", "")


def _plain(text: str) -> str:
    """Text of others on one line, in which no sign is markup."""
    return _SIGNS.sub(r"\\\1", visible(" ".join(text.split())))
