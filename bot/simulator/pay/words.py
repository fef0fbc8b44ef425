"""What the platform says in its answers, in Chinese: templates/simulator/paywords.json."""

import json
from pathlib import Path
from typing import Any


class Words:
    def __init__(self, templates_dir: Path) -> None:
        self._read: dict[str, Any] = json.loads((templates_dir / "paywords.json").read_text(encoding="utf-8"))

    def trade_state(self, state: str) -> str:
        return str(self._read["trade_state"][state])

    def summary(self, event: str) -> str:
        return str(self._read["summary"][event])

    @property
    def received_account(self) -> str:
        return str(self._read["received_account"])

    def bill_column(self, name: str) -> str:
        return str(self._read["bill_columns"][name])

    def bill_total(self, name: str) -> str:
        return str(self._read["bill_totals"][name])
