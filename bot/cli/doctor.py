"""Add the command that examines the installation, for an operator who has just been woken."""

import json
import sys

import click
from flask import Flask

from bot.upkeep.checks.examine import examine
from bot.upkeep.checks.finding import Finding, Level
from bot.upkeep.checks.installation import Installation
from bot.work.clock import Clock
from config.settings import Settings

# Exit status; 2 is click's own, for wrong words.
_EXIT = {Level.OK: 0, Level.BAD: 1, Level.WARN: 3}
_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.BAD: "red"}


def add_doctor_command(app: Flask, settings: Settings, clock: Clock) -> None:
    """Add ``doctor``."""

    @app.cli.command("doctor")
    @click.option("--server", default="http://127.0.0.1:8000", show_default=True, help="A web process on this machine.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    def doctor(server: str, *, as_json: bool) -> None:
        """Examine the installation and say what to do. Ends with 1 where something is bad, with 3 at warnings."""
        installation = Installation(settings, server, clock)
        met: dict[Level, dict[str, None]] = {level: {} for level in Level}
        try:
            for name, finding in examine(installation):
                met[finding.level][name] = None
                _print(name, finding, as_json=as_json)
        finally:
            installation.close()
        if not as_json:
            click.echo(_summary(list(met[Level.BAD]), list(met[Level.WARN])))
        sys.exit(_EXIT[Level.BAD if met[Level.BAD] else Level.WARN if met[Level.WARN] else Level.OK])


def _summary(bad: list[str], warned: list[str]) -> str:
    told = [f"{word}: {', '.join(names)}." for word, names in (("Bad", bad), ("Warnings", warned)) if names]
    return " ".join(told) or "All is well."


def _print(name: str, finding: Finding, *, as_json: bool) -> None:
    if as_json:
        told = {"check": name, "level": finding.level, "found": finding.found, "do": finding.do}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{click.style(f'{finding.level:5}', fg=_COLOURS[finding.level])} {name:12} {finding.found}")
    if finding.do:
        click.echo(f"{'':18} → {finding.do}")
