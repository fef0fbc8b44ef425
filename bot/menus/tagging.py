"""Give followers the tags by which WeChat chooses their menu."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.orm import Session

from bot.menus.render import menus_of
from bot.wechat.client import PEOPLE_PER_TAGGING
from bot.wechat.policy import Action, WeChatError
from bot.words.lexicon import lexicon_of
from models.staff.menu_due import WantedMenu, due_menus, menus_given

if TYPE_CHECKING:
    from bot.work.context import WorkerContext

log = structlog.get_logger()

# A run ends after so many people, some hundred calls; the next one goes on.
MOST = 1_000
# What is about these people, and not about the account or the moment.
_ABOUT_THEM = (Action.GIVE_UP_PERSON, Action.FIX_PARAMETERS)


def give_menus(context: "WorkerContext") -> int:
    """Give the people whose menu may have changed their tags; returns how many are seen to.

    It states what is to be, so it may be repeated. Where the menus are not published yet, or WeChat refuses the
    account, the notes stay. Raises Unreachable.
    """
    with Session(context.database) as db:
        due = due_menus(db, context.clock(), MOST)
    if not due:
        return 0
    tags = _tags(context)
    if tags is None:
        return 0
    seen, refused = 0, Counter[int]()
    try:
        for people in _alike(due):
            _give(context, tags, people, refused)
            seen += len(people)
    except WeChatError as error:
        log.warning("menus.not_given", code=error.code)
    for code, people_refused in refused.items():
        log.info("menus.people_refused", code=code, people=people_refused)
    return seen


def _tags(context: "WorkerContext") -> dict[str, int] | None:
    """Map each menu to the number of its tag; None while the account does not have them all."""
    menus = menus_of(lexicon_of(context.settings), context.settings.wechat_menus)
    wanted = {name: menu["matchrule"]["tag"] for name, menu in menus.items() if "matchrule" in menu}
    try:
        there = context.api.tags()
    except WeChatError as error:
        log.warning("menus.not_given", code=error.code)
        return None
    if not there.keys() >= set(wanted.values()):
        log.info("menus.not_published")
        return None
    return {name: there[tag] for name, tag in wanted.items()}


def _alike(due: Iterable[WantedMenu]) -> Iterator[list[WantedMenu]]:
    """Yield people who are to have the same menu, as many as one call takes."""

    def menu(one: WantedMenu) -> tuple[bool, str]:
        return one.gone, one.menu or ""

    for _, group in groupby(sorted(due, key=menu), menu):
        people = list(group)
        for start in range(0, len(people), PEOPLE_PER_TAGGING):
            yield people[start : start + PEOPLE_PER_TAGGING]


def _give(
    context: "WorkerContext", tags: Mapping[str, int], people: Sequence[WantedMenu], refused: Counter[int]
) -> None:
    """Take all other menus' tags from these people and give them theirs. Raises what is about the account.

    Counts in ``refused``, by WeChat's code, those to whom nothing can be given: most of them follow no longer.
    """
    first = people[0]
    try:
        if not first.gone:
            _tag(context, tags, first.menu, [one.openid for one in people])
    except WeChatError as error:
        if error.action not in _ABOUT_THEM:
            raise
        if len(people) > 1:
            half = len(people) // 2  # so that a few calls find one of many
            for part in (people[:half], people[half:]):
                _give(context, tags, part, refused)
            return
        refused[error.code] += 1
    with Session(context.database) as db, db.begin():
        menus_given(db, people)


def _tag(context: "WorkerContext", tags: Mapping[str, int], menu: str | None, openids: Sequence[str]) -> None:
    for name, tag in tags.items():
        if name != menu:
            context.api.untag_people(tag, openids)
    if menu is not None:
        context.api.tag_people(tags[menu], openids)
