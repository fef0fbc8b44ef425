"""The nightly books recompute drawn rounds: a place that does not follow from what the round keeps is found."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from models.books.goods.rounds import check_rounds
from models.goods.rounds.draw import draw
from models.goods.rounds.round import Round
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def drawn(handover: Handover) -> Handover:
    """A round of nine for three households, drawn."""
    handover.open_point()
    for name in ("wang", "li", "zhao"):
        handover.ask(handover.resident(name))
    handover.give(handover.donor("qin"))
    with handover.session() as db:
        round_ = db.query(Round).one()
    handover.stage.clock.move(timedelta(days=2))
    with handover.session() as db:
        draw(db, round_.id, handover.stage.clock())
    return handover


def wrong(handover: Handover) -> list[str]:
    with handover.stage.database.connect() as connection:
        return [str(one) for one in check_rounds(connection, handover.stage.clock())]


def test_a_drawn_round_is_in_its_order(drawn: Handover) -> None:
    assert wrong(drawn) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE round_candidates SET place = 4 - place",
        "UPDATE round_candidates SET score = score + 1 WHERE place = 3",
        "UPDATE round_candidates SET lot = repeat('0', 64) WHERE place = 3",
        "UPDATE round_candidates SET given = 0 WHERE place = 1",
        "UPDATE rounds SET there = 1",
    ],
)
def test_what_does_not_follow_is_found(drawn: Handover, change: str) -> None:
    with drawn.session() as db:
        # Whoever can change rows can drop triggers.
        db.execute(text("ALTER TABLE round_candidates DISABLE TRIGGER ALL"))
        db.execute(text(change))
        db.execute(text("ALTER TABLE round_candidates ENABLE TRIGGER ALL"))
    assert wrong(drawn)
