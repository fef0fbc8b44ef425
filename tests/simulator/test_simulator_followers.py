"""Who was added at the page is there after a restart, and follows as before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.simulator.simulator import Simulator
from tests.harness.platform.account_server import OPTIONS


def started(file: Path, **changes: Any) -> Simulator:
    options = replace(OPTIONS, followers=file, **changes)
    return Simulator(options, post=lambda *_: (200, b"success"))


def names(simulator: Simulator) -> list[tuple[str, bool]]:
    return [(person["name"], person["following"]) for person in simulator.crowd.shown()]


def test_those_who_were_added_are_the_same_people_after_a_restart(tmp_path: Path) -> None:
    first = started(tmp_path / "followers.json")
    follower, stranger = first.new_person(), first.new_person()
    first.follow(follower.openid)
    shown = first.crowd.shown()
    first.close()

    second = started(tmp_path / "followers.json")
    assert second.crowd.shown() == [{**person, "tags": []} for person in shown]
    assert second.meet(follower.openid) is None, "a second greeting would be one too many"
    assert second.meet(stranger.openid) is not None
    third = second.new_person()
    assert third.name not in {follower.name, stranger.name}
    second.close()


def test_whoever_left_or_came_among_the_people_of_the_start_stays_so(tmp_path: Path) -> None:
    first = started(tmp_path / "followers.json")
    first.unfollow("oAunt")
    first.follow("oNew")
    first.close()
    second = started(tmp_path / "followers.json")
    assert names(second) == [("秀英", False), ("建国", True), ("小满", True)]
    second.follow("oAunt")
    second.unfollow("oNew")
    second.close()
    third = started(tmp_path / "followers.json")
    assert names(third) == [("秀英", True), ("建国", True), ("小满", False)]
    third.close()


def test_a_name_that_the_people_of_the_start_have_changed_since_is_the_new_one(tmp_path: Path) -> None:
    first = started(tmp_path / "followers.json")
    first.unfollow("oAunt")
    first.close()
    renamed = (replace(OPTIONS.people[0], name="秀英奶奶"), *OPTIONS.people[1:])
    second = started(tmp_path / "followers.json", people=renamed)
    assert names(second)[0] == ("秀英奶奶", False)
    second.close()


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    simulator = Simulator(OPTIONS, post=lambda *_: (200, b"success"))
    simulator.new_person()
    simulator.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", ['[{"name": "秀英"}]', "[1]", "{"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "followers.json").write_text(written, encoding="utf-8")
    with pytest.raises(ValueError, match="followers"):  # which the program's start says in a line
        started(tmp_path / "followers.json")
