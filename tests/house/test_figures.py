"""What /metrics tells: how the door answered, and nothing about anybody."""

from collections.abc import Callable
from dataclasses import replace

from bot.turn import Turns
from flows.engine.flow import Answer
from flows.engine.session import Session
from flows.engine.turn import TurnContext
from models.people.message import Message, MessageKind
from tests.harness.figures import figures
from tests.harness.platform import wechat
from tests.harness.stage import Stage


def test_the_door_counts_what_it_answers(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    before = figures(stage)
    xml = wechat.text("你好", "oFigures00000000000000000001")
    for _ in range(3):
        assert stage.deliver(xml)[0] == 200
    assert stage.client.post("/wechat", data=xml).status_code == 403
    turns: Turns = stage.app.extensions["bangfu"]["turns"]

    def broken(turn: TurnContext, session: Session, message: Message) -> Answer:
        raise ValueError("a mistake of ours")

    replace(turns, route=broken).take(Message(MessageKind.TEXT, "gh_1", "oFigures1", 1, msg_id="1", text="x"))
    after = figures(stage)
    counted = {name: after[name] - before.get(name, 0) for name in after if name.startswith("bangfu_")}
    assert counted["bangfu_delivery_seconds_count200"] == 3
    assert counted["bangfu_delivery_seconds_count403"] == 1
    assert counted["bangfu_repeats_total"] == 2
    assert counted["bangfu_failed_turns_total"] == 1
    assert "oFigures" not in stage.client.get("/metrics").get_data(as_text=True)
    stage.close()
