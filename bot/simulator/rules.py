"""The platform's rules for a reply, checked one by one on its parsed XML.

Limits: the text length is measured, not documented (about 2,048 bytes); one
article since 2018-10-12.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

TEXT_BYTES = 2048
ARTICLES = 1

HEAD = ("ToUserName", "FromUserName", "CreateTime", "MsgType")
# MsgType -> element: must it be there?
BODY: dict[str, dict[str, bool]] = {
    "text": {"Content": True},
    "image": {"Image/MediaId": True},
    "voice": {"Voice/MediaId": True},
    "video": {"Video/MediaId": True, "Video/Title": False, "Video/Description": False},
    "music": {
        "Music/ThumbMediaId": True,
        "Music/Title": False,
        "Music/Description": False,
        "Music/MusicUrl": False,
        "Music/HQMusicUrl": False,
    },
    "news": {"ArticleCount": True, "Articles/item": True},
    "transfer_customer_service": {"TransInfo/KfAccount": False},
}


@dataclass(frozen=True)
class Violation:
    """``code`` names the rule (the page has the words); ``detail`` says what was found."""

    code: str
    detail: str = ""


@dataclass(frozen=True)
class Article:
    title: str
    description: str
    picture: str
    url: str


@dataclass(frozen=True)
class Reply:
    """What the person would see. ``text`` is a text reply's words, and a picture's or article's title elsewhere."""

    kind: str
    text: str = ""
    media_id: str = ""
    articles: tuple[Article, ...] = ()
    sealed: bool = False


def judge(root: Element, openid: str, account: str) -> tuple[Reply, tuple[Violation, ...]]:
    """The reply, and what is wrong with it."""
    reply = _reply(root)
    checks = (_head(root, openid, account), _shape(root, reply.kind), _text(reply), _news(root, reply))
    return reply, tuple(violation for check in checks for violation in check)


def _reply(root: Element) -> Reply:
    kind = root.findtext("MsgType", "")
    title = root.findtext("Video/Title", "") or root.findtext("Music/Title", "")
    media = next((found.text or "" for found in root.iter("MediaId")), "")
    articles = tuple(
        Article(*(item.findtext(name, "") for name in ("Title", "Description", "PicUrl", "Url")))
        for item in root.iterfind("Articles/item")
    )
    return Reply(kind, root.findtext("Content", "") or title, media, articles)


def _head(root: Element, openid: str, account: str) -> Iterator[Violation]:
    for name in HEAD:
        if not root.findtext(name):
            yield Violation("missing_field", name)
    if root.findtext("ToUserName", openid) != openid:
        yield Violation("wrong_recipient", root.findtext("ToUserName", ""))
    if root.findtext("FromUserName", account) != account:
        yield Violation("wrong_sender", root.findtext("FromUserName", ""))
    created = root.findtext("CreateTime", "0")
    if not (created.isascii() and created.isdigit()):
        yield Violation("wrong_time", created)


def _shape(root: Element, kind: str) -> Iterator[Violation]:
    """Every element in its place, once, and no other: a text that breaks out of its CDATA shows up here."""
    if kind not in BODY:
        yield Violation("unknown_kind", kind)
        return
    for path, needed in BODY[kind].items():
        found = root.find(path)
        if needed and (found is None or not (found.text or len(found))):
            yield Violation("missing_field", path)
    allowed = {*HEAD, *(path.split("/")[0] for path in BODY[kind])}
    for name, times in Counter(child.tag for child in root).items():
        if name not in allowed:
            yield Violation("unexpected_field", name)
        elif times > 1:
            yield Violation("repeated_field", name)
    for leaf in (child for child in root if child.tag in {*HEAD, "Content"} and len(child)):
        yield Violation("unexpected_field", f"{leaf.tag}/{leaf[0].tag}")
    if any((part or "").strip() for part in (root.text, *(child.tail for child in root))):
        yield Violation("loose_text")


def _text(reply: Reply) -> Iterator[Violation]:
    size = len(reply.text.encode())
    if reply.kind == "text" and size > TEXT_BYTES:
        yield Violation("text_too_long", f"{size} > {TEXT_BYTES}")


def _news(root: Element, reply: Reply) -> Iterator[Violation]:
    if reply.kind != "news":
        return
    if root.findtext("ArticleCount") != str(len(reply.articles)):
        yield Violation("wrong_article_count", f"{root.findtext('ArticleCount')} ≠ {len(reply.articles)}")
    if len(reply.articles) > ARTICLES:
        yield Violation("too_many_articles", f"{len(reply.articles)} > {ARTICLES}")
    for article in reply.articles:
        if not article.title:
            yield Violation("missing_field", "Articles/item/Title")
        if urlsplit(article.url).scheme not in {"http", "https"}:
            yield Violation("wrong_url", article.url)
