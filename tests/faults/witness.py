"""A pytest plugin that writes the name of every failed test into a file, whatever else the run prints."""

import os
import re
from pathlib import Path

import pytest

FILE = "FAULTS_WITNESSES"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    # A worker's reports come to the process that started it, too.
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
            file.write(re.sub(r"@[\w-]+$", "", report.nodeid) + "\n")
