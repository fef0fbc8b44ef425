"""What operators copy from config/deploy is taken by its programs, names what there is, and holds no secret."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from bot.processes import web
from config.settings import ROOT, SECRETS
from tests.harness.stage import Stage

DEPLOY = ROOT / "config" / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("*.service"))
RUNBOOK = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
ANALYSE, PROMTOOL = shutil.which("systemd-analyze"), shutil.which("promtool")
# What systemd says of a unit, of 100: the higher, the more it may do.
EXPOSED = 20
METRIC = re.compile(r"\b(?:bangfu_\w+|up)\b")
# Prometheus has it of each target.
ITS_OWN = {"up"}


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


# --- Units


def started_by(unit: str) -> str:
    [command] = re.findall(r"^ExecStart=(.+)$", read(unit), re.MULTILINE)
    return str(command)


def test_the_web_is_started_as_the_demo_starts_it() -> None:
    program, *words = started_by("bangfu-web@.service").split()
    assert program == "/opt/bangfu/.venv/bin/granian"
    assert words[: len(web.OPTIONS)] == list(web.OPTIONS)
    assert words[-1] == web.TARGET


@pytest.mark.slow  # systemd's program, twice each
@pytest.mark.skipif(ANALYSE is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("name", [*UNITS, "bangfu-backup.timer"])
def test_a_unit_is_one_that_systemd_takes_and_hardened(tmp_path: Path, name: str) -> None:
    """With programs and folders that are here in the place of the operator's."""
    for each in [*UNITS, "bangfu-backup.timer"]:
        here = re.sub(r"/opt/bangfu/\.venv/bin/\w+", shutil.which("true") or "/bin/true", read(each))
        (tmp_path / each.replace("@", "@8000")).write_text(here.replace("=/opt/bangfu", f"={tmp_path}"))
    unit = str(tmp_path / name.replace("@", "@8000"))
    assert ANALYSE is not None
    said = subprocess.run([ANALYSE, "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in said.stderr.splitlines() if "bangfu" in line] == []
    if name.endswith(".service"):
        graded = [ANALYSE, "security", "--offline=true", f"--threshold={EXPOSED}", unit]
        subprocess.run(graded, capture_output=True, check=True)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_as_a_user_without_rights(name: str) -> None:
    assert "\nUser=bangfu\n" in read(name)
    assert "\nNoNewPrivileges=yes\n" in read(name)
    assert "\nCapabilityBoundingSet=\n" in read(name)


def test_no_secret_stands_in_what_is_copied() -> None:
    for path in DEPLOY.iterdir():
        words = path.read_text(encoding="utf-8")
        assert not [name for name in SECRETS if re.search(rf"{name.upper()}\s*[=:]", words)], path.name


# --- The container


def instructions() -> list[tuple[str, str]]:
    """(instruction, words) of the Containerfile, each on one line."""
    lines = re.sub(r"\\\n\s*", "", read("Containerfile")).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]


def containerfile_faults(steps: list[tuple[str, str]]) -> Iterator[str]:
    """The rules that matter of those that linters of such files have."""
    for name, words in steps:
        if name == "FROM" and not re.search(r"(@sha256:[0-9a-f]{64}|:\d+\.\d+\.\d+[\w.-]*)( AS \w+)?$", words):
            yield f"FROM {words}: name a whole version or a digest"
        if name == "ADD" or (name == "COPY" and words.split()[-2:] == [".", "."]):
            yield f"{name} {words}: copy what is needed, by its name"
        if name in ("ENV", "ARG") and re.search(r"SECRET|KEY|TOKEN|PASSWORD", words):
            yield f"{name} {words.partition('=')[0]}: a secret stays in the image for good"
        if name == "RUN" and "pip install" in words and "--require-hashes" not in words:
            yield "RUN pip install: demand hashes"
        if name in ("CMD", "ENTRYPOINT") and not words.startswith("["):
            yield f"{name}: a shell between would not pass signals on"
    names = [name for name, _ in steps]
    last = names[len(names) - names[::-1].index("FROM") :] if "FROM" in names else names
    users = [words for name, words in steps if name == "USER"]
    if "USER" not in last or users[-1] in ("root", "0"):
        yield "USER: the last stage runs as root"
    if "HEALTHCHECK" not in last:
        yield "HEALTHCHECK: nobody sees that it hangs"


def test_the_container_keeps_the_rules_and_starts_the_web_as_the_demo_does() -> None:
    steps = instructions()
    assert list(containerfile_faults(steps)) == []
    program, *words = json.loads(dict(steps)["CMD"])
    assert (program, words[: len(web.OPTIONS)], words[-1]) == ("granian", list(web.OPTIONS), web.TARGET)
    copied = {each for name, words in steps if name == "COPY" and "--from" not in words for each in words.split()[:-1]}
    assert copied >= {"bot", "handlers", "flows", "models", "templates", "config", "wsgi.py"}


@pytest.mark.parametrize(
    ("spoiled", "found"),
    [
        (("FROM", "python:slim"), "FROM"),
        (("ENV", "SECRET_KEY=1"), "ENV SECRET_KEY"),
        (("USER", "root"), "USER"),
        (("ADD", "x y"), "ADD"),
        (("COPY", ". ."), "COPY"),
        (("CMD", "granian"), "CMD"),
        (("RUN", "pip install x"), "RUN"),
    ],
)
def test_what_breaks_a_rule_of_containers_is_found(spoiled: tuple[str, str], found: str) -> None:
    faults = list(containerfile_faults([*instructions(), spoiled]))
    assert [fault for fault in faults if fault.startswith(found)]


# --- Alarms and the board


@cache
def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(read("prometheus-rules.yml"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def board() -> list[tuple[str, str]]:
    """(panel, expression) of the board."""
    panels = json.loads(read("grafana-board.json"))["panels"]
    return [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]


def families() -> set[str]:
    return {family.name for family in REGISTRY.collect() if family.name.startswith("bangfu_")}


def served() -> set[str]:
    """Every series that a process may give, by name."""
    return {
        f"{name}{suffix}" for name in families() for suffix in ("", "_total", "_count", "_sum", "_bucket")
    } | ITS_OWN


def test_every_figure_of_an_alarm_or_a_panel_is_served_and_every_served_one_is_shown(stage: Stage) -> None:
    stage.client.get("/metrics")
    asked = {*((rule["alert"], rule["expr"]) for rule in rules()), *board()}
    named = {name for _, expression in asked for name in METRIC.findall(expression)}
    assert named - served() == set()
    shown = {re.sub("_(total|count|sum|bucket)$", "", name) for name in named}
    assert families() - shown == set()


def test_every_alarm_has_its_paragraph_and_every_paragraph_its_alarm() -> None:
    headings = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
    assert [rule["alert"] for rule in rules()] == headings
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/alarms.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "task")


@pytest.mark.slow  # a program of its own
@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool")
def test_the_rules_are_ones_that_prometheus_takes() -> None:
    assert PROMTOOL is not None
    said = subprocess.run(
        [PROMTOOL, "check", "rules", str(DEPLOY / "prometheus-rules.yml")], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
