"""The rules that keep the house in order, each as a function that says what is wrong and what to do about it.

A file's path is relative to the project's folder, with slashes. Every rule yields sentences;
no sentence, no fault.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from jinja2 import Environment, TemplateSyntaxError
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from bot.log import CONTENT_KEYS

ROOMS = ("bot", "handlers", "flows", "models", "config", "wsgi", "tools", "tests")
MAY_IMPORT = {
    "wsgi": {"bot", "config"},
    "bot": {"handlers", "flows", "models", "config"},
    "handlers": {"flows", "models"},
    "flows": {"models"},
    "models": set(),
    "config": set(),
}

_FRAMEWORKS = {"flask", "werkzeug", "redis", "valkey", "rq"}
_NETWORK = {"requests", "httpx", "urllib3", "aiohttp", "granian"}
KEEP_OUT = {
    "handlers": _FRAMEWORKS | _NETWORK,
    "flows": _FRAMEWORKS | _NETWORK,
    "models": _FRAMEWORKS | _NETWORK,
}

# The command line and its conversation in the terminal.
MAY_PLAY_WECHAT = {"bot/cli/commands.py", "bot/cli/chat.py"}

_LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")
_NUMERALS = "[零〇一二两三四五六七八九十百千万亿]"
_ONE_OF = r"\[[^\]]*\]"


def _within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _room(path: str) -> str:
    return path.partition("/")[0].removesuffix(".py")


def imports(path: str, source: str) -> Iterator[tuple[str, str]]:
    """(place, full dotted name) of everything that a file imports, by statement or by name at run time."""
    folder = path.split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        yield from ((f"{path}:{getattr(node, 'lineno', 0)}", name) for name in names)


def borrowed_tests(path: str, source: str) -> Iterator[str]:
    """A file of tests is nobody's library: it would run for whoever moves or splits it."""
    for place, name in imports(path, source):
        if re.match(r"tests\.([a-z_]+\.)*test_", name):
            yield f"{place} imports {name}: move what both need into a module beside them that is no test"


def wrong_arrows(path: str, source: str) -> Iterator[str]:
    """bot -> handlers -> flows -> models; config for bot, wsgi.py and the migrations alone."""
    room = _room(path)
    allowed = MAY_IMPORT[room] | ({"config"} if path.startswith("models/migrations/") else set())
    for place, name in imports(path, source):
        target = name.partition(".")[0]
        if target in ROOMS and target != room and target not in allowed:
            only = ", ".join(sorted(allowed)) or "nothing of ours"
            yield (
                f"{place} imports {name}, but {room} may import only {only}: "
                "hand in what it needs as an argument, or move the code to the room that it belongs to"
            )


def wrong_libraries(path: str, source: str) -> Iterator[str]:
    """No framework and no network below bot; wechatpy in bot/wechat/ alone."""
    for place, name in imports(path, source):
        library = name.partition(".")[0]
        if library in KEEP_OUT.get(_room(path), set()):
            yield f"{place} imports {library}: {_room(path)} knows no framework and no network; let bot/ call it"
        if library == "wechatpy" and not path.startswith("bot/wechat/"):
            yield f"{place} imports wechatpy, which is only for bot/wechat/: give that folder a function and call it"


def wrong_simulator(path: str, source: str) -> Iterator[str]:
    """The stand-in for WeChat knows the bot only over the wire, as WeChat does."""
    inside = path.startswith("bot/simulator/")
    for place, name in imports(path, source):
        own = _within(name, "bot.simulator")
        if inside and name.partition(".")[0] in ROOMS and not own:
            yield f"{place} imports {name}: the stand-in knows nothing of the bot; write what it needs beside it"
        if own and not inside and path not in MAY_PLAY_WECHAT:
            only = " and ".join(sorted(MAY_PLAY_WECHAT))
            yield f"{place} imports {name}: start the stand-in as its own process; only {only} may import it"


def chinese_words(path: str, source: str) -> Iterator[str]:
    """Words live in templates/ and config/. In Python may stand numerals, and single signs beside them (年, 号).

    The readers also know units (公斤, 人民币) in patterns, where ``[吨噸]`` is one sign or the other.
    """
    if path == "flows/language/numerals.py":
        return
    reader = path.startswith("flows/readers/")
    longest, skipped = (3, f"{_ONE_OF}|{_NUMERALS}") if reader else (1, _NUMERALS)
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
        Environment(autoescape=True).parse(source)
    except TemplateSyntaxError as error:
        yield f"{path}:{error.lineno} is no Jinja template: {error.message}"


def shown_defaults(settings: type[BaseSettings]) -> dict[str, str]:
    """Each setting's environment variable with its default as the README shows it."""
    return {name.upper(): _shown(field.default) for name, field in settings.model_fields.items()}


def _shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        return "sample" if default.get_secret_value() else "empty"
    if isinstance(default, dict | frozenset) and not default:
        return "empty"
    if isinstance(default, str | dict) and not default:
        return "empty"
    return str(default.value if isinstance(default, Enum) else default)


def missing_settings(readme: str, defaults: Mapping[str, str]) -> Iterator[str]:
    rows = [line for line in readme.splitlines() if line.lstrip().startswith("|")]
    for name, default in defaults.items():
        row = next((row for row in rows if f"`{name}`" in row), None)
        if row is None:
            yield f"README.md's table of settings lacks `{name}`: add its row, with the default ({default}) and meaning"
        elif default not in row:
            yield f"README.md's row of `{name}` lacks its default: it is {default} (config/settings.py)"


def tracked_secrets(tracked: list[str]) -> Iterator[str]:
    for path in tracked:
        if path.rpartition("/")[2] == ".env":
            yield f"{path} holds secrets and is tracked: `git rm --cached {path}`, and change what it held"


def missing_checks(ci: str) -> Iterator[str]:
    commands = [line.strip().removeprefix("exec ") for line in ci.splitlines()]
    for target in ("make lint", "make test", "make test-slow"):
        if not any(command == target or command.startswith(f"{target} ") for command in commands):
            yield f".ci/run does not call `{target}`: add it, so that no change is taken without it"
