"""Words and numbers for print: the record's plain text made readable on paper.

Nothing is added to what the record says: `2.8e-08` becomes 2.8 × 10⁻⁸, `z_k` gets a real subscript,
and the docstring is split into the statement in words and what would make it wrong.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

VERDICTS = ("pass", "undecided", "fail", "error")  # from best to worst

MEANING = {
    "pass": "Every check supports the statement, on this instance where it names no other, and the same checks caught "
    "every defect that was planted to test them. How far that reaches is said by the grade of each check.",
    "undecided": "Nothing here contradicts the statement, but this run does not confirm it either: the points listed "
    "below leave it open.",
    "fail": "At least one check contradicts the statement on this instance: the points listed below should not "
    "happen if the statement is true and the program measures what it says.",
    "error": "No conclusion: a check stopped with an error, or a planted defect went unnoticed, so this run can "
    "neither support nor contradict the statement.",
}

MARKS = (
    ("T", "read in the paper’s text"),
    ("R", "re-derived here: the constants are ours and may differ from the paper’s by a factor"),
    ("B", "beyond the paper: our own statement"),
)

GRADES = (
    ("symbolic", "proved by exact rules, for all dimensions"),
    ("certified", "rigorous enclosure of every rounding error, on this instance"),
    ("statistical", "from samples, with an error rate declared beforehand"),
    ("numeric", "floating-point numbers that agree; not a proof"),
    ("argued", "a step in prose, checked by no machine"),
)

VERDICT_LEGEND = (
    ("pass", "every check came out in favour and every planted defect was caught"),
    ("undecided", "not refuted, not confirmed: an open comparison, an assumption that does not hold, or no controls"),
    ("fail", "some check contradicts the statement"),
    ("error", "some check broke down, or a planted defect was not caught"),
)

Rich = list[tuple[str, str]]  # pieces of text, each "text", "sub" or "sup"

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SCIENTIFIC = re.compile(r"(?<![\w.])(?P<mantissa>\d+(?:\.\d+)?)e(?P<exponent>[+-]\d+)(?!\w)")
_NAMED_ACCENT = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z])_(tilde|hat|bar)(?![A-Za-z0-9_])")
_ACCENT = {"tilde": "\u0303", "hat": "\u0302", "bar": "\u0304"}
_SCRIPT = re.compile(r"([_^])(?:\{([^{}]+)\}|(\([^()\s]{1,8}\)|[A-Za-z0-9\u0370-\u03ff]+|[*+−∞-]))")
_BASE = re.compile(r"[A-Za-z0-9_]*$")
_OPERATORS = frozenset({"min", "max", "sup", "inf", "log", "sum", "lim", "tr"})
NARROWEST = 32  # characters that a column of a table holds
_OVERLONG = re.compile(rf"[^\s\u200b]{{{NARROWEST},}}")
_DIGEST = re.compile(r"[0-9a-f]{32,64}[.,;]?")
_PLACES = re.compile(r"([^,;/)\]}_=–-]{0,31}[,;/)\]}_=–-]+|.{16}(?=.{15}))")  # after a sign, or anywhere
_WRONG = re.compile(r"(?:^|(?<=\s))Wrong (?=if\b)")


def number(value: Any, digits: int = 3) -> str:
    """A number as a reader writes it: 0.0163, 1 275, 2.8 × 10⁻⁸; null is "not a number"."""
    if value is None:
        return "not a number"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f").replace("-", "−") if abs(value) >= 10_000 else f"{value}"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if value == 0:
        return "0"
    if -4 < exponent < max(5, digits):
        plain = f"{value:.{max(0, digits - 1 - exponent)}f}"
        return (plain.rstrip("0").rstrip(".") if "." in plain else plain).replace("-", "−")
    return power_of_ten(mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa, exponent)


def power_of_ten(mantissa: str, exponent: int) -> str:
    """The mantissa times a power of ten, on one line; a mantissa of one is left out."""
    power = "10" + str(exponent).translate(_SUPERSCRIPT)
    sign, size = ("−", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    return sign + (power if size == "1" else f"{size}\u00a0×\u00a0{power}")


def sentence(text: str) -> str:
    """Prose for print: composed accents, typographic apostrophes, powers of ten."""
    text = unicodedata.normalize("NFC", text).replace(" +/- ", " ± ")
    text = _SCIENTIFIC.sub(lambda m: power_of_ten(m["mantissa"], int(m["exponent"])), text)
    text = re.sub(r"(?<=\w)'(?=\w)", "’", re.sub(r"(?<![\w.)])-(?=\d)", "−", text))
    return unicodedata.normalize("NFC", _NAMED_ACCENT.sub(lambda m: m[1] + _ACCENT[m[2]], text))


def rich(text: str) -> Rich:
    """Prose in pieces, with `_k` and `^V` after a letter or a sign as real subscripts and superscripts."""
    text = sentence(text)
    pieces: Rich = []
    overlong = [word.span() for word in _OVERLONG.finditer(text)]  # may break after each script
    done = 0
    for match in _SCRIPT.finditer(text):
        base = _BASE.findall(text[done : match.start()])[0]
        if match.start() == 0 or text[match.start() - 1].isspace():
            continue
        if len(base) > 1 and not base.isdigit() and base not in _OPERATORS:
            continue  # an identifier such as measure_training
        pieces += [("text", text[done : match.start()]), ("sub" if match[1] == "_" else "sup", match[2] or match[3])]
        pieces += [("text", "\u200b")] if any(start < match.start() < end for start, end in overlong) else []
        done = match.end()
    return [piece for piece in [*pieces, ("text", text[done:])] if piece[1]]


def split_text(text: str) -> tuple[list[str], str | None]:
    """The paragraphs of a statement after its first line, and the sentence that says when it is wrong."""
    body = text.partition("\n")[2]
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", body)]
    kept, wrong = [], None
    for paragraph in paragraphs:
        match = _WRONG.search(paragraph) if wrong is None else None
        if match:
            paragraph, wrong = paragraph[: match.start()].rstrip(), paragraph[match.start() :]
        kept.append(paragraph)
    return [paragraph for paragraph in kept if paragraph], wrong


def breakable(text: str, longest: int = NARROWEST) -> str:
    """The text with invisible break opportunities inside its overlong words, so that the narrowest column holds it.

    A digest stays whole: it is there to be copied.
    """

    def broken(word: re.Match[str]) -> str:
        return word[0] if len(word[0]) < longest or _DIGEST.fullmatch(word[0]) else _PLACES.sub("\\1\u200b", word[0])

    return _OVERLONG.sub(broken, text)


def clipped(text: str, longest: int) -> str:
    """The text, cut at a word if it is longer than this; the whole of it stands elsewhere in the report."""
    if len(text) <= longest:
        return text
    words = text[:longest].rpartition(" ")[0]
    return (words if 2 * len(words) > longest else text[:longest]) + " …"


def worst_name(verdicts: list[str]) -> str:
    """The worst of the verdicts; a word that is no verdict counts as an error."""
    rank = {verdict: place for place, verdict in enumerate(VERDICTS)}
    return VERDICTS[max((rank.get(verdict, len(VERDICTS) - 1) for verdict in verdicts), default=1)]


def ground(tests: list[dict[str, Any]]) -> str:
    """The self-tests in a line: all passed, or which did not."""
    failed = [test["name"] for test in tests if test["trouble"] is not None]
    if failed:
        return f"ground: {len(failed)} of {len(tests)} self-tests failed ({', '.join(failed)})"
    return f"ground: {len(tests)} self-tests passed"


def resumed(provenance: dict[str, Any]) -> str | None:
    """What a run went on from, if from something."""
    found = provenance.get("resumed")
    return found and f"training went on from step {found['iteration']} of the checkpoint with sha256 {found['sha256']}"
