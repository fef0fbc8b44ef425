"""Every word of the staff, over the table of commands itself: who may say it, and what each wrong number is told.

A command that is added later fails here until somebody has said what it answers to nonsense.
"""

import inspect
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.words.lexicon import load_lexicon
from bot.words.render import TEMPLATES
from flows.engine.session import Option, Screen, Session, dumps
from handlers.routing import dispatch
from handlers.routing.command import Command, Takes
from handlers.routing.command_table import COMMANDS
from models.core.audit_trail import AuditEvent
from models.people.conversation import Conversation
from models.staff.member import STAFF_ROLES, Staff
from models.staff.task import open_task
from models.support.ticket import open_ticket
from models.verification.case import Verification
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.cases import seen_in_need
from tests.scenes.seat import SEAT

LONGHUI, WORDS = "430524101000", load_lexicon().words
STAFF_COMMANDS = {name: command for name, command in COMMANDS.items() if command.staff}
SAID = {name: WORDS[name][0] for name in STAFF_COMMANDS if name in WORDS}
MATTERS = (Takes.MATTER, Takes.MATTER_AND_WORDS)


def say(stage: Stage, name: str, words: str) -> tuple[str, str]:
    """What was answered, by its name, and the words; news that stood before it left out."""
    reply = stage.say(f"o-{name}", words)
    answers = [
        said for said in stage.said if not said.startswith(("notifications/", "replies/notifications/more_unread"))
    ]
    return (answers or [""])[0], reply


def choose(stage: Stage, name: str, command: Command) -> str:
    """A numbered line that leads to the command, left on this person's screen by an earlier day; they pick it."""
    parameters = list(inspect.signature(command.run).parameters.values())[1:]
    needed = [parameter for parameter in parameters if parameter.default is inspect.Parameter.empty]
    screen = Screen(
        [Option(1, "", ["command", command.name, *["appeal:1"] * len(needed)])], int(stage.clock().timestamp())
    )
    with Database(stage.database) as db, db.begin():
        db.execute(
            update(Conversation).where(Conversation.openid == f"o-{name}").values(session=dumps(Session(screen=screen)))
        )
    return say(stage, name, "1")[0]


def newest_event(stage: Stage) -> tuple[int, str, str | None]:
    with Database(stage.database) as db:
        event = db.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        return event.id, event.action, event.detail


# Who may say it, written down once more: who widens a seat's powers in the table does so here too.
PERMITTED = {
    ("village", "township", "county", "fund_holder", "keeper"): "todo hand_over declare_conflict my_conflicts",
    ("village", "township", "county", "keeper"): "points close_point ask_close_point close_now point_list",
    ("village", "township", "keeper"): "hand_out",
    ("keeper",): "parcel_here keep_point decline_point take_all one_by_one take_amiss",
    ("village", "township", "county", "fund_holder"): (
        "approve send_back reject broadcast_progress stop_broadcast view_story view_budget view_flags desk_yes desk_no"
    ),
    ("village", "township", "county"): (
        "visit statistics publish answer_ticket end_ticket record_call revision_story approve_revision reject_revision "
        "send_back_update view_statistics view_told view_ticket view_visit approve_shop take_down stop_paper_erasure "
        "open_point change_point view_parcel carry_goods view_rounds dismiss_match close_loss "
        "photos review_photo ask_again approve_photo keep_photo_back hide_photo"
    ),
    ("village", "township"): (
        "proxy proxy_register proxy_appeal proxy_mandate proxy_write proxy_card erase_on_paper print_collection_card "
        "give_word proxy_pages proxy_page_mandate proxy_pages_of proxy_page proxy_agree_to_page proxy_close_page "
        "proxy_goods proxy_goods_mandate proxy_goods_of proxy_proposal proxy_want proxy_part proxy_leave "
        "proxy_got proxy_wrong proxy_say_wrong proxy_thank "
        "proxy_family proxy_family_mandate proxy_family_of proxy_family_add proxy_family_member proxy_family_end"
    ),
    ("township", "county"): (
        "spot_check invite team suspend_staff restore_staff revoke_staff assign sound doubt view_staff "
        "view_objections uphold dismiss uphold_report dismiss_report pass_report view_reports answer_household "
        "uphold_after_sale"
    ),
    ("county",): (
        "stop go_on revoke_case end_appeal uphold_frozen uphold_taken_down uphold_case_suspended uphold_seat_suspended "
        "uphold_noted suspend_seller resume_seller dissolve_organisation start_campaign "
        "campaign_firms strike_firm"
    ),
    ("county", "fund_holder"): (
        "call_donors refunds reconcile close_discrepancy view_refund view_discrepancy more_discrepancies view_receipt"
    ),
    ("fund_holder",): (
        "pay_out enter_transfer not_transferred settle pools open_pool fund_pool close_pool return_pool "
        "suspense_items top_up cover_fees reverse_entry bounce view_suspense_item settle_suspense undo_this "
        "more_pools resubmit_refund resubmit_refunds refund_by_hand issue_receipt refuse_receipt void_receipt"
    ),
}


def test_each_word_is_for_these_seats_and_no_other() -> None:
    permitted = {name: set(roles) for roles, names in PERMITTED.items() for name in names.split()}
    assert {name: set(command.staff or ()) for name, command in STAFF_COMMANDS.items()} == permitted


def outsiders(stage: Stage) -> dict[str, str | None]:
    """Name -> the role that they hold, or held, or will hold, if any."""
    stage.register("o-resident", "resident")
    stage.register("o-donor", "donor")
    stage.person("o-stranger")
    people: dict[str, str | None] = {"resident": None, "donor": None, "stranger": None}
    now = stage.clock()
    gone: dict[str, dict[str, Any]] = {
        "suspended": {"state": "suspended"},
        "revoked": {"state": "revoked"},
        "expired": {"active_until": now},
        "not-yet": {"active_from": now + timedelta(minutes=1)},
    }
    for role in STAFF_ROLES:
        stage.appoint(f"o-{role}", role, SEAT[role], f"N-{role}")
        people[role] = role
    for kind, change in gone.items():
        for role in ("village", "county"):
            number = stage.appoint(f"o-{kind}-{role}", role, SEAT[role], f"N-{kind}-{role}")
            with Database(stage.database) as db, db.begin():
                db.execute(update(Staff).where(Staff.id == number).values(**change))
            people[f"{kind}-{role}"] = f"no {role} now"
    return people


@pytest.mark.parametrize("each_word_by", ["one in turn", pytest.param("all", marks=pytest.mark.slow)])  # 900 turns
def test_a_staff_word_of_anybody_else_gets_the_ordinary_help_and_leaves_a_trace(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, each_word_by: str
) -> None:
    monkeypatch.setattr(dispatch, "MOST_REFUSED", len(STAFF_COMMANDS))  # all of them, on one day
    people = outsiders(stage)
    for number, (name, command) in enumerate(STAFF_COMMANDS.items()):
        others = [person for person, role in people.items() if role not in (command.staff or ())]
        for person in others if each_word_by == "all" else [others[number % len(others)]]:
            before = newest_event(stage)[0]
            had_a_seat = "-" in person
            if name in SAID:
                answered, reply = say(stage, person, SAID[name])
                assert had_a_seat or "1 " in reply or "2 " in reply  # the menu, or the way to it
            else:
                answered = choose(stage, person, command)
            told = ("replies/routing/not_understood", "replies/routing/not_understood_here")
            assert answered in (("replies/staff/not_serving",) if had_a_seat else told), (name, person)
            assert newest_event(stage) == (before + 1, "command_refused", name), (name, person)


def test_a_forwarded_staff_command_moves_nothing_in_an_outsiders_hands(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang")
    for words in (f"通过 {number}", f"通过{number}号", f"退回 {number} 1", f"驳回 {number} 不属实", "分派 1 N-1"):
        assert say(stage, "wang", words)[0] == "replies/routing/not_understood"
    with Database(stage.database) as db:
        events = db.scalars(select(AuditEvent.to_state).where(AuditEvent.subject == "appeal")).all()
        assert list(events) == ["submitted"]
    assert "等村里看" in stage.say("o-wang", f"看 {number}")


def test_those_who_may_say_it_are_answered(stage: Stage) -> None:
    for role in STAFF_ROLES:
        stage.appoint(f"o-{role}", role, SEAT[role], f"N-{role}")
        for name, command in STAFF_COMMANDS.items():
            if name in SAID and role in (command.staff or ()):
                answered, _ = say(stage, role, SAID[name])
                assert answered not in ("replies/routing/not_understood", "replies/routing/sorry", ""), (role, name)
                say(stage, role, "菜单")


# What a wrong number is told. Situation, role, what follows the word -> the answer's name, and words that stand in it.

UNKNOWN, OUTSIDE, STATE, DECIDED = "unknown", "outside", "state", "decided"
Row = tuple[str, str, str, str, str]
A, C, OUT, TURN = (
    "replies/refusals:no_such_appeal",
    "replies/refusals:no_such_case",
    "replies/refusals:outside_region",
    "replies/refusals:not_your_turn",
)
WRONG, STANDS = "replies/refusals:wrong_state", "replies/refusals:wrong_seat_state"


def matter_rows(role: str, tail: str = "") -> list[Row]:
    """The same for every decision that is somebody's turn."""
    return [
        (UNKNOWN, role, f"999{tail}", A, "没有 999 号求助"),
        (UNKNOWN, role, f"认证999{tail}", C, "没有认证 999 号"),
        (OUTSIDE, role, f"2{tail}", OUT, "2 号不归您管"),
        (OUTSIDE, role, f"认证2{tail}", OUT, "认证 2 号不归您管"),
        (DECIDED, role, f"1{tail}", TURN, "正在募捐"),
        (DECIDED, role, f"认证1{tail}", TURN, "认证通过了"),
    ]


def staff_rows(word: str = "") -> list[Row]:
    return [
        (UNKNOWN, "county", f"nobody-1{word}", "replies/refusals:no_such_staff", "没有工号"),
        (OUTSIDE, "county", f"n-longhui{word}", "replies/refusals:not_below_you", "不归您管"),
        (OUTSIDE, "county", f"n-county{word}", "replies/refusals:on_yourself", "是您自己"),
    ]


WRONG_NUMBERS: dict[str, list[Row]] = {
    "visit": [
        (UNKNOWN, "village", "999", C, "没有认证 999 号"),
        (OUTSIDE, "village", "2", OUT, "认证 2 号不归您管"),
        (STATE, "village", "4", TURN, "正在查名册"),
        (STATE, "county", "3", TURN, "在村信息员手里"),
        (DECIDED, "village", "1", TURN, "认证通过了"),
    ],
    "approve": [
        *matter_rows("village"),
        (STATE, "county", "3", TURN, "在村信息员手里"),
        (STATE, "fund_holder", "3", TURN, "在村信息员手里"),
        (STATE, "county", "认证3", TURN, "等信息员上门走访"),
    ],
    "send_back": [
        *matter_rows("village"),
        *matter_rows("village", " 1"),
        (STATE, "township", "3", TURN, "在村信息员手里"),
        (STATE, "county", "认证3 1", TURN, "等信息员上门走访"),
    ],
    "reject": [
        *matter_rows("village"),
        *matter_rows("village", " 1"),
        (STATE, "county", "3 1", TURN, "在村信息员手里"),
        (STATE, "county", "认证3", TURN, "等信息员上门走访"),
    ],
    "stop": [
        (UNKNOWN, "county", "999", A, "没有 999 号求助"),
        (UNKNOWN, "county", "认证999 1", C, "没有认证 999 号"),
        (OUTSIDE, "county", "2", OUT, "2 号不归您管"),
        (OUTSIDE, "county", "认证2 1", OUT, "认证 2 号不归您管"),
        (STATE, "county", "3", WRONG, "等村里看"),
        (STATE, "county", "认证3 1", WRONG, "等信息员上门走访"),
        (DECIDED, "county", "4", WRONG, "暂停了"),
    ],
    "go_on": [
        (UNKNOWN, "county", "999", A, "没有 999 号求助"),
        (UNKNOWN, "county", "认证999", C, "没有认证 999 号"),
        (OUTSIDE, "county", "2", OUT, "2 号不归您管"),
        (OUTSIDE, "county", "认证2", OUT, "认证 2 号不归您管"),
        (STATE, "county", "3", WRONG, "等村里看"),
        (DECIDED, "county", "1", WRONG, "正在募捐"),
        (DECIDED, "county", "认证1", WRONG, "认证通过了"),
    ],
    "assign": [
        (UNKNOWN, "county", "999 n-village", A, "没有 999 号求助"),
        (UNKNOWN, "county", "认证999", C, "没有认证 999 号"),
        (OUTSIDE, "county", "2 n-village", OUT, "2 号不归您管"),
        (STATE, "county", "认证4", "replies/refusals:nothing_to_assign", "没有要办的事"),
        (DECIDED, "county", "1", "replies/refusals:nothing_to_assign", "没有要办的事"),
        (UNKNOWN, "county", "3 nobody-1", "replies/refusals:no_such_staff", "没有工号"),
        (OUTSIDE, "county", "3 n-longhui", "replies/refusals:wrong_seat", "不归他管"),
    ],
    "pay_out": [
        (UNKNOWN, "fund_holder", "999", "replies/refusals:no_such_disbursement", "没有用款 999 号"),
    ],
    "photos": [
        (UNKNOWN, "village", "999", A, "没有 999 号求助"),
        (UNKNOWN, "village", "集市999", "replies/refusals:no_such_thing", "999"),
        (OUTSIDE, "village", "2", OUT, "2 号不归您管"),
        (STATE, "county", "3", "replies/refusals:photos_not_public", "等村里看"),
        (STATE, "county", "4", "replies/refusals:photos_not_public", "暂停了"),
    ],
    "publish": [(UNKNOWN, "village", "999", "replies/refusals:no_such_update", "没有进展（感谢）999 号")],
    "call_donors": [
        (UNKNOWN, "county", "999", A, "没有 999 号求助"),
        (STATE, "county", "3", A, "没有 3 号求助"),
        (STATE, "fund_holder", "4", "replies/refusals:not_funding", "暂停了"),
    ],
    "broadcast_progress": [(UNKNOWN, "village", "999", "replies/refusals:no_such_broadcast", "没有群发 999 号")],
    "stop_broadcast": [(UNKNOWN, "county", "999", "replies/refusals:no_such_broadcast", "没有群发 999 号")],
    "reconcile": [(UNKNOWN, "county", "昨天", "replies/refusals:no_such_bill_day", "没有“昨天”这一天的账单")],
    "close_discrepancy": [
        (UNKNOWN, "county", "999", "replies/refusals:no_such_discrepancy", "没有差错 999 号"),
        (UNKNOWN, "fund_holder", "999 2 已退回", "replies/refusals:no_such_discrepancy", "没有差错 999 号"),
    ],
    "refunds": [
        (UNKNOWN, "fund_holder", "999", "replies/refusals:no_such_refund_run", "求助 999 号没有要全部退回的捐款")
    ],
    "suspense_items": [(UNKNOWN, "fund_holder", "999", "replies/refusals:no_such_suspense_item", "没有待查 999 号")],
    "reverse_entry": [(UNKNOWN, "fund_holder", "t-999", "replies/treasury/which_bank_entry", "没有流水号 T999")],
    **{
        name: [(UNKNOWN, "fund_holder", "999", "replies/refusals:no_such_pool", "没有配捐 999 号")]
        for name in ("pools", "fund_pool", "close_pool", "return_pool")
    },
    "answer_ticket": [
        (UNKNOWN, "village", "999 您好", "replies/refusals:no_such_ticket", "没有 999 号工单"),
        (OUTSIDE, "village", "2 您好", OUT, "工单 2 号不归您管"),
        (DECIDED, "village", "3 您好", "replies/refusals:no_such_ticket", "已经结束了"),
        (STATE, "village", "1", "replies/refusals:answer_missing", "还没写"),
    ],
    # Where there is one that concerns the reader: tests/support/test_complaint_reach.py.
    **{
        name: [
            (UNKNOWN, role, "999", "replies/refusals:no_such_inquiry", "没有举报 999 号")
            for role in ("township", "county")
        ]
        for name in ("uphold_report", "dismiss_report")
    },
    "stop_paper_erasure": [(UNKNOWN, "village", "999", "replies/refusals:no_such_paper_erasure", "没有注销 999 号")],
    "end_ticket": [
        (UNKNOWN, "village", "999", "replies/refusals:no_such_ticket", "没有 999 号工单"),
        (OUTSIDE, "village", "2", OUT, "工单 2 号不归您管"),
        (DECIDED, "village", "3", "replies/refusals:no_such_ticket", "已经结束了"),
        (STATE, "village", "1", "replies/refusals:ticket_waits", "还有话没答复"),
    ],
    "suspend_staff": [*staff_rows(), *staff_rows(" 1"), (DECIDED, "county", "n-away 1", STANDS, "停用了")],
    "restore_staff": [*staff_rows(), (STATE, "county", "n-village", STANDS, "在岗")],
    "revoke_staff": [*staff_rows(), *staff_rows(" 1"), (DECIDED, "county", "n-ended 1", STANDS, "撤销了")],
    "hand_over": [
        (UNKNOWN, "village", "nobody-1", "replies/refusals:no_such_staff", "没有工号"),
        (OUTSIDE, "village", "n-longhui", "replies/refusals:not_a_colleague", "同一个乡镇"),
        (STATE, "county", "n-county", "replies/refusals:on_yourself", "是您自己"),
    ],
    **{
        name: [
            (UNKNOWN, "village", "999", "replies/refusals:no_such_thing", "没有这个取货点"),
            (UNKNOWN, "county", "999", "replies/refusals:no_such_thing", "没有这个取货点"),
        ]
        for name in ("points", "close_point")
    },
    # Where the keeper keeps a point: tests/goods/points.
    "parcel_here": [(STATE, "keeper", "AB23CD45", "replies/refusals:no_point_kept", "没有管取货点")],
    "hand_out": [(STATE, "keeper", "123456", "replies/refusals:no_point_kept", "没有管取货点")],
    "statistics": [
        (UNKNOWN, "county", "没有的地方", "replies/refusals:region_unknown", "没有的地方"),
        (OUTSIDE, "county", "隆回县", "replies/refusals:region_unknown", "道县"),
    ],
}


def test_every_word_with_a_number_has_its_wrong_numbers() -> None:
    numbered = {name for name in SAID if STAFF_COMMANDS[name].takes is not Takes.NOTHING}
    assert set(WRONG_NUMBERS) == numbered
    for name, rows in WRONG_NUMBERS.items():
        # 照片 decides on photos one by one, and of the thing itself nothing.
        if STAFF_COMMANDS[name].takes in MATTERS and name != "photos":
            assert {row[0] for row in rows} == {UNKNOWN, OUTSIDE, STATE, DECIDED}, name
        assert {row[1] for row in rows} <= (STAFF_COMMANDS[name].staff or set()), name


def test_each_wrong_number_gets_its_own_clear_answer_and_changes_nothing(stage: Stage) -> None:
    set_the_scene(stage)
    before, wrong = moves(stage), []
    for name, rows in WRONG_NUMBERS.items():
        for situation, role, tail, answer, part in rows:
            answered, reply = say(stage, role, f"{SAID[name]} {tail}")
            if answered != answer or part.lower() not in reply.lower():
                wrong.append((SAID[name], tail, role, situation, answered, reply))
            say(stage, role, "菜单")
    assert not wrong
    assert moves(stage) == before


def moves(stage: Stage) -> int:
    """How many changes of state there were, and how many things were decided on or changed hands."""
    actions = ("moved", "assigned", "handed_over", "revised")
    with Database(stage.database) as db:
        return len(db.scalars(select(AuditEvent.id).where(AuditEvent.action.in_(actions))).all())


def set_the_scene(stage: Stage) -> None:
    """Appeals 1 (passed), 2 (of another county), 3 (waits for the village), 4 (stopped); cases 1 to 4 in this order of
    households: verified, of another county, waits for a visit, waits for the registry. Tickets 1 to 3: open, of another
    county, answered.
    """
    stage.register("o-wang", "resident")
    stage.register("o-li", "resident", LONGHUI)
    stage.register("o-zhao", "resident", verified=False)
    stage.registry_answers("match")
    stage.register("o-qian", "resident", verified=False)
    stage.ask("o-wang")
    stage.ask("o-li")
    stage.register("o-sun", "resident")
    stage.ask("o-sun")
    stage.ask("o-wang", category="housing")
    for role in STAFF_ROLES:
        stage.appoint(f"o-{role}", role, "431124000000" if role == "fund_holder" else SEAT[role], f"N-{role.upper()}")
    for name, change in {"AWAY": "suspended", "ENDED": "revoked"}.items():
        number = stage.appoint(f"o-{name}", "township", DAOXIAN_MEIHUA, f"N-{name}")
        with Database(stage.database) as db, db.begin():
            db.execute(update(Staff).where(Staff.id == number).values(state=change))
    stage.appoint("o-longhui", "village", LONGHUI, "N-LONGHUI")
    with Database(stage.database) as db, db.begin():
        person = stage_person(db)
        for region in (DAOXIAN_MEIHUA, LONGHUI, DAOXIAN_MEIHUA):
            ticket = open_ticket(db, person, region, f"listing:{region}", stage.clock())
            person += 1
        ticket.state, ticket.closed_at = "closed", stage.clock() - timedelta(days=30)
    assert say(stage, "village", "通过 1")[0] == "replies/staff/decided"
    assert say(stage, "village", "通过 4")[0] == "replies/staff/decided"
    assert say(stage, "county", "冻结 4 1")[0] == "replies/staff/decided"


def stage_person(db: Database) -> int:
    return db.scalars(select(Conversation.id).order_by(Conversation.id).limit(1)).one()


# Help


def test_the_words_of_staff_are_told_exactly_once_each() -> None:
    source = (TEMPLATES / "shared" / "routing" / "staff_words.txt").read_text(encoding="utf-8")
    assert set(re.findall(r"{%-? *macro (\w+)", source)) == set(SAID)


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_help_names_the_words_of_the_role_and_no_other(stage: Stage, role: str) -> None:
    stage.appoint("o-zhou", role, SEAT[role])
    reply = stage.say("o-zhou", "帮助")
    assert len(reply.encode()) <= 2000
    assert not reply.endswith("…")
    told = set(re.findall(r"^“(\S+?)(?: [^”]*)?”：", reply, re.MULTILINE))
    numbered = set(re.findall(r"^\d (\S+?)（", reply, re.MULTILINE))
    assert not told & numbered  # the reply has no room to say a thing twice
    told |= numbered & {SAID[name] for name in SAID}
    theirs = {SAID[name] for name in SAID if role in (STAFF_COMMANDS[name].staff or ())}
    others = {SAID[name] for name in SAID} - theirs
    assert theirs - told <= {SAID["invite"]}  # said by another word, which everybody has
    assert not told & others


# Three numbers


@pytest.mark.parametrize("verdict", ["pass", "return", "reject"])
@pytest.mark.parametrize("subject", ["appeal", "case"])
def test_a_decision_takes_three_numbers(stage: Stage, subject: str, verdict: str) -> None:
    stage.register("o-wang", "resident", verified=subject == "appeal")
    role = "village" if subject == "appeal" else "county"
    stage.appoint("o-zhou", role, SEAT[role])
    visitor = stage.appoint("o-visitor", "village", DAOXIAN_MEIHUA)  # for the case that goes back
    if subject == "appeal":
        stage.ask("o-wang")
    else:
        with Database(stage.database) as db, db.begin():
            case = db.scalars(select(Verification)).one()
            case.state = "county_review"
            seen_in_need(db, case, visitor, stage.clock())
            open_task(db, case.matter, "county_review", stage.clock())
    assert "等您办的" in stage.say("o-zhou", "待办")
    assert say(stage, "zhou", "1")[0] == (
        "replies/appeals/file" if subject == "appeal" else "replies/verification/file"
    )
    number = {"pass": "1", "return": "2", "reject": "3"}[verdict]
    answered, reply = say(stage, "zhou", number)
    if verdict != "pass":
        assert answered == "replies/staff/which_reason"
        answered, reply = say(stage, "zhou", "1")
    assert answered == "replies/staff/decided"
    stands = {
        ("appeal", "pass"): "正在募捐",
        ("appeal", "return"): "退回来了",
        ("appeal", "reject"): "没有通过",
        ("case", "pass"): "认证通过了",
        ("case", "return"): "等信息员上门走访",
        ("case", "reject"): "没有通过",
    }
    assert stands[subject, verdict] in reply
    assert "没有等您办的" in stage.say("o-zhou", "待办")
