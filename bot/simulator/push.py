"""/cgi-bin/message/custom/send: what the body must be, and what the person then sees."""

from typing import Any

from bot.simulator.errors import ApiError
from bot.simulator.media import MediaStore
from bot.simulator.rules import ARTICLES, TEXT_BYTES

# doc/service/api/customer/message/api_sendcustommessage names the error (45098) and no figure; a text's is taken.
MENU_BYTES = TEXT_BYTES


def read_push(body: dict[str, Any], media: MediaStore) -> tuple[str, dict[str, Any]]:
    """(kind, content) as the chat keeps them. Raises ApiError."""
    kind = body.get("msgtype")
    content = body.get(kind) if isinstance(kind, str) else None
    if not isinstance(content, dict):
        raise ApiError(40008)
    if kind == "text":
        return kind, {"text": _text(content.get("content"))}
    if kind == "msgmenu":
        return kind, _menu(content)
    if kind == "news":
        return kind, {"text": "", "articles": _articles(content.get("articles"))}
    if kind in {"image", "voice", "video"}:
        media_id = str(content.get("media_id", ""))
        media.get(media_id)
        return kind, {"text": str(content.get("title", "")), "media_id": media_id}
    raise ApiError(40008)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ApiError(44004)
    if len(value.encode()) > TEXT_BYTES:
        raise ApiError(45002)
    return value


def _menu(content: dict[str, Any]) -> dict[str, Any]:
    options = content.get("list")
    if not isinstance(options, list) or not all(isinstance(option, dict) for option in options):
        raise ApiError(47001)
    if not all(isinstance(option.get("content"), str) and option["content"] for option in options):
        raise ApiError(44004)
    shown = [{"id": str(option.get("id", "")), "content": option["content"]} for option in options]
    head, tail = str(content.get("head_content", "")), str(content.get("tail_content", ""))
    if len("".join([head, *(option["content"] for option in shown), tail]).encode()) > MENU_BYTES:
        raise ApiError(45098)
    return {"head": head, "options": shown, "tail": tail}


def _articles(articles: Any) -> list[dict[str, str]]:
    if not isinstance(articles, list) or not articles:
        raise ApiError(44003)
    if len(articles) > ARTICLES:
        raise ApiError(45008)
    if not all(isinstance(article, dict) for article in articles):
        raise ApiError(47001)
    names = {"title": "title", "description": "description", "picurl": "picture", "url": "url"}
    return [{ours: str(article.get(theirs, "")) for theirs, ours in names.items()} for article in articles]
