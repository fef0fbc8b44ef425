"""Show a file instead of deciding on it, where the officer has not read it or not opened the pictures that count."""

from collections.abc import Callable

from flows.engine.flow import Answer, Say
from models.staff.pictures_opened import PicturesNotOpened


def opened_first(
    show_file: Callable[[], Answer],
    *,
    is_read: bool,
    demand: Callable[[], None] | None = None,
    unread: str = "replies/staff/must_read_first",
) -> Answer | None:
    """Return the file with what has to be done first; None where the officer may decide.

    ``demand`` raises PicturesNotOpened; None where the decision needs no look at pictures. ``unread``: the template
    that asks to read it.
    """
    why = None if is_read else Say(unread, None, {})
    if why is None and demand:
        try:
            demand()
        except PicturesNotOpened as refusal:
            why = Say("replies/refusals", refusal.code, {"v": refusal.values})
    if why is None:
        return None
    answer = show_file()
    answer.says.insert(0, why)
    return answer
