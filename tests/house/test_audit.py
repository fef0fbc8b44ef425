"""The linters fail on a known vulnerability, and say so plainly where none can be known."""

import importlib.util
import json
from typing import Any

import pytest

from config.settings import ROOT

_spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci/audit.py")
assert _spec
assert _spec.loader
audit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(audit)

SOUND = {"name": "flask", "version": "3.1.2", "vulns": []}
UNKNOWN = {"name": "rq", "skip_reason": "Dependency not found on PyPI and could not be audited: rq (2.6)"}
HOLED = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": [], "description": ""}],
}
NO_NETWORK = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='index.example', port=443)"


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([SOUND], 0, ["1 packages have no known vulnerability"]),
        ([SOUND, HOLED], 1, ["jinja2 2.10: PYSEC-2019-217, mended in 2.10.1"]),
        ([UNKNOWN, HOLED], 1, ["PYSEC-2019-217", "NOT AUDITED: 1 of 2 packages"]),
        ([SOUND, UNKNOWN], 0, ["NOT AUDITED: 1 of 2 packages", "1 packages have no known"]),
        ([UNKNOWN], 0, ["NOT AUDITED: 1 of 1 packages"]),
    ],
)
def test_a_known_vulnerability_fails_and_what_is_not_known_is_said(
    packages: list[dict[str, Any]], code: int, says: list[str]
) -> None:
    ended, words = audit.judge(json.dumps({"dependencies": packages, "fixes": []}), "")
    assert ended == code
    for each in says:
        assert each in "\n".join(words)


def test_without_a_network_it_says_so_and_any_other_failure_fails() -> None:
    ended, words = audit.judge("", NO_NETWORK)
    assert (ended, "NOT AUDITED" in words[0]) == (0, True)
    assert audit.judge("", "ValueError: requirements.txt is malformed")[0] == 1
