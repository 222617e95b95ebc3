"""Text of others made visible: nothing in a title, a file's name or a message is taken for an instruction.

A control character could move the cursor of a terminal, a bidirectional override could turn the order of a name
around, and the bytes of a file name may be no text at all: each is shown as an escape, `\\x1b`, `\\u202e`, `\\xff`.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # part of how some scripts and pictures are written
_PLAIN = re.compile(r"[\x20-\x7e]*")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def visible(text: str, keep: str = "") -> str:
    """The text with an escape in place of each character that hides, but for joiners and those of `keep`."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(char if char in keep or not _hidden(char) else escaped(char) for char in text)


def unicode_only(text: str) -> str:
    """The text with an escape in place of each byte that is no text, which JSON and typesetting cannot take."""
    return _SURROGATES.sub(lambda match: escaped(match[0]), text)


def all_unicode(value: Any) -> Any:
    """Plain JSON values with every text as by `unicode_only`."""
    if isinstance(value, Mapping):
        return {unicode_only(str(key)): all_unicode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [all_unicode(item) for item in value]
    return unicode_only(value) if isinstance(value, str) else value


def shell_line(words: Sequence[str]) -> str:
    """The words as a command that shows everything in it and that a shell reads back."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if visible(word) == word:
        return shlex.quote(word)
    parts = (char if visible(char) == char else _bytes(char) for char in word.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{''.join(parts)}'"


def _bytes(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def escaped(char: str) -> str:
    """The escape of a character as Python writes it; a byte of a file name that is no text is `\\xff`."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python smuggles such a byte
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode() if code > 0x7E or code < 0x20 else f"\\x{code:02x}"


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN and char not in _JOINERS
