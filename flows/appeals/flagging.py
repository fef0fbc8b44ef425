"""Flag what a reviewer should check in an appeal that was just submitted or revised."""

from flows.engine.turn import TurnContext
from flows.language import norms
from models.appeals.appeal import Appeal, budget_of
from models.appeals.flag import flag_earlier, flag_words
from models.oversight.image_match import flag_matches
from models.people.photo import kept_photos


def flag_appeal(turn: TurnContext, appeal: Appeal) -> None:
    """Flag an appeal after its words, budget and photos are stored; the worker flags photos that arrive later."""
    now = turn.world.now
    turn.db.flush()
    signs = norms.signs(appeal.title, appeal.story, budget_of(turn.db, appeal.id), turn.world.lexicon)
    flag_words(turn.db, appeal.id, signs, now)
    flag_earlier(turn.db, appeal, now)
    flag_matches(turn.db, [photo.id for photo in kept_photos(turn.db, "appeal", [appeal.id])], now)
