"""Let a lower room call an upper room without importing it: a hook holds one function, a registry one entry per key.

models.wiring connects them all. Nothing is connected by an import.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Entry = TypeVar("Entry")


class NotConnected(RuntimeError):
    """The program was started without models.wiring, or models.wiring leaves this hook or registry out."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing is connected to {name}: models.wiring.wire() does it where a program starts")


class ConnectedTwice(RuntimeError):
    """Two rooms connect to one place; one of them would never be called."""

    def __init__(self, name: str) -> None:
        super().__init__(f"something else is connected to {name} already")


class Registry(Mapping[str, Entry]):
    """One entry for each of ``keys``, in their order. Raises NotConnected where a key has no entry yet."""

    def __init__(self, name: str, keys: Iterable[str]) -> None:
        self.name = name
        self._keys = tuple(keys)
        self._entries: dict[str, Entry] = {}

    def connect(self, key: str, entry: Entry) -> None:
        """Set a key's entry; the same entry again changes nothing. Raises ConnectedTwice, or KeyError (unknown key)."""
        if key not in self._keys:
            raise KeyError(f"{self.name} has no place for {key}")
        if self._entries.setdefault(key, entry) != entry:
            raise ConnectedTwice(f"{self.name}[{key}]")

    def __getitem__(self, key: str) -> Entry:
        if key in self._keys and key not in self._entries:
            raise NotConnected(f"{self.name}[{key}]")
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Hook(Generic[P, R]):
    """Call the connected function, in the caller's transaction. Raises NotConnected."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._function: Callable[P, R] | None = None

    def connect(self, function: Callable[P, R]) -> None:
        """Set the function; the same function again changes nothing. Raises ConnectedTwice."""
        if self._function not in (None, function):
            raise ConnectedTwice(self.name)
        self._function = function

    @property
    def function(self) -> Callable[P, R]:
        if self._function is None:
            raise NotConnected(self.name)
        return self._function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)
