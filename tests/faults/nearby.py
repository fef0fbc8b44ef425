"""Chooses the order of the test files for a fault: those of its room first, and of them those that name its module."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.faults.fault import Fault

WALKS = "test_transcripts.py"


def near_and_far(root: Path, fault: Fault) -> tuple[list[str], list[str]]:
    """Test files that could notice, the likeliest first, and all others. The transcripts walk through every room."""
    files = [path for path in sorted(root.glob("tests/**/test_*.py")) if path.name != "test_faults.py"]
    naming = [path for path in files if names(path, fault.file)]
    in_room = [path for path in files if path.is_relative_to(root / "tests" / fault.room)]
    walks = [path for path in files if path.name == WALKS]
    likely = [path for path in in_room if path in naming]
    near = list(dict.fromkeys([*likely, *in_room, *naming, *walks]))
    far = [path for path in files if path not in near]
    return _relative(root, near), _relative(root, far)


def aim(root: Path, test: str) -> list[str]:
    """What pytest is to be given for a file of tests, one test, or a transcript."""
    if test.endswith(".chat"):
        return [*_relative(root, sorted(root.glob(f"tests/**/{WALKS}"))), "-k", Path(test).stem]
    return [test]


def names(test: Path, file: str) -> bool:
    """Does the test import the module, or speak of the template?"""
    text = test.read_text(encoding="utf-8")
    if file.endswith(".py"):
        module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return module in set(_imported(ast.parse(text)))
    return file.removeprefix("templates/").rpartition(".")[0].removeprefix("flows/") in text


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _relative(root: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]
