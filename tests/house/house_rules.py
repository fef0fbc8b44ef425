"""The rules that keep the house in order, each as a function that says what is wrong and what to do about it.

A file's path is relative to the project's folder, with slashes. Every rule yields sentences;
no sentence, no fault.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from bot.log import CONTENT_KEYS

_LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")
_NUMERALS = "[零〇一二两三四五六七八九十百千万亿]"
_ONE_OF = r"\[[^\]]*\]"


def hidden_imports(path: str, source: str) -> Iterator[str]:
    """import-linter (pyproject.toml) reads import statements alone, of packages alone; wsgi.py starts bot/."""
    for node in ast.walk(ast.parse(source)):
        place = f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield f"{place} imports by name at run time, which `make lint` does not see: write an import statement"
        if path == "wsgi.py" and isinstance(node, ast.Import | ast.ImportFrom):
            for name in [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]:
                if name.partition(".")[0] not in {"bot", "config"}:
                    yield f"{place} imports {name}, but wsgi.py starts what is in bot/: move it there"


def borrowed_tests(path: str, source: str) -> Iterator[str]:
    """A file of tests is nobody's library: it would run for whoever moves or splits it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for name in (f"{module}{alias.name}" for alias in node.names):
            if re.match(r"tests\.([a-z_]+\.)*test_", name):
                yield f"{path}:{node.lineno} imports {name}: move what both need into a module that is no test"


def smoke_tests(path: str, source: str) -> Iterator[str]:
    """Of the tests that a file plays in a browser, the fast tier takes one at most: where a page has a script."""
    found = source.count("pytest.mark.smoke")
    if found > 1:
        yield f"{path} marks {found} smoke tests: mark the one test of its page that says most, for the fast tier"


# Where single signs stand beside figures, and why.
_SIGNS = {
    "flows/language/said_numbers.py": "what stands for a figure (半, 几)",
    "flows/language/sorts.py": "the same",
    "handlers/routing/typed_commands.py": "what stands around a number (第, 号)",
}


def chinese_words(path: str, source: str) -> Iterator[str]:
    """Words live in templates/ and config/. In Python may stand numerals, and in ``_SIGNS`` single signs beside them.

    The readers also know units (公斤, 人民币) in patterns, where ``[吨噸]`` is one sign or the other.
    """
    if path == "flows/language/numerals.py":
        return
    reader = path.startswith("flows/readers/")
    longest, skipped = (3, f"{_ONE_OF}|{_NUMERALS}") if reader else (1 if path in _SIGNS else 0, _NUMERALS)
    tree = ast.parse(source)
    # A string that stands alone is documentation.
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            runs = _CHINESE.findall(re.sub(skipped, " ", node.value))
            if any(len(run) > longest for run in runs):
                yield (
                    f"{path}:{node.lineno} holds the words {max(runs, key=len)}: "
                    "put what is said into templates/ and what is matched into config/*.toml"
                )


def wrong_logging(path: str, source: str) -> Iterator[str]:
    """Events have constant names, and no field for what people wrote."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LEVELS):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "log"):
            continue
        event = node.args[0] if node.args else None
        if not (isinstance(event, ast.Constant) and _EVENT.fullmatch(str(event.value))) or len(node.args) > 1:
            yield f"{path}:{node.lineno} logs made-up words: name the event by a constant (turn.failed), and add fields"
        for field in sorted({keyword.arg for keyword in node.keywords if keyword.arg} & CONTENT_KEYS):
            yield f"{path}:{node.lineno} logs the field {field}: log the id of the row instead of what people wrote"


def broken_template(path: str, source: str) -> Iterator[str]:
    try:
        template = Environment(autoescape=True).parse(source)
    except TemplateSyntaxError as error:
        yield f"{path}:{error.lineno} is no Jinja template: {error.message}"
        return
    names = set()
    for macro in template.find_all(nodes.Macro):
        if macro.name in names:
            yield f"{path}:{macro.lineno} says {macro.name} a second time, and the first is never said: name one anew"
        names.add(macro.name)


def shown_defaults(settings: type[BaseSettings]) -> dict[str, str]:
    """Each setting's environment variable with its default as docs/operating.md shows it."""
    return {name.upper(): _shown(field.default) for name, field in settings.model_fields.items()}


def _shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        return "sample" if default.get_secret_value() else "empty"
    if isinstance(default, dict | frozenset) and not default:
        return "empty"
    if isinstance(default, str | dict) and not default:
        return "empty"
    return str(default.value if isinstance(default, Enum) else default)


def missing_settings(page: str, defaults: Mapping[str, str]) -> Iterator[str]:
    rows = [line for line in page.splitlines() if line.lstrip().startswith("|")]
    for name, default in defaults.items():
        row = next((row for row in rows if f"`{name}`" in row), None)
        if row is None:
            yield f"docs/operating.md lacks `{name}`: add a row with its default ({default}) and its meaning"
        elif default not in row:
            yield f"docs/operating.md's row of `{name}` lacks its default: it is {default} (config/settings.py)"


def tracked_secrets(tracked: list[str]) -> Iterator[str]:
    for path in tracked:
        if path.rpartition("/")[2] == ".env":
            yield f"{path} holds secrets and is tracked: `git rm --cached {path}`, and change what it held"


def missing_checks(ci: str) -> Iterator[str]:
    commands = [line.strip().removeprefix("exec ") for line in ci.splitlines()]
    for target in ("make lint", "make test", "make test-slow"):
        if not any(command == target or command.startswith(f"{target} ") for command in commands):
            yield f".ci/run does not call `{target}`: add it, so that no change is taken without it"
