"""Every reply is whole: with the longest of everything people can write, on every page, whatever news waits.

A person goes through all that numbered lines lead to, and through every flow;
each reply must fit into one message with all the choices that it leaves.
"""

import json
import re
from collections import deque
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from handlers.routing.command_table import COMMANDS
from models.notifications.notification import count_unread
from models.people.conversation import Turn
from models.people.message import MessageKind
from tests.harness.processes.databases import PostgresDatabases
from tests.scenes.longest import ASTRAY, ITEM, LONGEST, PEOPLE, WIDE, World, question, tell_the_bot


@pytest.fixture(scope="module")
def world(module_database: str) -> Iterator[World]:
    world = World(module_database)
    yield world
    world.stage.close()


@pytest.fixture(scope="module")
def untrodden(databases: PostgresDatabases) -> Iterator[World]:
    """Another one: whoever tries every number on every page stops appeals and suspends officers on the way."""
    url = databases.take()
    world = World(url)
    yield world
    world.stage.close()
    databases.give_back(url)


def roots(world: World) -> list[list[str]]:
    """Every word that somebody could begin with, with a number where one may follow."""
    words = [world.lexicon.words[name][0] for name in COMMANDS if name in world.lexicon.words]
    controls = [world.lexicon.words[name][0] for name in ("menu", "help", "news")]
    nowhere = [f"{word} {WIDE * 30}" for word in words]
    return [[each] for each in (*words, *(f"{word} 3" for word in words), *nowhere, *controls, WIDE * 5)]


@pytest.mark.slow  # each goes through hundreds of pages
@pytest.mark.parametrize("name", PEOPLE)
def test_every_page_is_whole_with_all_its_choices(world: World, name: str) -> None:
    paths, seen = deque(roots(world)), set()
    while paths:
        path = paths.popleft()
        with Database(world.stage.database) as db, db.begin():
            if count_unread(db, world.people[name]) < 3:
                world.owe_news(db, name)
        # First without a ticket, which would take the words that nothing else takes.
        for control in ("menu", "solved", "menu"):
            world.say(name, world.lexicon.words[control][0])
        for words in path:
            reply = world.say(name, words)
        if _is_news(world):
            continue
        for number, do in world.options(name):
            assert re.search(rf"^{number} ", reply, re.MULTILINE), (
                f"{name}: {path}: {number} is not on the screen\n{reply}"
            )
            if json.dumps(do) not in seen:
                seen.add(json.dumps(do))
                paths.append([*path, str(number)])
    assert len(seen) > 10


def _is_news(world: World) -> bool:
    """Tell whether the last reply was 消息, which leaves all its room to the news."""
    with Database(world.stage.database) as db:
        return db.scalars(select(Turn.outcome).order_by(Turn.id.desc())).first() == "news"


@pytest.mark.slow  # its world takes as long to make as a room's tests take
@pytest.mark.xdist_group("untrodden")
@pytest.mark.parametrize(
    ("name", "command", "choices"),
    [
        ("stranger", "start_register", {"role": "1"}),
        ("newcomer", "start_register", {"role": "2"}),
        ("resident", "start_one_to_one", {}),
        ("resident", "start_crowdfund", {"category": "7", "shortfall": "3"}),
        ("resident", "start_listing", {"name": ITEM}),
        # A second one of the sort that its household waits for already would be refused.
        ("resident", "start_request", {"item": "𠮶" * 30}),
        ("donor", "start_offer", {}),
        ("donor", "pledge", {}),
        ("resident", "fix", {}),
        ("resident", "update", {}),
        ("resident", "thank", {}),
        ("donor", "object", {"reason": WIDE * 300}),
        ("village", "visit", {}),
        ("village", "declare_conflict", {}),
        ("county", "invite", {"term": "4", "until": "30天后"}),
    ],
)
def test_every_question_and_every_refusal_is_whole(
    untrodden: World, name: str, command: str, choices: dict[str, str]
) -> None:
    world = untrodden
    about = {"pledge": 3, "object": world.on_notice, "visit": world.to_visit, "fix": 3, "update": 3, "thank": 3}
    number = f" {about[command]}" if command in about else ""
    world.say(name, world.lexicon.words[command][0] + number)
    if command == "fix":  # everything is answered already; the story anew
        world.say(name, "2")
    asked = []
    while step := question(world, name):
        assert step not in asked, f"{step} did not take its longest answer"
        asked.append(step)
        for wrong in ASTRAY:
            tell_the_bot(world, name, wrong)
            if question(world, name) != step:  # this question takes it; it is to take the longest
                tell_the_bot(world, name, "back")
        place = step in ("home", "place")
        for answer in (
            [MessageKind.LOCATION] if place else [choices[step]] if step in choices else LONGEST.get(step, ["1"])
        ):
            tell_the_bot(world, name, answer)
    world.say(name, world.lexicon.words["cancel"][0])
    world.say(name, "3")
    world.say(name, world.lexicon.words["confirm"][0])
    assert asked
    with Database(world.stage.database) as db:
        assert db.scalars(select(Turn.outcome).order_by(Turn.id.desc())).first() == "done"
