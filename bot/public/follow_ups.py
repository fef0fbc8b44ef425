"""Send what follows a reply: the card of an appeal or a listing, or an appeal's poster, drawn here; nothing of it in a
transaction."""

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.orm import Session

from bot.photos.public_copies import path_of
from bot.public.codes import appeal_code
from bot.public.poster import PosterWords, draw_poster
from bot.storage.interface import NoSuchFile, StorageTrouble
from bot.web.links import Links
from bot.wechat.policy import Action, Unreachable, WeChatError
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from models.public.follow_up import Addressed, address_follow_up, claim_follow_up, give_up
from models.public.listing_page import ListingPage, read_listing_page
from models.public.page_view import PageView, read_page
from models.public.photos import ShownPhoto, file_name

if TYPE_CHECKING:
    from bot.work.context import WorkerContext

log = structlog.get_logger()

WORDS = "shared/public/follow_ups"


def send_follow_up(context: "WorkerContext", follow_up_id: int) -> None:
    """Send it at most once: WeChat does not recognise a repeated message, and who gets none asks again.

    It counts as sent before it is. While WeChat cannot be reached for its code or its upload, the job is tried again;
    what WeChat refuses is given up.
    """
    now = context.clock()
    with Session(context.database) as db, db.begin():
        to = address_follow_up(db, follow_up_id, now)
        page = _read(db, to, now) if to else None
    if to is None or page is None:
        return
    try:
        media = _upload(context, page) if to.kind == "poster" and isinstance(page, PageView) else ""
    except WeChatError as error:
        if error.action is Action.RETRY_LATER:
            raise
        _give_up(context, follow_up_id, error)
        return
    with Session(context.database) as db, db.begin():
        if not claim_follow_up(db, follow_up_id, now):
            return
    try:
        if media:
            context.api.send_image(to.openid, media)
        else:
            _send_card(context, to, page)
    except (WeChatError, Unreachable) as error:
        _give_up(context, follow_up_id, error)


def _read(db: Session, to: Addressed, now: datetime) -> PageView | ListingPage:
    if to.of_listing:
        return read_listing_page(db, to.number, now)
    return read_page(db, to.number, now, is_open=True)


def _give_up(context: "WorkerContext", follow_up_id: int, error: WeChatError | Unreachable) -> None:
    code = error.code if isinstance(error, WeChatError) else None
    log.warning("follow_up.not_sent", follow_up=follow_up_id, error=type(error).__name__, code=code)
    with Session(context.database) as db, db.begin():
        give_up(db, follow_up_id)


def _poster_words(page: PageView) -> PosterWords:
    """Write the poster's words from the page, which everybody may read."""
    part = page.appeal.raised_fen / page.appeal.target_fen
    facts, scan = _said("facts", page).splitlines(), _said("scan", page).splitlines()
    return PosterWords(_said("brand", page), page.appeal.title, _said("sums", page), part, facts, scan)


def _upload(context: "WorkerContext", page: PageView) -> str:
    address = appeal_code(context.database, context.api, page.appeal.number, context.clock())
    picture = draw_poster(_poster_words(page), address, _photo(context, page))
    return context.api.upload("image", picture, "poster.jpg", "image/jpeg")


def _send_card(context: "WorkerContext", to: Addressed, page: PageView | ListingPage) -> None:
    links = Links(context.settings.public_url, context.settings.secret_key.get_secret_value(), context.clock)
    address = links.open("listing" if to.of_listing else "appeal", str(to.number))
    picture = f"{address}/photos/{_jpeg(page.photos[0], 0)}" if page.photos else ""
    title = page.appeal.title if isinstance(page, PageView) else page.item.name
    words = _said("card" if isinstance(page, PageView) else "listing_card", page)
    context.api.send_article(to.openid, title, words, address, picture)


def _photo(context: "WorkerContext", page: PageView) -> bytes | None:
    """Read the first photo that the page shows; without its file the poster has none."""
    if not page.photos:
        return None
    try:
        return context.public_copies.storage.read(path_of(_jpeg(page.photos[0], -1)))
    except (NoSuchFile, StorageTrouble) as error:
        log.warning("poster.without_photo", appeal=page.appeal.number, error=type(error).__name__)
        return None


def _jpeg(photo: ShownPhoto, size: int) -> str:
    """Name a copy's file. ``size``: 0 is the smallest, -1 the largest."""
    return file_name(photo.name, photo.sizes[size][0], "jpeg")


def _said(part: str, page: PageView | ListingPage) -> str:
    return _renderer().say(Say(WORDS, part, {"page": page}))


@lru_cache(maxsize=1)
def _renderer() -> Renderer:
    lexicon = load_lexicon()
    return Renderer(lexicon.words, lexicon.choices)
