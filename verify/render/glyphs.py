"""What the report's fonts can show: characters that none of them has are shown as escapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import typst

from verify.render.visible import escaped, visible

_SURE = re.compile(r"[\n\x20-\x7e\xa0-\xff\u0391-\u03c9\u200c\u200d]*")  # every text font has these
_PROBE = b'#set document(title: "probe")\n#sys.inputs.text'


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with every text such that the report can show it; its statement, which is mathematics, as it is.

    The text of the statement alone keeps its line ends: they part its paragraphs.
    """
    return {
        _printable(name): value if name == "statement" else _shown(value, "\n" if name == "text" else "")
        for name, value in record.items()
    }


def _shown(value: Any, keep: str) -> Any:
    if isinstance(value, Mapping):
        return {_printable(str(name)): _shown(item, keep) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(item, keep) for item in value]
    return _printable(value, keep) if isinstance(value, str) else value


def _printable(text: str, keep: str = "") -> str:
    text = visible(text, keep)
    if _SURE.fullmatch(text):
        return text
    return "".join(char if _SURE.fullmatch(char) or _has(char) else escaped(char) for char in text)


@cache
def _has(char: str) -> bool:
    """Whether some font of the report has the character; the archival standard refuses what none can show."""
    try:
        typst.compile(_PROBE, sys_inputs={"text": char}, ignore_system_fonts=True, timestamp=0, pdf_standards="a-3a")
    except typst.TypstError:
        return False
    return True
