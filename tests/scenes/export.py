"""The public ledger on the stage: written as the command writes it, and read as a stranger would."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bot.books.export import export_ledger
from tests.support.stage import Stage


def export(stage: Stage, folder: Path) -> None:
    env = stage.app.extensions["bangfu"]["turns"].renderer.env
    export_ledger(stage.settings.database_url, folder, env, stage.clock())


def verify(folder: Path, *noted: str) -> tuple[int, str]:
    """As a stranger would: another folder, nothing of ours to import, and nothing installed."""
    program = [sys.executable, "-I", "-S", str(folder / "verify.py"), str(folder), *noted]
    done = subprocess.run(program, cwd="/", env={"PATH": "/usr/bin"}, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))
