"""What every registry can be asked, whoever keeps it."""

from typing import Protocol

from models.verification.registry import Finding


class Registry(Protocol):
    def look_up(self, id_number: str, name: str) -> Finding:
        """Raises nothing for a registry that is away: that is a finding too, ``unavailable``.

        ``id_number``: eighteen characters, X in upper case. It may take half a minute, so never inside a transaction.
        """
        ...
