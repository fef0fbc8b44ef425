"""What the simulator delivers, against a small bot made with wechatpy, over real loopback sockets."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from xml.etree import ElementTree

import pytest
from flask import Response
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

from bot.simulator import envelope, events
from bot.simulator.crowd import UnknownPerson
from bot.simulator.options import Mode
from bot.simulator.platform import Status
from bot.simulator.serving import serving
from bot.simulator.simulator import NoSuchButton, Simulator
from tests.harness.processes.programs import wait_until
from tests.harness.simulator.echo_bot import JPEG, MENU, OPTIONS, EchoBot, chatting, reply_xml


def parsed(xml: str) -> ElementTree.Element:
    return ElementTree.fromstring(xml)


def field_of(xml: str, name: str) -> str:
    return parsed(xml).findtext(name, "")


@pytest.mark.parametrize("mode", list(Mode))
def test_a_text_is_answered_in_every_mode(mode):
    with chatting(EchoBot(mode)) as simulator:
        delivery = simulator.send_text("oAunt", "修路 <b> & 第二行\n完")
    assert (delivery.status, delivery.violations) == (Status.REPLIED, ())
    assert delivery.reply_text == "修路 <b> & 第二行\n完"
    assert [attempt.outcome for attempt in delivery.attempts] == ["answered"]


@pytest.mark.parametrize("mode", list(Mode))
def test_what_goes_over_the_wire_is_what_the_mode_says(mode):
    with chatting(EchoBot(mode)) as simulator:
        sent = simulator.send_text("oAunt", "三十万").attempts[0].wire_request
    assert ("<Encrypt>" in sent) is (mode is not Mode.PLAIN)
    assert ("三十万" in sent) is (mode is not Mode.SAFE)


def test_the_url_check_wants_its_echo_back():
    with chatting(EchoBot()) as simulator:
        assert simulator.check_url()
        wrong_token = Simulator(replace(simulator.options, token="another"))
        assert not wrong_token.check_url()
        wrong_token.close()
    assert not simulator.check_url()
    simulator.close()


def test_every_way_of_speaking_reaches_the_bot():
    with chatting(EchoBot()) as simulator:
        assert simulator.voice("oAunt", "我要三十万").reply_text == "我要三十万"
        assert simulator.place("oAunt", 27.114, 111.032, "隆回县").reply_text == "隆回县"
        media_id = simulator.photo("oAunt", JPEG).reply_text
        assert simulator.media.get(media_id).data == JPEG
        assert simulator.click("oAunt", "求助").reply_text == "click 求助"
        assert simulator.scan("oAunt", "42").reply_text == "scan 42"
        assert simulator.unfollow("oAunt").status is Status.SILENT


def test_a_first_look_follows_and_a_later_one_does_not():
    with chatting(EchoBot()) as simulator:
        first = simulator.meet("oNew")
        assert first is not None
        assert field_of(first.request_xml, "Event") == "subscribe"
        assert simulator.meet("oNew") is None
        simulator.unfollow("oNew")
        assert simulator.meet("oNew") is None
        assert simulator.meet("oAunt") is None  # followed before the simulator started


def test_a_scan_by_somebody_new_is_a_follow_with_the_scene():
    with chatting(EchoBot()) as simulator:
        scanned = simulator.scan("oNew", "village7").request_xml
        assert field_of(scanned, "Event") == "subscribe"
        assert field_of(scanned, "EventKey") == "qrscene_village7"
        again = simulator.scan("oNew", "village7").request_xml
        assert (field_of(again, "Event"), field_of(again, "EventKey")) == ("SCAN", "village7")


def test_nobody_can_speak_for_a_stranger():
    with chatting(EchoBot()) as simulator:
        with pytest.raises(UnknownPerson):
            simulator.send_text("oNobody", "喂")
        assert simulator.chat.newer_than(0)["entries"] == []


@pytest.mark.parametrize("body", ["", "success"])
def test_a_bot_may_say_nothing(body):
    with chatting(EchoBot(answer=lambda _: body)) as simulator:
        delivery = simulator.send_text("oAunt", "1")
    assert (delivery.status, delivery.reply, delivery.violations) == (Status.SILENT, None, ())


def test_a_slow_bot_gets_the_same_message_three_times_and_the_person_the_line():
    leave = threading.Event()
    bot = EchoBot(before=lambda _: leave.wait(30))
    with chatting(bot, deadline=0.3) as simulator:
        delivery = simulator.send_text("oAunt", "慢")
        assert wait_until(lambda: len(bot.nonces) == 3)  # the last caller may be gone before it is read
        leave.set()
    assert delivery.status is Status.UNAVAILABLE
    assert [attempt.outcome for attempt in delivery.attempts] == ["timeout"] * 3
    assert bot.heard == [delivery.request_xml] * 3
    assert len(set(bot.nonces)) == 3
    kinds = [entry["kind"] for entry in simulator.chat.newer_than(0)["entries"]]
    assert kinds == ["text", "unavailable"]


def test_a_bot_that_is_slow_once_answers_the_second_delivery():
    leave = threading.Event()
    bot = EchoBot(before=lambda nth: leave.wait(30) if nth == 1 else None)
    with chatting(bot, deadline=1.5) as simulator:
        delivery = simulator.send_text("oAunt", "再来")
        leave.set()
    assert [attempt.outcome for attempt in delivery.attempts] == ["timeout", "answered"]
    assert (delivery.status, delivery.reply_text) == (Status.REPLIED, "再来")


def test_an_answer_that_drips_past_the_deadline_is_late():
    leave = threading.Event()

    def drip(_: str) -> Response:
        def pieces() -> Iterator[bytes]:
            while not leave.wait(0.05):
                yield b" "

        return Response(pieces())

    with chatting(EchoBot(answer=drip), deadline=0.3) as simulator:
        delivery = simulator.send_text("oAunt", "滴")
        leave.set()
    assert [attempt.outcome for attempt in delivery.attempts] == ["timeout"] * 3


def test_a_refusing_bot_is_tried_three_times():
    with chatting(EchoBot(answer=lambda _: Response(status=503))) as simulator:
        delivery = simulator.send_text("oAunt", "1")
    assert delivery.status is Status.UNAVAILABLE
    assert [(attempt.outcome, attempt.http_status) for attempt in delivery.attempts] == [("http_status", 503)] * 3


def test_a_bot_that_is_not_there_is_tried_three_times():
    with chatting(EchoBot()) as simulator:
        pass
    delivery = Simulator(simulator.options).send_text("oAunt", "1")
    assert [attempt.outcome for attempt in delivery.attempts] == ["unreachable"] * 3


ARTICLE = "<item><Title>路</Title><Description/><PicUrl/><Url>{}</Url></item>"


@pytest.mark.parametrize(
    ("reply", "codes"),
    [
        (reply_xml(), []),
        (reply_xml("字" * 682), []),
        (reply_xml("字" * 683), ["text_too_long"]),
        (reply_xml(""), ["missing_field"]),
        (reply_xml(to="oOther"), ["wrong_recipient"]),
        (reply_xml(by="gh_other"), ["wrong_sender"]),
        (reply_xml().replace("17", "now"), ["wrong_time"]),
        (reply_xml(kind="poem"), ["unknown_kind"]),
        (reply_xml("a]]></Content><Evil/><Content><![CDATA["), ["repeated_field", "unexpected_field"]),
        (reply_xml("a]]><b/><![CDATA["), ["unexpected_field"]),
        (reply_xml("a]]>b</Content>c<!--"), ["malformed_xml"]),
        (reply_xml(more="loose"), ["loose_text"]),
        (reply_xml("\x0b"), ["malformed_xml"]),
        ('{"MsgType": "text"}', ["malformed_xml"]),
        ("<reply/>", ["wrong_root"]),
        ('<!DOCTYPE xml [<!ENTITY a "b">]>' + reply_xml(), ["document_type"]),
        (reply_xml(kind="image"), ["missing_field"]),
        (reply_xml(kind="image", more="<Image><MediaId>m</MediaId></Image>"), []),
        (
            reply_xml(
                kind="news", more=f"<ArticleCount>1</ArticleCount><Articles>{ARTICLE.format('http://a')}</Articles>"
            ),
            [],
        ),
        (
            reply_xml(
                kind="news", more=f"<ArticleCount>1</ArticleCount><Articles>{ARTICLE.format('ftp://a') * 2}</Articles>"
            ),
            ["wrong_article_count", "too_many_articles", "wrong_url", "wrong_url"],
        ),
    ],
)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.SAFE])
def test_each_broken_rule_is_named(mode, reply, codes):
    with chatting(EchoBot(mode, answer=lambda _: reply)) as simulator:
        delivery = simulator.send_text("oAunt", "1")
    assert [violation.code for violation in delivery.violations] == codes
    assert delivery.status is (Status.UNAVAILABLE if codes else Status.REPLIED)
    assert len(delivery.attempts) == 1  # a wrong answer is not asked for again


def sealed_reply(token: str = OPTIONS.token, app_id: str = OPTIONS.app_id) -> str:
    return str(WeChatCrypto(token, OPTIONS.aes_key, app_id).encrypt_message(reply_xml(), "5", "17"))


@pytest.mark.parametrize(
    ("mode", "reply", "codes"),
    [
        (Mode.SAFE, reply_xml(), ["plain_in_safe_mode"]),
        (Mode.COMPATIBLE, reply_xml(), []),
        (Mode.COMPATIBLE, sealed_reply(), []),
        (Mode.PLAIN, sealed_reply(), ["sealed_in_plain_mode"]),
        (Mode.SAFE, sealed_reply(), []),
        (Mode.SAFE, sealed_reply(token="another"), ["wrong_signature"]),
        (Mode.SAFE, sealed_reply(app_id="wxother"), ["wrong_app_id"]),
        (Mode.SAFE, re.sub("<Nonce>.*</Nonce>", "", sealed_reply()), ["envelope_incomplete"]),
        (Mode.SAFE, b"\xff\xfe", ["not_utf8"]),
    ],
    # What is sealed differs from one worker to the next; the names of tests may not.
    ids=count(),
)
def test_the_seal_of_a_reply_is_checked(mode, reply, codes):
    with chatting(EchoBot(mode, answer=lambda _: Response(reply))) as simulator:
        delivery = simulator.send_text("oAunt", "1")
    assert [violation.code for violation in delivery.violations] == codes


def test_a_test_client_can_take_the_place_of_the_sockets():
    client = EchoBot().app().test_client()

    def post(url, body, headers, seconds):
        answer = client.post(url, data=body, headers=headers)
        return answer.status_code, answer.data

    simulator = Simulator(replace(OPTIONS, bot_url="/wechat"), post=post)
    assert simulator.send_text("oAunt", "没有网线").reply_text == "没有网线"


def test_taps_arrive_as_the_events_of_their_buttons():
    bot = EchoBot(answer=lambda _: "success")
    with chatting(bot) as simulator:
        simulator.menus.create(MENU)
        simulator.tap("oAunt", (0, 0))
        simulator.tap("oAunt", (1,))
        simulator.photo("oAunt", JPEG, button=(2, 0))
        simulator.place("oAunt", 27.1, 111.0, "隆回", button=(2, 1))
        simulator.scan("oAunt", "箱子7", button=(2, 2))
    told = [field_of(xml, "Event") or field_of(xml, "MsgType") for xml in bot.heard]
    assert told == ["CLICK", "VIEW", "pic_sysphoto", "image", "location_select", "location", "scancode_waitmsg"]
    assert field_of(bot.heard[1], "EventKey") == "http://example.test/ledger"


@pytest.mark.parametrize("path", [(0,), (3,), (0, 1), (2, 0), ()])
def test_a_tap_beside_the_menu_is_refused(path):
    with chatting(EchoBot()) as simulator:
        simulator.menus.create(MENU)
        with pytest.raises(NoSuchButton):
            simulator.tap("oAunt", path)


def test_equal_taps_in_one_second_are_still_two_events():
    bot = EchoBot()
    with serving(bot.app()) as url:
        simulator = Simulator(replace(OPTIONS, bot_url=f"{url}/wechat"), clock=lambda: 1_700_000_000.0)
        for _ in range(3):
            simulator.click("oAunt", "我的")
        simulator.close()
    assert len({field_of(xml, "CreateTime") for xml in bot.heard}) == 3


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_any_text_survives_the_envelope(words):
    xml = envelope.address(envelope.text(words), "gh_a", "oA", 1, 2)
    assert field_of(xml, "Content") == words


@pytest.mark.parametrize(
    ("content", "kind", "facts"),
    [
        (envelope.image("http://a/1", "m1"), "image", {"media_id": "m1", "image": "http://a/1"}),
        (envelope.voice("m2", "三十万"), "voice", {"format": "amr", "recognition": "三十万"}),
        (envelope.video("m3", "t3"), "video", {"media_id": "m3", "thumb_media_id": "t3"}),
        (envelope.video("m4", "t4", short=True), "shortvideo", {"thumb_media_id": "t4"}),
        (
            envelope.location(27.1, 111.2, "隆回"),
            "location",
            {"location": ("27.100000", "111.200000"), "label": "隆回"},
        ),
        (envelope.link("题", "述", "http://a"), "link", {"title": "题", "url": "http://a"}),
        (events.subscribe("7", "tk"), "event", {"event": "subscribe_scan", "scene_id": "7", "ticket": "tk"}),
        (events.scan("7", "tk"), "event", {"event": "scan", "scene_id": "7"}),
        (events.click("键"), "event", {"event": "click", "key": "键"}),
        (events.view("http://a", 3), "event", {"event": "view", "url": "http://a"}),
        (events.report_location(27.1, 111.2, 30.0), "event", {"event": "location", "precision": 30.0}),
        (events.scancode("scancode_push", "k", "r"), "event", {"scan_type": "qrcode", "scan_result": "r"}),
        (events.pictures("pic_weixin", "k", ["a", "b"]), "event", {"event": "pic_weixin", "count": 2}),
        (events.location_select("k", 1.5, 2.5, "处"), "event", {"location": ("1.5", "2.5"), "label": "处"}),
        (events.template_sent(9), "event", {"event": "templatesendjobfinish", "status": "success"}),
        (events.mass_sent(9, 10, 8), "event", {"event": "masssendjobfinish", "error_count": 2}),
    ],
)
def test_wechatpy_reads_each_kind_as_it_was_meant(content, kind, facts):
    message = parse_message(envelope.address(content, "gh_a", "oA", 17, 5))
    assert message.type == kind
    assert {name: getattr(message, name) for name in facts} == facts


def test_newer_events_have_their_fields():
    revoked = events.privacy("user_authorization_revoke", "oA", "wxa", "platform", "201")
    xml = envelope.address(revoked, "gh_a", "oA", 17, 5)
    assert (field_of(xml, "FromUserName"), field_of(xml, "OpenID"), field_of(xml, "RevokeInfo")) == (
        "platform",
        "oA",
        "201",
    )
    popup = events.consent("subscribe_msg_popup_event", [("t1", "accept"), ("t2", "reject")])
    rows = parsed(envelope.address(popup, "gh_a", "oA", 17, 5)).findall("SubscribeMsgPopupEvent/List")
    assert [row.findtext("SubscribeStatusString") for row in rows] == ["accept", "reject"]
    bare = events.consent("subscribe_msg_change_event", [("t1", "reject")], wrapped=False)
    assert field_of(envelope.address(bare, "gh_a", "oA", 17, 5), "List/TemplateId") == "t1"
    sent = envelope.address(events.subscription_sent("t1", 8), "gh_a", "oA", 17, 5)
    assert field_of(sent, "SubscribeMsgSentEvent/List/MsgID") == "8"
    published = envelope.address(events.published("p1"), "gh_a", "oA", 17, 5)
    assert field_of(published, "PublishEventInfo/publish_id") == "p1"
