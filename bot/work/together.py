"""Let threads that want the same done at once have it done together: one of them does it for all who wait."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
# How long a batch waits for more, where the one before had several: those whose items that did come back with the next.
GATHERING = 0.003


class _Asked(Generic[Item, Result]):
    """An item that waits. ``leads``: its thread is to do the next batch."""

    __slots__ = ("done", "item", "leads", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done: Future[Result] = Future()
        self.woken, self.leads = threading.Event(), False


class Together(Generic[Item, Result]):
    """Does items in batches: all that came while the batch before was done. Safe to share between threads.

    ``do_all`` returns a result or the exception for each item, in their order, and raises nothing. An item that comes
    alone is done at once, in its own thread; of several the first one's thread does all.
    """

    def __init__(self, do_all: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._do_all = do_all
        self._lock = threading.Lock()
        self._waiting: list[_Asked[Item, Result]] = []
        self._busy, self._were_several = False, False

    def do(self, item: Item) -> Result:
        """Do the item, with others or alone. Raises what its own doing raises."""
        asked: _Asked[Item, Result] = _Asked(item)
        with self._lock:
            self._waiting.append(asked)
            asked.leads = not self._busy
            self._busy = True
        if not asked.leads:
            asked.woken.wait()
        if asked.leads:
            try:
                self._do_waiting()
            finally:
                self._pass_on()
        return asked.done.result()

    def _do_waiting(self) -> None:
        if self._were_several:
            time.sleep(GATHERING)
        with self._lock:
            batch, self._waiting = self._waiting, []
        self._were_several = len(batch) > 1
        try:
            results = self._do_all([asked.item for asked in batch])
            for asked, result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    asked.done.set_exception(result)
                else:
                    asked.done.set_result(result)
        finally:
            for asked in batch:
                asked.done.cancel()  # nothing where it is done; else its thread would wait for ever
                asked.woken.set()

    def _pass_on(self) -> None:
        """Let the first of those who wait do the next batch."""
        with self._lock:
            self._busy = bool(self._waiting)
            if self._busy:
                self._waiting[0].leads = True
                self._waiting[0].woken.set()
