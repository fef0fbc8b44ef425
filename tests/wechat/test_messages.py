"""Every kind and event of WeChat's pages becomes our Message, in each of the three modes; junk becomes Unreadable."""

import contextlib
import json
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from hypothesis import example, given
from hypothesis import strategies as st

from bot.wechat.codec import WebhookCodec
from bot.wechat.markup import Unreadable, read_xml
from bot.wechat.parse import to_message
from config.settings import SAMPLE_AES_KEY, SAMPLE_APP_ID, SAMPLE_TOKEN, Mode
from models.people.message import Message, MessageKind, Point
from tests.harness.platform import wechat as side
from tests.harness.platform.wechat import ACCOUNT, OPENID, WeChat

NOW = 1_795_000_000
PLATFORM = "oPlatform000000000000000000"
ACCEPTED = {"TemplateId": "VRR0UEO9", "SubscribeStatusString": "accept", "PopupScene": 1}
REJECTED = {"TemplateId": "9nLIlbOQ", "SubscribeStatusString": "reject", "PopupScene": 2}
ACCEPTED_READ = {"TemplateId": "VRR0UEO9", "SubscribeStatusString": "accept", "PopupScene": "1"}
REJECTED_READ = {"TemplateId": "9nLIlbOQ", "SubscribeStatusString": "reject", "PopupScene": "2"}
RECEIPT = {"TemplateId": "VRR0UEO9", "MsgID": "1700827132819554304", "ErrorCode": "0", "ErrorStatus": "success"}
CHOSEN = {"Location_X": 27.11, "Location_Y": 111.03, "Scale": 16, "Label": "邵阳市隆回县", "Poiname": ""}
CHOSEN_READ = {"Location_X": "27.11", "Location_Y": "111.03", "Scale": "16", "Label": "邵阳市隆回县", "Poiname": ""}
PICTURES = {"Count": 2, "PicList": {"item": [{"PicMd5Sum": "1b5f7c23"}, {"PicMd5Sum": "5a75aaca"}]}}


def kind(msg_type: str, fields: dict[str, Any], **expected: Any) -> ParameterSet:
    return pytest.param(msg_type, {"MsgId": 77} | fields, {"msg_id": "77"} | expected, id=msg_type)


def event(name: str, fields: dict[str, Any], **expected: Any) -> ParameterSet:
    described = "-".join(str(value) for value in fields.values())[:40]
    return pytest.param("event", {"Event": name} | fields, {"event": name.lower()} | expected, id=f"{name}-{described}")


def consents(name: str, fields: dict[str, Any], *read: dict[str, str], **expected: Any) -> ParameterSet:
    return event(f"subscribe_msg_{name}_event", fields, details={"List": list(read)}, **expected)


PUSHES: list[Any] = [
    kind("text", {"Content": "众筹 三十万"}, text="众筹 三十万"),
    kind("text", {"Content": "满意", "bizmsgmenuid": 101}, text="满意", option_id="101"),
    kind("text", {"Content": ""}, text=""),
    kind("text", {"Content": "第一行\n第二行 <b>&amp;</b>"}, text="第一行\n第二行 <b>&amp;</b>"),
    kind("image", {"PicUrl": "http://mmbiz/1", "MediaId": "m1"}, pic_url="http://mmbiz/1", media_id="m1"),
    kind("voice", {"MediaId": "m2", "Format": "amr"}, media_id="m2", details={"Format": "amr"}),
    kind(
        "voice",
        {"MediaId": "m2", "Format": "amr", "Recognition": "一块五"},
        media_id="m2",
        text="一块五",
        details={"Format": "amr"},
    ),
    kind("video", {"MediaId": "m3", "ThumbMediaId": "t3"}, media_id="m3", thumb_media_id="t3"),
    kind("shortvideo", {"MediaId": "m4", "ThumbMediaId": "t4"}, media_id="m4", thumb_media_id="t4"),
    kind(
        "location",
        {"Location_X": 23.134521, "Location_Y": 113.358803, "Scale": 20, "Label": "道县"},
        point=Point(23.134521, 113.358803, "道县"),
        details={"Scale": "20"},
    ),
    kind(
        "link",
        {"Title": "脐橙", "Description": "预订", "Url": "https://shop.example/1"},
        title="脐橙",
        description="预订",
        url="https://shop.example/1",
    ),
    event("subscribe", {"EventKey": ""}),
    event("subscribe", {}),
    event(
        "subscribe",
        {"EventKey": "qrscene_village-431124", "Ticket": "gQH"},
        event_key="village-431124",
        details={"Ticket": "gQH"},
    ),
    event("subscribe", {"EventKey": "last_trade_no_4008"}, event_key="last_trade_no_4008"),
    event("unsubscribe", {"EventKey": ""}),
    event("SCAN", {"EventKey": "123", "Ticket": "gQH"}, event_key="123", details={"Ticket": "gQH"}),
    event(
        "LOCATION",
        {"Latitude": 23.137466, "Longitude": 113.352425, "Precision": 119.385040},
        point=Point(23.137466, 113.352425),
        details={"Precision": "119.38504"},
    ),
    event("CLICK", {"EventKey": "看求助"}, event_key="看求助"),
    event(
        "VIEW", {"EventKey": "https://a.example", "MenuId": 9}, event_key="https://a.example", details={"MenuId": "9"}
    ),
    event("view_miniprogram", {"EventKey": "pages/i", "MenuId": 9}, event_key="pages/i", details={"MenuId": "9"}),
    *(
        event(
            name,
            {"EventKey": "code", "ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "2"}},
            event_key="code",
            details={"ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "2"}},
        )
        for name in ("scancode_push", "scancode_waitmsg")
    ),
    *(
        event(
            name,
            {"EventKey": "photo", "SendPicsInfo": PICTURES},
            event_key="photo",
            details={"SendPicsInfo": PICTURES | {"Count": "2"}},
        )
        for name in ("pic_sysphoto", "pic_photo_or_album", "pic_weixin")
    ),
    event(
        "location_select",
        {"EventKey": "place", "SendLocationInfo": CHOSEN},
        event_key="place",
        point=Point(27.11, 111.03, "邵阳市隆回县"),
        details={"SendLocationInfo": CHOSEN_READ},
    ),
    event(
        "TEMPLATESENDJOBFINISH",
        {"MsgID": 200163836, "Status": "failed:user block"},
        msg_id="200163836",
        details={"Status": "failed:user block"},
    ),
    event(
        "MASSSENDJOBFINISH",
        {"MsgID": 1000001625, "Status": "send success", "TotalCount": 100, "SentCount": 99, "ErrorCount": 1},
        msg_id="1000001625",
        details={"Status": "send success", "TotalCount": "100", "SentCount": "99", "ErrorCount": "1"},
    ),
    consents("popup", {"List": ACCEPTED}, ACCEPTED_READ),
    consents("popup", {"List": [ACCEPTED, REJECTED]}, ACCEPTED_READ, REJECTED_READ),
    consents("popup", {"SubscribeMsgPopupEvent": {"List": [ACCEPTED, REJECTED]}}, ACCEPTED_READ, REJECTED_READ),
    consents("change", {"SubscribeMsgPopupEvent": {"List": REJECTED}}, REJECTED_READ),
    consents("change", {"SubscribeMsgChangeEvent": {"List": REJECTED}}, REJECTED_READ),
    consents("change", {"SubscribeMsgChangeEvent": ""}),
    consents("sent", {"SubscribeMsgSentEvent": {"List": RECEIPT}}, RECEIPT, msg_id="1700827132819554304"),
    *(
        event(
            name,
            {"FromUserName": PLATFORM, "OpenID": OPENID, "AppID": "wx13974bf7", "RevokeInfo": 201},
            openid=OPENID,
            event_key="201",
            details={"AppID": "wx13974bf7", "RevokeInfo": "201"},
        )
        for name in ("user_info_modified", "user_authorization_revoke", "user_authorization_cancellation")
    ),
    event(
        "PUBLISHJOBFINISH",
        {"PublishEventInfo": {"publish_id": 2, "article_detail": {"count": 1, "item": {"idx": 1}}}},
        details={"PublishEventInfo": {"publish_id": "2", "article_detail": {"count": "1", "item": {"idx": "1"}}}},
    ),
    event("Some_Future_Event", {"EventKey": "k", "New": {"Deep": "x"}}, event_key="k", details={"New": {"Deep": "x"}}),
]


def through(mode: Mode, xml: str) -> Message:
    """The message as it comes out of the real door."""
    query, body = WeChat(mode, now=lambda: NOW).deliver(xml)
    codec = WebhookCodec(SAMPLE_APP_ID, SAMPLE_TOKEN, SAMPLE_AES_KEY, "", mode, now=lambda: NOW)
    return codec.open(codec.prove(query), body).message


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(("msg_type", "fields", "expected"), PUSHES)
def test_every_kind_and_event(mode, msg_type, fields, expected):
    message = through(mode, side.push(msg_type, created=NOW, **fields))
    assert message == Message(
        **({"kind": MessageKind(msg_type), "account": ACCOUNT, "openid": OPENID, "created": NOW} | expected)
    )
    assert json.loads(json.dumps(message.details)) == message.details


def test_an_unknown_kind_keeps_all_it_said():
    message = through(Mode.SAFE, side.message("miniprogrampage", created=NOW, MsgId=5, Title="店", PagePath="p/1"))
    assert message.kind is MessageKind.UNKNOWN
    assert message.details == {"MsgType": "miniprogrampage", "Title": "店", "PagePath": "p/1"}
    assert (message.msg_id, message.title) == ("5", "")


def test_a_message_type_cannot_pose_as_our_own_word_for_unknown():
    assert through(Mode.PLAIN, side.push("unknown")).kind is MessageKind.UNKNOWN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (side.text("好", created=NOW, MsgId=1), side.text("好", created=NOW, MsgId=2)),
        (side.text("好", created=NOW, MsgId=1), side.text("好", "oSomeoneElse", created=NOW, MsgId=1)),
        (side.event("CLICK", created=NOW, EventKey="a"), side.event("CLICK", created=NOW, EventKey="b")),
        (side.event("subscribe", created=NOW), side.event("unsubscribe", created=NOW)),
        (
            side.event("TEMPLATESENDJOBFINISH", created=NOW, MsgID=1),
            side.event("TEMPLATESENDJOBFINISH", created=NOW, MsgID=2),
        ),
        (
            side.event("subscribe_msg_sent_event", created=NOW, List={"MsgID": 1}),
            side.event("subscribe_msg_sent_event", created=NOW, List={"MsgID": 2}),
        ),
        (
            side.event("user_authorization_revoke", created=NOW, OpenID=OPENID, RevokeInfo=201),
            side.event("user_authorization_revoke", created=NOW, OpenID=OPENID, RevokeInfo=202),
        ),
    ],
)
def test_two_pushes_of_one_second_stay_two(one, other):
    assert through(Mode.PLAIN, one).key != through(Mode.SAFE, other).key
    assert through(Mode.PLAIN, one).key == through(Mode.SAFE, one).key


def read(xml: str | bytes) -> Message:
    return to_message(read_xml(xml.encode() if isinstance(xml, str) else xml))


def test_control_characters_are_dropped_before_parsing():
    noisy = "捐\x00款\x0b\x1f\x7f\x85\ufffe\uffff １元\t\n元"
    assert read(side.text(noisy)).text == "捐款 １元\t\n元"


def test_emoji_and_what_cdata_cannot_hold_in_one_piece():
    assert read(side.text("👨‍👩‍👧 a]]]]><![CDATA[>b")).text == "👨‍👩‍👧 a]]>b"


def test_a_byte_order_mark_a_declaration_and_space_before_it_do_no_harm():
    declared = '\ufeff\r\n <?xml version="1.0" encoding="gbk"?>' + side.text("隆回")
    assert read(declared).text == "隆回"


BOMB = '<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
FILE = '<!DOCTYPE xml [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
DEFAULTS = f'<!DOCTYPE xml [<!ATTLIST a b CDATA "{"x" * 100_000}">]><xml>{"<a/>" * 200_000}</xml>'

UNREADABLE = {
    "empty": b"",
    "spaces": b" \n ",
    "words": b"hello",
    "json": b'{"ToUserName": "gh_1", "MsgType": "text"}',
    "json list": b" [1]",
    "not UTF-8": side.text("x").replace("x", "?").encode().replace(b"?", b"\xff\xfe"),
    "GBK": side.text("隆回").encode("gbk"),
    "UTF-16": side.text("隆回").encode("utf-16"),
    "cut off": side.text("隆回").encode()[:-9],
    "two roots": side.text("a") + side.text("b"),
    "another root": side.text("a").replace("xml>", "html>"),
    "a root of text": "<xml>hello</xml>",
    "an empty root": "<xml/>",
    "a root holding another": f"<html>{side.text('a')}</html>",
    "character reference to NUL": side.text("a").replace("<![CDATA[a]]>", "&#0;"),
    "unknown entity": side.text("a").replace("<![CDATA[a]]>", "&f;"),
    "entity bomb": BOMB + side.text("a").replace("<![CDATA[a]]>", "&c;"),
    "external entity": FILE + side.text("a").replace("<![CDATA[a]]>", "&f;"),
    "external document type": '<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd">' + side.text("a"),
    "defaulted attributes": DEFAULTS,
    "deep nesting": "<xml>" + "<a>" * 70_000 + "</a>" * 70_000 + "</xml>",
    "deep inside something new": side.event("new", A={"b": {"c": {"d": {"e": {"f": {"g": {"h": "i"}}}}}}}),
    "deep and unclosed": "<a>" * 300_000,
    "no MsgType": side.text("a").replace("MsgType", "Type"),
    "empty MsgType": side.text("a", MsgType=""),
    "no FromUserName": side.text("a").replace("FromUserName", "From"),
    "empty FromUserName": side.text("a", ""),
    "long FromUserName": side.text("a", "o" * 65),
    "FromUserName with markup": side.text("a", "o]]]]><![CDATA[>"),
    "FromUserName with a line break": side.text("a", "o123\no"),
    "FromUserName in Chinese": side.text("a", "张三"),
    "no ToUserName": side.text("a").replace("ToUserName", "To"),
    "no CreateTime": side.text("a").replace("CreateTime", "Time"),
    "CreateTime in words": side.text("a", CreateTime="now"),
    "CreateTime negative": side.text("a", created=-1),
    "CreateTime with a fraction": side.text("a", CreateTime="1.5"),
    "CreateTime in Arabic-Indic digits": side.text("a", CreateTime="١٢٣"),
    "CreateTime huge": side.text("a", CreateTime="9" * 5000),
    "no MsgId": side.push("text", Content="a"),
    "MsgId huge": side.text("a", MsgId="9" * 5000),
    "MsgId in words": side.text("a", MsgId="one"),
    "FromUserName twice": side.text("a").replace("<MsgType>", "<FromUserName>b</FromUserName><MsgType>"),
    "Content twice": side.text("a").replace("<Content>", "<Content>b</Content><Content>"),
    "Content nested": side.push("text", MsgId=1, Content={"b": {"c": "d"}}),
    "image without MediaId": side.message("image", PicUrl="http://a"),
    "location without Location_X": side.message("location", Location_Y=1),
    "location in words": side.message("location", Location_X="north", Location_Y=1),
    "location not a number": side.message("location", Location_X="nan", Location_Y=1),
    "location infinite": side.message("location", Location_X=1, Location_Y="1e999"),
    "location off the globe": side.message("location", Location_X=91, Location_Y=1),
    "event without Event": side.push("event"),
    "event with a strange name": side.event("click\nfake log line"),
    "receipt without a number": side.event("TEMPLATESENDJOBFINISH", MsgID="x"),
    "chosen place that is none": side.event("location_select", SendLocationInfo="here"),
    "consents that are words": side.event("subscribe_msg_popup_event", List="accept"),
    "consents mixed with words": side.event("subscribe_msg_popup_event", List=[{"TemplateId": "t"}, "x"]),
    "consents wrapped in words": side.event("subscribe_msg_popup_event", SubscribeMsgPopupEvent="x"),
    "revocation of nobody": side.event("user_authorization_revoke", RevokeInfo=201),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_junk_is_unreadable(body):
    with pytest.raises(Unreadable) as refused:
        read(body)
    assert refused.value.reason.replace("_", "").isalnum()


NAMES = ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey", "MsgId", "MsgID", "List", "Label"]
NAMES += ["Content", "MediaId", "Location_X", "SendLocationInfo", "SubscribeMsgPopupEvent", "OpenID", "RevokeInfo"]
VALUES = st.recursive(
    st.text("a1-.\n\x00汉", max_size=8)
    | st.integers()
    | st.floats()
    | st.sampled_from(["event", "text", "location", "subscribe"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.sampled_from(sorted({fields.get("Event", "click") for _, fields, _ in (push.values for push in PUSHES)}))


@given(st.sampled_from([*MessageKind, "x"]), EVENTS, st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
@example("event", "subscribe_msg_sent_event", {"List": {"MsgID": {"a": "b"}}})
def test_any_fields_make_a_message_or_are_unreadable(msg_type, event_name, fields):
    xml = side.message(msg_type, **({"Event": event_name, "MediaId": "m"} | fields))
    try:
        message = read(xml.encode("utf-8", "replace"))
    except Unreadable:
        return
    assert len(message.key) == 32
    json.dumps(message.details)


@given(st.binary() | st.text().map(str.encode) | st.text("<>/!&;[]-xml?'\"= a", max_size=60).map(str.encode))
def test_any_bytes_make_fields_or_are_unreadable(body):
    with contextlib.suppress(Unreadable):
        assert isinstance(read_xml(body), dict)


def shown(text: str) -> list[str]:
    return [character for character in text if character.isprintable() and not character.isspace()]


@given(st.text())
def test_what_a_person_typed_arrives(typed):
    assert shown(read(side.text(typed.replace("]]>", "]]]]><![CDATA[>"))).text) == shown(typed)
