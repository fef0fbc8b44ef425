"""Every kind of message and event that the platform posts, in every mode, through the bot's own door."""

from collections.abc import Callable

import pytest

from bot.app import create_app
from bot.simulator import envelope, events
from bot.simulator.options import Mode
from bot.simulator.platform import Status
from config.settings import Mode as DoorMode
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import settings_for

KINDS = [
    envelope.text("菜单"),
    envelope.text("看看", option_id="7"),
    envelope.image("http://127.0.0.1/p", "m1"),
    envelope.voice("m2", "我要三十万"),
    envelope.voice("m3", ""),
    envelope.video("m4", "t4"),
    envelope.video("m5", "t5", short=True),
    envelope.location(25.6, 111.6, "道县梅花镇"),
    envelope.link("路", "村口那段路", "https://a.test/"),
    events.subscribe(),
    events.subscribe("17", "ticket"),
    events.scan("17", "ticket"),
    events.click("menu"),
]
SILENT = [
    events.unsubscribe(),
    events.report_location(25.6, 111.6, 30),
    events.view("https://a.test/", 1),
    events.view_miniprogram("pages/index", 1),
    events.scancode("scancode_push", "k", "42"),
    events.scancode("scancode_waitmsg", "k", "42"),
    *(events.pictures(name, "k", ["0" * 32]) for name in ("pic_sysphoto", "pic_photo_or_album", "pic_weixin")),
    events.location_select("k", 25.6, 111.6, "道县"),
    events.template_sent(1),
    events.template_sent(1, "failed:user block"),
    events.mass_sent(1, 2, 1),
    events.consent("subscribe_msg_popup_event", [("t1", "accept")]),
    events.consent("subscribe_msg_change_event", [("t1", "reject"), ("t2", "accept")], wrapped=False),
    events.subscription_sent("t1", 8),
    events.privacy("user_info_modified", "oAunt", "wxa", "platform"),
    events.privacy("user_authorization_revoke", "oAunt", "wxa", "platform", "201"),
    events.privacy("user_authorization_cancellation", "oAunt", "wxa", "platform"),
    events.published("p1"),
]


@pytest.mark.parametrize("mode", Mode)
def test_every_kind_passes_the_door_in_every_mode(
    mode: Mode, new_database: Callable[[], str], run_simulator: Callable[..., RunningSimulator]
) -> None:
    url = new_database()
    app = create_app(settings_for(url, mode=DoorMode(mode)))
    simulator = run_simulator(app, mode=mode).simulator
    for content in (*KINDS, *SILENT):
        delivery = simulator.deliver("oAunt", content)
        assert delivery.violations == (), content.label
        assert [attempt.outcome for attempt in delivery.attempts] == ["answered"], content.label
        assert delivery.status is (Status.REPLIED if content in KINDS else Status.SILENT), content.label
    app.extensions["bangfu"]["turns"].database.dispose()
