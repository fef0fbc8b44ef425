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


class Together(Generic[Item, Result]):
    """Does items in batches: all that came while the batch before was done. Safe to share between threads.

    ``do_all`` returns a result or the exception for each item, in their order, and raises nothing. An item that comes
    alone is done at once, in its own thread.
    """

    def __init__(self, do_all: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._do_all = do_all
        self._waiting: list[tuple[Item, Future[Result]]] = []
        self._adding, self._doing = threading.Lock(), threading.Lock()
        self._were_several = False

    def do(self, item: Item) -> Result:
        """Do the item, with others or alone. Raises what its own doing raises."""
        done: Future[Result] = Future()
        with self._adding:
            self._waiting.append((item, done))
        with self._doing:
            if not done.done():
                self._do_waiting()
        return done.result()

    def _do_waiting(self) -> None:
        if self._were_several:
            time.sleep(GATHERING)
        with self._adding:
            batch, self._waiting = self._waiting, []
        self._were_several = len(batch) > 1
        try:
            results = self._do_all([item for item, _ in batch])
        except BaseException:
            for _, done in batch:
                done.cancel()
            raise
        for (_, done), result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)
