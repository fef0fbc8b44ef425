"""Two counties have a township of one name: each officer means their own, and everybody else is asked which."""

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from models.places.region import Region
from tests.harness.stage import Stage
from tests.harness.transcript import Actor

MEIHUA, OTHER = "431124101000", "430524201000"


@pytest.fixture
def two_of_one_name(stage: Stage) -> Stage:
    with Database(stage.database) as db, db.begin():
        renamed = {"name": "梅花镇", "short": "梅花", "full_name": "湖南省邵阳市隆回县梅花镇"}
        db.execute(update(Region).where(Region.code == OTHER).values(renamed))
    return stage


def proxy_home(stage: Stage) -> str:
    """An officer registers somebody by proxy, and names a township as the home."""
    actor = Actor(stage)
    words = ("代办", "1", "[photo]", "完成", "王秀兰", "431124190101010011", "1", "梅花镇")
    actor.play("\n".join(["@ officer", *(f"> {each}" for each in words)]))
    return actor.reply


@pytest.mark.parametrize(
    ("seat", "own", "other"),
    [(MEIHUA, "1 湖南省永州市道县梅花镇", "隆回县"), (OTHER, "1 湖南省邵阳市隆回县梅花镇", "道县")],
)
def test_an_officer_is_offered_their_own_township_alone(
    two_of_one_name: Stage, seat: str, own: str, other: str
) -> None:
    two_of_one_name.appoint("o-officer", "village", seat)
    reply = proxy_home(two_of_one_name)
    assert own in reply
    assert other not in reply
    assert two_of_one_name.said == ["proxy_register/home:which"]


def test_everybody_else_is_asked_which(two_of_one_name: Stage) -> None:
    reply = two_of_one_name.say("o-anybody", "公示 梅花镇")
    assert "道县梅花镇" in reply
    assert "隆回县梅花镇" in reply
