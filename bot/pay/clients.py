"""Hold a client for each merchant account that the settings name: each charity collects under its own."""

from collections.abc import Iterable, Iterator

from bot.pay.client import PayClient


class NoKeys(LookupError):
    """The settings have no keys for this merchant account (any more)."""


class PayClients:
    """The process's clients, by merchant number (mchid)."""

    def __init__(self, clients: Iterable[PayClient]) -> None:
        self._clients = {client.merchant: client for client in clients}

    def __iter__(self) -> Iterator[PayClient]:
        return iter(self._clients.values())

    def of(self, merchant: str) -> PayClient:
        """Return the client that signs for this merchant account. Raises NoKeys."""
        if merchant not in self._clients:
            raise NoKeys(merchant)
        return self._clients[merchant]

    def close(self) -> None:
        for client in self:
            client.close()
