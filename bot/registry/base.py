"""Define what every kind of registry answers."""

from typing import Protocol

from models.verification.registry import Finding


class Registry(Protocol):
    def look_up(self, id_number: str, name: str) -> Finding:
        """Look a person up. A registry that does not answer raises nothing: the finding is ``unavailable``.

        ``id_number``: eighteen characters, X in upper case. It may take half a minute, so never inside a transaction.
        """
        ...
