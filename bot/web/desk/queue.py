"""Show a seat its queue and the figures of its region."""

from flask import Blueprint, Response, redirect, request

from bot.web.desk.device import is_in_wechat
from bot.web.desk.guard import NotSignedIn, Seat
from bot.web.desk.sign_in import HOME, PHONE, DeskParts, show_way_in
from handlers.routing.roles import OFFICERS
from handlers.routing.subject_actions import SUBJECT_ACTIONS
from handlers.staff.subject_actions import has_file
from models.desk.lines import TICKET, Place, list_lines
from models.desk.rows import rows_of
from models.oversight.statistics import AGES, count_region
from models.places.region import Region
from models.subjects import SUBJECTS

FIGURES = "/desk/figures"
PAGE = 50
# The kinds of things that have a file here, as they have one in the chat.
WITH_FILE = frozenset(name for name, actions in SUBJECT_ACTIONS.items() if has_file(actions))


def add_queue(blueprint: Blueprint, parts: DeskParts) -> None:
    """Add the routes of ``/desk`` itself, and of the figures."""
    guard = parts.guard

    @blueprint.get(HOME)
    def home() -> Response:
        """Show the queue to who is signed in, and the way in to everybody else."""
        try:
            with guard.seat() as seat:
                return _queue(parts, seat)
        except NotSignedIn:
            if is_in_wechat(request):
                return _to(PHONE)
            return show_way_in(parts, "")

    @blueprint.get(FIGURES)
    def figures() -> Response:
        """Show an officer the figures that 统计 tells; a charity has no region of its own."""
        with guard.seat() as seat:
            if seat.staff.role not in OFFICERS:
                return _to(HOME)
            counted = count_region(seat.db, seat.staff.region_code, guard.clock())
            region = seat.db.get_one(Region, seat.staff.region_code)
        return parts.show(
            "desk/figures", region=region.full_name, code=region.code, figures=counted, ages=AGES, **head_of(seat)
        )


def head_of(seat: Seat) -> dict[str, object]:
    """Return the facts of each page's head: the seat, when its session ends, and what the form to leave carries."""
    staff = seat.staff
    values = {"work_no": staff.work_no, "role": staff.role, "until": seat.session.ends_at, "csrf": seat.csrf}
    return values | {"has_figures": staff.role in OFFICERS}


def chosen_kind() -> str:
    """Return the kind of thing that the address asks for; empty for all, also where there is no such kind."""
    what = request.args.get("kind", "")
    return what if what in (*SUBJECTS, TICKET) else ""


def _queue(parts: DeskParts, seat: Seat) -> Response:
    what, now = chosen_kind(), parts.guard.clock()
    lines = list_lines(seat.db, seat.staff, PAGE + 1, _after(), what)
    rows = rows_of(seat.db, seat.staff, lines[:PAGE], now)
    more = str(lines[PAGE - 1].place) if len(lines) > PAGE else ""
    values: dict[str, object] = {"rows": rows, "what": what, "kinds": _kinds(seat, what), "more": more}
    values |= {"is_first": "after" not in request.args, "with_file": WITH_FILE}
    return parts.show("desk/queue", now=now, **values, **head_of(seat))


def _kinds(seat: Seat, chosen: str) -> list[str]:
    """Name the kinds of things that wait in the queue, as far as its first pages go, and the one that is chosen."""
    there = {line.what for line in list_lines(seat.db, seat.staff, 4 * PAGE)}
    return [what for what in (*SUBJECTS, TICKET) if what in there or what == chosen]


def _after() -> Place | None:
    """Read where the page begins; what is none of our places is the beginning."""
    try:
        return Place.read(request.args["after"])
    except (KeyError, ValueError):
        return None


def _to(path: str) -> Response:
    answer: Response = redirect(path, 303, Response)  # type: ignore[assignment]
    answer.headers["Cache-Control"] = "no-store"
    return answer
