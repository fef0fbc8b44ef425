"""What a room declares is in the tables at the top, once; and what it holds, it declares."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bot
import flows
import handlers
import models
from bot.work import jobs as job_table
from bot.work.job import Job
from flows import catalogue
from flows.engine.flow import Flow
from handlers.routing import command_table
from handlers.routing.command import Command
from models import notification_kinds as kind_table
from models.notifications.kinds import KINDS, Kind, Kinds, to_staff

ROOT = Path(__file__).parents[2]
# The simulator is a program of its own; what is run as ``python -m`` is no module to look into.
_ELSEWHERE = ("bot.simulator", "bot.cli", "models.migrations")


def modules(top: ModuleType) -> Iterator[ModuleType]:
    """All that a package holds, a room's folders first."""
    for found in pkgutil.walk_packages(top.__path__, f"{top.__name__}."):
        if not found.name.startswith(_ELSEWHERE) and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def held(places: dict[str, ModuleType], kind: type, skip: str) -> dict[int, str]:
    """Each thing of a kind that stands in a module by a name of its own, in a tuple or in a dict, and where."""
    found: dict[int, str] = {}
    for name, module in places.items():
        if name == skip:
            continue
        for value in vars(module).values():
            several: list[Any] = [value]
            if isinstance(value, tuple):
                several = list(value)
            elif isinstance(value, dict):
                several = list(value.values())
            found |= {id(one): name for one in several if isinstance(one, kind)}
    return found


def missing(places: dict[str, ModuleType], kind: type, table: Any, skip: str) -> list[str]:
    """Where something stands that the table at the top lacks."""
    known = {id(one) for one in table}
    return sorted({name for one, name in held(places, kind, skip).items() if one not in known})


def files(folder: str, name: str) -> set[str]:
    """The rooms that have such a file."""
    return {path.parent.name for path in (ROOT / folder).glob(f"*/{name}.py")}


def of(top: ModuleType) -> dict[str, ModuleType]:
    return {module.__name__: module for module in modules(top)}


TABLES: dict[str, tuple[ModuleType, type, list[Any], str]] = {
    "commands": (handlers, Command, list(command_table.COMMANDS.values()), "handlers.routing.command_table"),
    "conversations": (flows, Flow, list(catalogue.FLOWS), "flows.catalogue"),
    "kinds": (models, Kind, list(KINDS.values()), "models.notification_kinds"),
    "jobs": (bot, Job, list(job_table.JOBS.values()), "bot.work.jobs"),
}


@pytest.mark.parametrize("what", TABLES)
def test_what_a_room_holds_is_in_the_table_at_the_top(what: str) -> None:
    top, kind, assembled, skip = TABLES[what]
    assert assembled
    assert missing(of(top), kind, assembled, skip) == []
    assert {id(one) for one in assembled} == set(held(of(top), kind, skip))


def test_what_no_table_knows_is_found() -> None:
    room = ModuleType("models.attic.notification_kinds")
    room.KINDS = {"moth_found": to_staff()}  # type: ignore[attr-defined]
    places = {**of(models), room.__name__: room}
    assert missing(places, Kind, KINDS.values(), "models.notification_kinds") == ["models.attic.notification_kinds"]


def test_every_room_that_has_a_file_for_it_is_in_the_table() -> None:
    assert {id(room) for room in command_table.ROOMS} == {
        id(importlib.import_module(f"handlers.{room}.commands").COMMANDS) for room in files("handlers", "commands")
    }
    assert {id(room) for room in catalogue.ROOMS} == {
        id(importlib.import_module(f"flows.{room}.flows").FLOWS) for room in files("flows", "flows")
    }
    assert set(kind_table.ROOMS) == files("models", "notification_kinds")
    assert {id(room) for room in job_table.ROOMS} == {
        id(importlib.import_module(f"bot.{room}.jobs").JOBS) for room in files("bot", "jobs") - {"work"}
    }


def test_every_room_of_handlers_and_flows_declares_something() -> None:
    """But for those that serve the others: the router is a room with commands, the engine none with flows."""
    rooms = {path.parent.name for path in (ROOT / "handlers").glob("*/__init__.py")}
    assert rooms == files("handlers", "commands")
    serving = {"engine", "language", "readers", "notifications"}
    rooms = {path.parent.name for path in (ROOT / "flows").glob("*/__init__.py")}
    assert rooms - serving == files("flows", "flows")


def test_nothing_is_declared_twice() -> None:
    names = {
        "commands": [command.name for room in command_table.ROOMS for command in room],
        "conversations": [flow.name for room in catalogue.ROOMS for flow in room],
        "kinds": [name for room in kind_table.ROOMS.values() for name in room],
        "jobs": [name for room in job_table.ROOMS for name in room],
    }
    twice = [(what, name) for what, found in names.items() for name, count in Counter(found).items() if count > 1]
    assert twice == []
    assert [len(found) for found in names.values()] == [len(assembled) for _, _, assembled, _ in TABLES.values()]


def test_a_kind_of_two_rooms_is_refused_and_a_program_that_declares_none_is_told() -> None:
    kinds = Kinds()
    with pytest.raises(RuntimeError, match="wire"):
        kinds.get("card_void")
    kinds.declare("proxy", {"card_void": to_staff()})
    kinds.declare("proxy", {"card_void": to_staff()})
    assert (list(kinds), kinds.room_of("card_void")) == (["card_void"], "proxy")
    with pytest.raises(ValueError, match="both declare the kind card_void"):
        kinds.declare("staff", {"card_void": to_staff()})


def test_a_job_is_known_by_a_name_that_no_move_changes() -> None:
    """These lie in Redis and in the rows of dead jobs: a release must know every name of the one before."""
    assert set(job_table.JOBS) == {
        "ask_refund",
        "ask_refunds",
        "check_books",
        "give_menus",
        "check_registry",
        "deliver",
        "deliver_bulk",
        "erase",
        "fan_out",
        "fetch_bill",
        "fetch_order_bills",
        "fetch_photo",
        "follow_gifts",
        "forget_photo",
        "hear_voice",
        "make_appeal_code",
        "make_card_code",
        "make_listing_code",
        "publish_photo",
        "query_order",
        "query_order_payment",
        "return_gifts",
        "seal_photo_files",
        "send_follow_up",
        "send_transfers",
        "write_digests",
        "sweep_photo_files",
    }
