"""Each kind of thing is declared once, and everything that is about things by their kind knows the same ones."""

import sys

import models.tables  # noqa: F401 - every room's tables are there, and their machines with them
from handlers.people.own_things import WORDS
from handlers.routing.owned_kinds import OWNED_KINDS
from handlers.routing.subject_actions import SUBJECT_ACTIONS
from models.core.state_machine import By, Machine
from models.people import photo
from models.staff import task
from models.subjects import SUBJECTS


def test_every_machine_moves_the_things_of_its_name() -> None:
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("models.")]
    machines = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Machine)}
    declared = {subject.name: subject.machine for subject in SUBJECTS.values() if subject.machine}
    assert {machine.subject: machine for machine in machines.values()} == declared
    for subject in SUBJECTS.values():
        if subject.machine:
            assert set(subject.begins) <= subject.machine.sources, subject.name
            assert set(subject.begins), subject.name


def test_what_its_owner_may_withdraw_can_be_found_by_the_word() -> None:
    otherwise = {
        "revision": "改 proposes another, which takes its place",
        "disbursement": "用钱 lists it, with the line to withdraw it",
        "message": "我的捐赠 leads to the gift, and 查 <码> to its message",
        "receipt": "票据 lists the requests, with the line to withdraw each",
        "case": "it goes with the registration, by 注销 or as 授权代办 is refused",
        "after_sale": "订单 shows the order, with the line to withdraw it",
        "name_change": "another one takes its place",
        "organisation": "我的单位 lists what waits, with the line to withdraw it",
        "number_claim": "号码被占 offers it while it waits; whoever claims may not be registered",
    }
    withdrawn = {
        name
        for name, subject in SUBJECTS.items()
        for (_, to), by in (subject.machine.moves if subject.machine else {}).items()
        if to == "withdrawn" and By.OWNER in by
    }
    found = {name for name, kind in OWNED_KINDS.items() if "withdraw" in kind.acts}
    assert withdrawn <= found | set(otherwise), withdrawn - found


def test_owners_words_know_the_states_of_their_things() -> None:
    for name, kind in OWNED_KINDS.items():
        machine = SUBJECTS[name].machine
        assert machine is not None
        assert set(kind.acts) <= set(WORDS)
        for word, act in kind.acts.items():
            assert act.states, f"{word} never applies to {name}"
            assert set(act.states) <= machine.states, (name, word)


def test_officers_may_say_something_to_whatever_waits_for_them() -> None:
    # A firm in a campaign waits for nobody: officers may strike it from its list.
    assert set(SUBJECT_ACTIONS) == {*task.SUBJECTS, "campaign_pledge"}
    assert set(task.SUBJECTS) <= set(SUBJECTS)


def test_every_photo_shows_one_kind_of_thing() -> None:
    shown = [kind for subject in SUBJECTS.values() for kind in subject.photos]
    assert sorted([*shown, "draft"]) == sorted(photo.SUBJECTS)


def test_whatever_belongs_to_a_whole_says_by_which_column() -> None:
    for subject in SUBJECTS.values():
        assert (subject.parent is None) == (subject.parent_id is None), subject.name
        assert subject.parent is None or subject.parent.owner is not None, subject.name
        assert subject.shown is None or subject.parent is not None, subject.name
