"""README.md is true: its conversations are played through the real door, and what it names is there."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.app import create_app
from bot.demo.seed import seed
from models.giving.pledge import ALPHABET, CODE_LENGTH
from tests.support import wechat
from tests.support.paid_stage import Collecting
from tests.support.stage import Clock, Stage, settings_for
from tests.support.transcript import Actor

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

NEWCOMER = "oReadmeNewcomer0000000000001"
FOLLOWS = "[event subscribe]"
# The one thing in these replies that is drawn by lot, and the one that is signed.
PLEDGE_CODE = re.compile(rf"(?<=编号：)[{ALPHABET}]{{{CODE_LENGTH}}}|(?<=/pay/)\S+")
ASTRAY = {
    "replies/routing/not_understood",
    "replies/routing/did_you_mean",
    "replies/routing/stale",
    "replies/routing/sorry",
    "replies/routing/fresh_start",
}


@pytest.fixture
def stage(new_database: Callable[[], str]) -> Iterator[Stage]:
    """The demo's data set, and like the demo it takes money; at ten in the morning in China of 24 November 2026."""
    stage = Collecting(new_database(), "redis://127.0.0.1:1/0", Clock())
    seed(stage.database, wechat.ACCOUNT, stage.clock())
    yield stage
    stage.close()


def section(title: str) -> str:
    """The text below a heading, to the next one of its kind."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables in a section."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def turns(block: str) -> Iterator[tuple[str, list[str]]]:
    """(typed, the reply's lines) of a block: ``> `` is typed, ``# `` is the gloss, the rest is the reply."""
    for turn in re.split(r"^> ", block, flags=re.MULTILINE)[1:]:
        typed, *lines = [line for line in turn.splitlines() if not line.startswith("#")]
        yield typed, "\n".join(lines).strip("\n").splitlines()


def without_code(text: str) -> str:
    return PLEDGE_CODE.sub("…", text)


def test_the_conversation_is_what_the_bot_says(stage):
    [block] = re.findall(r"^```chat\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    played = list(turns(block))
    assert len(played) > 5
    for typed, lines in played:
        follows = wechat.event("subscribe", NEWCOMER, EventKey="")
        status, reply = stage.deliver(follows if typed == FOLLOWS else wechat.text(typed, NEWCOMER))
        assert status == 200
        assert without_code(reply).splitlines() == [without_code(line) for line in lines], typed


def test_what_to_try_leads_somewhere(stage):
    """Each row, as the person it names, in the order of the table and on one database."""
    people = seed(stage.database, wechat.ACCOUNT, stage.clock()).people  # who they are; nothing is written twice
    tried = [row for row in rows(section("Run it")) if "`" in row[1] and "`" not in row[0]]
    assert len(tried) > 10
    for who, typed, _ in tried:
        [openid] = {person["openid"] for person in people if person["gloss"].startswith(who.split(",")[0])}
        actor = Actor(stage)
        actor.openid = openid
        for words in re.findall(r"`([^`]+)`", typed):
            actor.play(f"> {words}")
            assert not ASTRAY & set(stage.said), f"{who}: {words}"
            assert not [said for said in stage.said if said.startswith("replies/refusals")], f"{who}: {words}"


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", README))))
def test_a_test_that_is_named_exists(name):
    path, _, test = name.partition("::")
    assert re.search(rf"^(def {test}\(|{test} =)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"[`(]([\w.-]+/[\w./-]+\.\w+|[\w.-]+/)[`):]", README))))
def test_a_file_that_is_named_exists(path):
    assert path.startswith("var/") or (ROOT / path).exists()


def test_every_command_is_listed_and_every_listed_one_exists():
    app = create_app(settings_for("postgresql://nobody@127.0.0.1:9/none"))
    listed = {row[0].strip("`").split()[0] for row in rows(section("Commands")) if re.match("`(?!make )", row[0])}
    assert listed == set(app.cli.commands)
    assert set(re.findall(r"flask --app wsgi ([a-z-]+)", README)) <= listed


def test_every_make_target_is_listed_and_every_listed_one_exists():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    listed = {row[0].strip("`").split()[1] for row in rows(section("Commands")) if row[0].startswith("`make")}
    assert listed == targets
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= targets
