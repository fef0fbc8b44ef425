"""Flag what a reviewer should check in an appeal that was just submitted or revised."""

from flows.engine.desk import Desk
from flows.language import norms
from models.appeals.appeal import Appeal, budget_of
from models.appeals.flag import flag_earlier, flag_words
from models.oversight.image_match import flag_matches
from models.people.photo import kept_photos


def flag_appeal(desk: Desk, appeal: Appeal) -> None:
    """Flag an appeal after its words, budget and photos are stored; the worker flags photos that arrive later."""
    now = desk.world.now
    desk.db.flush()
    signs = norms.signs(appeal.title, appeal.story, budget_of(desk.db, appeal.id), desk.world.lexicon)
    flag_words(desk.db, appeal.id, signs, now)
    flag_earlier(desk.db, appeal, now)
    flag_matches(desk.db, [photo.id for photo in kept_photos(desk.db, "appeal", [appeal.id])], now)
