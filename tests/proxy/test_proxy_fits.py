"""Every reply of proxy work is whole, with the longest of everything that can be typed, wrong answers included."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.people.conversation import Conversation
from models.proxy.card import Card
from tests.harness.platform import wechat
from tests.harness.stage import id_number
from tests.scenes.longest import ASTRAY, LONGEST, STORY, TARGET, TITLE, WIDE, World, question, tell_the_bot

ANSWERS = {
    **LONGEST,
    "sheet": LONGEST["photos"],
    "id_number": [id_number(998)],
    "consent": ["1"],
    "phone": ["1"],
    "last_places": [id_number(998)[-6:]],
    # Free in this world, whose resident has asked for most of what there is.
    "category": ["8"],
}


@pytest.fixture(scope="module")
def world(module_database: str) -> Iterator[World]:
    world = World(module_database)
    yield world
    world.stage.close()


def walk(world: World, name: str, answers: dict[str, Any]) -> str:
    """Through the flow in focus, every question with wrong answers first, then the review and its end."""
    while step := question(world, name):
        for wrong in ASTRAY if step not in ("last_places", "code") else ["help", WIDE * 900]:
            tell_the_bot(world, name, wrong)
            if question(world, name) != step:
                tell_the_bot(world, name, "back")
        for answer in [world.home.full_name] if step in ("home", "place") else answers.get(step, ["1"]):
            tell_the_bot(world, name, answer)
        if step in ("home", "place") and question(world, name) == step:
            world.say(name, "1")
    world.say(name, world.lexicon.words["cancel"][0])
    world.say(name, "3")
    return world.say(name, world.lexicon.words["confirm"][0])


@pytest.mark.slow  # its world takes long to make
def test_from_registration_to_the_read_back_everything_fits(world: World) -> None:
    proxy, acts = (world.lexicon.words[name][0] for name in ("proxy", "proxy_acts"))
    for words in (proxy, "1"):
        world.say("village", words)
    assert "/cards/" in walk(world, "village", ANSWERS)
    for words in (proxy, "2"):
        world.say("village", words)
    assert "1 现在就写" in walk(world, "village", ANSWERS)
    world.say("village", "1")
    assert "本人未确认" in walk(world, "village", ANSWERS)
    world.say("village", proxy)
    assert "别的人家" in world.say("village", "2")
    with Database(world.stage.database) as db:
        code = db.scalars(select(Card.code)).one()
        world.people["newcomer"] = db.scalars(select(Conversation.id).where(Conversation.openid == "o-newcomer")).one()
    xml = wechat.event("SCAN", "o-newcomer", created=1_763_950_001, EventKey=f"card_{code}")
    assert "身份证号的最后 6 位" in world.stage.deliver(xml)[1]
    heard = walk(world, "newcomer", ANSWERS)
    assert "后面还有 1 件" in heard
    heard = world.say("newcomer", "1")
    assert TITLE in heard
    assert STORY[:100] in heard
    assert f"{TARGET // 100:,}" in heard
    assert "2 不是" in heard
    world.say("newcomer", "2")
    assert "您说不是" in world.say("newcomer", acts)
