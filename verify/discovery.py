"""Finding statements: one claim per file of a paper's package, read without importing it.

A statement file has a docstring, functions, and last `CLAIM = Claim(...)`. Everything that `list`
and `show` print is taken from the syntax tree, so both answer without loading the laboratory.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from verify import UsageError

GRADE_OF_PREFIX = {
    "derive": "symbolic",
    "certify": "certified",
    "estimate": "statistical",
    "measure": "numeric",
    "argue": "argued",
}
GRADES = tuple(GRADE_OF_PREFIX.values())  # strongest first
_HEADING = re.compile(r"(?P<place>[^\[\]]+?) \[(?P<mark>[^\]]+)\]: (?P<title>.+)")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A check or a control: its function's name and the sentence printed for it."""

    name: str
    sentence: str

    @property
    def grade(self) -> str:
        """The grade that the name's prefix declares."""
        return GRADE_OF_PREFIX.get(self.name.partition("_")[0], "")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One statement as its file declares it. `place`, `mark` and `title` come from the docstring's first line.

    `statement` is its mathematics where it is written down as a literal.
    `broken` says why the file cannot be read; the other fields are then empty.
    """

    id: str
    place: str = ""
    mark: str = ""
    title: str
    text: str = ""
    assumptions: tuple[str, ...] = ()
    builds_on: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    checks: tuple[Part, ...] = ()
    controls: tuple[Part, ...] = ()
    certificate: bool = False
    heeds: tuple[str, ...] = ()
    preset: str | None = None
    statement: str | None = None
    broken: str | None = None

    @property
    def grades(self) -> tuple[str, ...]:
        """The grades of its checks, strongest first."""
        return tuple(grade for grade in GRADES if any(check.grade == grade for check in self.checks))


def entries(package: str) -> tuple[Entry, ...]:
    """All statements of a paper's package, in the natural order of their names."""
    return tuple(sorted(_read_all(package), key=lambda entry: _natural(entry.id)))


def find(package: str, claim: str) -> Entry:
    """The statement called `claim`.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    known = {entry.id: entry for entry in entries(package)}
    if claim in known:
        return known[claim]
    if not known:
        raise UsageError(f"package {package!r} holds no statements; give a package with files that end in CLAIM = ...")
    nearest = difflib.get_close_matches(claim.lower(), known, n=1, cutoff=0.0)
    raise UsageError(f"claim {claim!r} is unknown; did you mean {nearest[0]!r}? 'list' shows every claim")


def foundations(package: str, claim: str) -> tuple[Entry, ...]:
    """Every statement that `claim` rests on, directly or not, each after those that it rests on itself.

    Raises:
        UsageError: a statement builds on one that does not exist, or on itself.
    """
    order: dict[str, Entry] = {}

    def visit(entry: Entry, path: tuple[str, ...]) -> None:
        if entry.id in path:
            raise UsageError(f"{' builds on '.join((*path, entry.id))}; break the circle")
        for name in entry.builds_on:
            visit(find(package, name), (*path, entry.id))
        order.setdefault(entry.id, entry)

    visit(find(package, claim), ())
    return tuple(order.values())[:-1]


def load(package: str, claim: str) -> object:
    """Import the statement file and return its CLAIM."""
    return importlib.import_module(f"{package}.{claim}").CLAIM


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(run), "") if run.isdigit() else (-1, run) for run in re.findall(r"\d+|\D+", text)]


def _folder(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"package {package!r} holds no statements; give an importable package")
    return Path(next(iter(spec.submodule_search_locations)))


def _read_all(package: str) -> Iterator[Entry]:
    folder = _folder(package)
    paths = sorted(folder.glob("*.py"))
    for path in paths:
        entry = _read(path)
        if entry is not None:
            others = [other.name for other in paths if other != path and other.stem.lower() == path.stem.lower()]
            others += [f"the folder {path.stem}"] if path.with_suffix("").is_dir() else []
            yield _broken(path, f"{path.name} and {others[0]} have one name; rename one") if others else entry


@cache
def _read(path: Path) -> Entry | None:
    """The statement in a file, or None if it holds none; a file that cannot be read harms no other."""
    try:
        call = _claim_call(_tree(path))
        return None if call is None else _entry(path, call)
    except UsageError as error:
        return _broken(path, str(error))
    except (SyntaxError, ValueError, OSError, RecursionError) as error:
        return _broken(path, _reason(error, path)) if _claims(path) else None


def _reason(error: Exception, path: Path) -> str:
    """What is wrong and where; a statement also breaks by a helper that it takes a check from."""
    if isinstance(error, SyntaxError):
        line = f", line {error.lineno}" if error.lineno else ""
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename or path).name}{line})"
    return f"{type(error).__name__}: {error} ({path.name})"


def _claims(path: Path) -> bool:
    """Whether a file that cannot be parsed looks like a statement: it assigns to CLAIM, or cannot even be decoded."""
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return True
    return re.search(r"^CLAIM\s*=", text, flags=re.MULTILINE) is not None


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


def _claim_call(tree: ast.Module) -> ast.Call | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and _named(node, "CLAIM"):
            return node.value if isinstance(node.value, ast.Call) else None
    return None


def _entry(path: Path, call: ast.Call) -> Entry:
    text = ast.get_docstring(_tree(path)) or ""
    heading = _HEADING.match(text.partition("\n")[0])
    if heading is None:
        raise UsageError(f"{path.name} must open with a line 'Place [mark]: title', such as 'Theorem 2 [T]: ...'")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    return Entry(
        id=path.stem,
        place=heading["place"],
        mark=heading["mark"],
        title=heading["title"].rstrip("."),
        text=text,
        assumptions=_strings(path, given.get("assumptions")),
        builds_on=_strings(path, given.get("builds_on")),
        cites=_strings(path, given.get("cites")),
        checks=_parts(path, given.get("checks")),
        controls=_controls(path, given.get("controls")),
        certificate="certificate" in given,
        heeds=_strings(path, given.get("heeds")),
        preset=_literal(path, given.get("preset")),
        statement=_mathematics(path, given.get("statement")),
    )


def _broken(path: Path, reason: str) -> Entry:
    return Entry(id=path.stem, title="cannot be read", broken=reason)


def _literal(path: Path, node: ast.expr | None) -> Any:
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        text = ast.unparse(node) if node is not None else ""
        raise UsageError(f"{path.name}: {text} must be a literal, it is read unexecuted") from None


def _mathematics(path: Path, node: ast.expr | None) -> str | None:
    """A literal string, or the module's constant of that name; None if it is made in another way."""
    if isinstance(node, ast.Name):
        name = node.id
        values = [item.value for item in _tree(path).body if isinstance(item, ast.Assign) and _named(item, name)]
        node = values[0] if len(values) == 1 else None
    return node.value.strip() if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _named(node: ast.Assign, name: str) -> bool:
    return [ast.unparse(target) for target in node.targets] == [name]


def _strings(path: Path, node: ast.expr | None) -> tuple[str, ...]:
    value = _literal(path, node) or ()
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{path.name}: {value!r} must be a tuple of literal strings")
    return value


def _parts(path: Path, node: ast.expr | None) -> tuple[Part, ...]:
    names = [ast.unparse(item) for item in node.elts] if isinstance(node, ast.Tuple) else []
    return tuple(Part(name=name, sentence=_sentence(path, name)) for name in names)


def _controls(path: Path, node: ast.expr | None) -> tuple[Part, ...]:
    """The names in `dict(name=planted("sentence", ...), other=function, ...)`, each with its sentence."""
    named = node.keywords if isinstance(node, ast.Call) and ast.unparse(node.func) == "dict" and not node.args else None
    if node is not None and (named is None or any(keyword.arg is None for keyword in named)):
        raise UsageError(
            f"{path.name}: controls must be written as dict(name=planted(...), ...), they are read unexecuted"
        )
    return tuple(Part(name=str(item.arg), sentence=_sentence_of_defect(path, item.value)) for item in named or ())


def _sentence_of_defect(path: Path, node: ast.expr, root: Path | None = None) -> str:
    if isinstance(node, ast.Call) and node.args:
        return str(_literal(path, node.args[0]))
    return _sentence(path, ast.unparse(node), root)


def _sentence(path: Path, name: str, root: Path | None = None) -> str:
    """The first docstring line of function `name`, or what `name = planted(...)` says, followed through its imports.

    Raises:
        UsageError: there is no such name, or no such module of this paper.
    """
    root = root or path.parent
    for node in _tree(path).body:
        match node:
            case ast.FunctionDef(name=defined) if defined == name:
                return (ast.get_docstring(node) or "").partition("\n")[0]
            case ast.Assign(value=value) if _named(node, name):
                return _sentence_of_defect(path, value, root)
            case ast.ImportFrom(module=module, names=names, level=level):
                for alias in names:
                    head, _, rest = name.partition(".")
                    if (alias.asname or alias.name) == head:
                        home = ast.ImportFrom(f"{module}.{alias.name}", names, level) if rest else node
                        return _sentence(_source(path, home, root), rest or alias.name, root)
    raise UsageError(f"{path.name}: {name!r} is neither a function of this file nor imported by name; correct it")


def _source(path: Path, node: ast.ImportFrom, root: Path) -> Path:
    """The file of this paper that a statement imports a check or a defect from."""
    package, *rest = (node.module or "").split(".")
    above = root if not node.level else path.parents[node.level - 1] / package
    place = above.joinpath(*rest)
    found = next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
    if found is None or not (node.level or package == root.name):
        raise UsageError(f"{path.name}: {ast.unparse(node)} leads to no file of this paper; correct the import")
    return found
