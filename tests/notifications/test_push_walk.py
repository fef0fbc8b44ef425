"""Whatever people do and however time passes: WeChat refuses no push, and each arrives once or waits and says why.

The simulator keeps WeChat's own ledger of windows, counts and consents, and refuses what goes beyond it.
"""

from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.push.pace import Counts
from tests.harness.platform.push_office import PUSHES, Office
from tests.harness.platform.push_office import open_office as open_office
from tests.harness.tiers import examples

KINDS = ("milestone", "appeal_update", "card_bound", "digest")
SECONDS = (1, 30, 70, 3600, 9 * 3600, 47 * 3600, 49 * 3600)
WHO = st.sampled_from((0, 1))
# Several at once, more than any window holds.
TELL = st.tuples(st.just("tell"), WHO, st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
ACTS = st.one_of(
    TELL,
    TELL,
    st.tuples(st.just("say"), WHO, st.sampled_from(("你好", "注册", "退订", "1"))),
    st.tuples(st.just("tap"), WHO, st.none()),
    st.tuples(st.just("consent"), WHO, st.booleans()),
    st.tuples(st.just("leave"), WHO, st.none()),
    st.tuples(st.just("follow"), WHO, st.none()),
    st.tuples(st.just("move"), WHO, st.sampled_from(SECONDS)),
    st.tuples(st.just("deliver"), WHO, st.none()),
)
_marks, _people = count(100_000), count(1)


class Walk:
    def __init__(self, office: Office) -> None:
        self.office = office
        self.openids = [f"oWalk{next(_people)}" for _ in range(2)]
        self.ids = [office.person(openid) for openid in self.openids]
        self.told: dict[int, tuple[str, str]] = {}

    def act(self, act: str, who: int, what: Any) -> None:
        wechat, openid = self.office.wechat, self.openids[who]
        match act:
            case "tell":
                for kind in what:
                    self._tell(who, kind)
                self.office.deliver()
            case "say":
                wechat.send_text(openid, what)
            case "tap":
                wechat.click(openid, "no-such-button")
            case "consent":
                wechat.answer_popup(openid, {"s-progress": what})
            case "leave":
                wechat.unfollow(openid)
            case "follow":
                wechat.follow(openid)
            case "move":
                self.office.move(seconds=what)
            case "deliver":
                self.office.deliver()

    def _tell(self, who: int, kind: str) -> None:
        mark = str(next(_marks))
        named = {"work_no": f"A{mark}"} if kind == "card_bound" else {"gifts": int(mark)}
        facts = named if kind in ("card_bound", "digest") else {"title": f"修路{mark}"}
        for notice in self.office.told(self.ids[who], kind, **facts):
            self.told[notice] = (self.openids[who], mark)

    def check(self) -> None:
        for notice, (openid, mark) in self.told.items():
            row = self.office.row(notice)
            pushed = Counter(entry["kind"] for entry in self.office.shown(openid, *PUSHES) if mark in str(entry))
            if row.channel in (None, "reply"):
                continue
            assert row.state in ("sent", "delivered", "read", "waiting"), (row.state, row.reason)
            # Its words may stand in a reply as well, where its card said too little.
            sent = pushed["msgmenu"] + pushed["template"] + pushed["subscription"]
            assert sent <= 1, (pushed, row.template)
            assert sent or pushed["text"] or row.reason, row.template


@pytest.mark.parametrize("options", [{"templates": False, "subscriptions": True}, {"subscriptions": True}])
@pytest.mark.search
def test_wechat_refuses_nothing_and_each_arrives_once(open_office: Any, options: dict[str, bool]) -> None:
    office = open_office(**options)

    @settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(ACTS, min_size=8, max_size=30))
    def walk(acts: list[tuple[str, int, Any]]) -> None:
        one = Walk(office)
        for act in acts:
            one.act(*act)
        # Whatever was put off for the night or the pace goes out in the end.
        for _ in range(3):
            office.deliver()
            office.move(hours=12)
        one.check()
        # Not one call beyond what WeChat would have let through; what left with a person is no refusal of ours.
        assert {name for name in Counts(office.redis).read() if not name.endswith(":0")} <= {"template:not_begun"}

    walk()
