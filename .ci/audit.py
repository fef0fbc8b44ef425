#!/usr/bin/env python3
"""Fail if requirements.txt pins a version with a known vulnerability, as pip-audit tells.

Takes pip-audit's path. Where the advisories cannot be reached (no network, or a mirror of PyPI without them), says so
and ends with 0: nothing is known then, and whoever builds there can do nothing about it.
"""

import json
import subprocess
import sys

# What pip-audit writes when the network fails it, and not a package.
UNREACHABLE = ("requests.exceptions.", "Could not connect to PyPI", "PyPI is not redirecting", "Tip: your network")


def judge(report: str, errors: str) -> tuple[int, list[str]]:
    """Return the exit code and what to say. ``report`` and ``errors``: what pip-audit wrote, as JSON and otherwise."""
    try:
        packages = json.loads(report)["dependencies"]
    except ValueError:
        if any(sign in errors for sign in UNREACHABLE):
            return 0, ["NOT AUDITED: the advisories of PyPI cannot be reached from here. No package was checked."]
        return 1, ["pip-audit failed:", errors]
    found = [(one["name"], one["version"], vulnerability) for one in packages for vulnerability in one.get("vulns", [])]
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    says = [
        f"{name} {version}: {vulnerability['id']}, mended in {', '.join(vulnerability['fix_versions']) or 'no version'}"
        for name, version, vulnerability in found
    ]
    if unknown:
        says.append(
            f"NOT AUDITED: {len(unknown)} of {len(packages)} packages, of which nothing can be learned from here: "
            + ", ".join(unknown)
        )
    if not found and len(unknown) < len(packages):
        says.append(f"{len(packages) - len(unknown)} packages have no known vulnerability.")
    return int(bool(found)), says


def main() -> int:
    wanted = ["--requirement", "requirements.txt", "--disable-pip", "--require-hashes", "--format", "json"]
    command = [sys.argv[1], *wanted, "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - make names the program
    code, says = judge(done.stdout, done.stderr)
    sys.stdout.write("\n".join([*says, ""]))
    return code


if __name__ == "__main__":
    sys.exit(main())
