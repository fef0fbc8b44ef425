"""Read the signs of a written day and of money (signs.toml)."""

import tomllib
from pathlib import Path

_SIGNS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
YEAR, MONTH, DAY, YUAN = (_SIGNS[name] for name in ("year", "month", "day", "yuan"))
