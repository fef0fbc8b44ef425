"""A stage finds nothing of the one before it, though both have the same application."""

from datetime import timedelta

import pytest

from config.settings import Mode
from models.core.encryption import Keyring, keyring, use_keyring
from tests.harness.stage import Clock, Stage


def test_the_next_stage_has_the_application_and_nothing_else_of_the_last(database_url: str) -> None:
    one = Stage(database_url)
    one.clock.move(timedelta(days=400))
    one.say("o-li", "帮助")
    rules, app = one.app.url_map, one.app
    one.close()
    other_keys = Keyring.parse("b3RoZXItZGF0YS1rZXktZm9yLXRlc3RzLW9ubHktMDE=")
    use_keyring(other_keys)
    two = Stage(database_url)
    assert (two.app, two.app.url_map) == (app, rules)
    assert keyring() is not other_keys
    assert (two.said, two.turns_taken, two.clock()) == ([], 0, Clock()())
    two.say("o-li", "没有这样的话")
    assert (two.turns_taken, one.turns_taken) == (1, 1)
    assert two.said != one.said != []
    two.close()


def test_stages_side_by_side_have_one_each(database_url: str) -> None:
    one, two = Stage(database_url), Stage(database_url)
    assert one.app is not two.app
    one.clock.move(timedelta(days=1))
    one.say("o-li", "帮助")
    assert (one.turns_taken, two.turns_taken) == (1, 0)
    one.close()
    two.close()


def test_other_settings_are_another_application(database_url: str) -> None:
    one = Stage(database_url)
    app = one.app
    one.reopen(public_url="https://elsewhere.example.cn")
    assert one.app is not app
    one.close()
    plain = Stage(database_url, mode=Mode.PLAIN)
    assert plain.app is not app
    plain.close()


def test_a_fresh_stage_is_a_new_program_each_turn(database_url: str) -> None:
    stage = Stage(database_url, fresh=True)
    seen = [stage.app]
    for words in ("帮助", "菜单"):
        stage.say("o-li", words)
        seen.append(stage.app)
    assert len({id(app) for app in seen}) == 3
    assert stage.turns_taken == 2
    stage.close()


def test_a_bot_whose_stage_is_closed_has_no_time(database_url: str) -> None:
    stage = Stage(database_url)
    turns = stage.app.extensions["bangfu"]["turns"]
    stage.close()
    with pytest.raises(AssertionError, match="closed"):
        turns.clock()
