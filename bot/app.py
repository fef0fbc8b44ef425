"""Where everything meets: settings in, a Flask application out. No wiring anywhere else."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from bot.commands import add_commands
from bot.jobs import Jobs
from bot.lexicon import load_lexicon
from bot.logging import configure_logging
from bot.render import Renderer
from bot.turn import TryAgain, Turns
from bot.web.card import card_page
from bot.web.health import health
from bot.web.links import Links
from bot.web.notices import notices
from bot.web.pages import Pages
from bot.web.pictures import pictures
from bot.web.subscribe import SDK, WECHAT_SDK, subscribe_page
from bot.webhook import webhook
from bot.wechat.channel import Channel
from bot.wechat.ticket import TicketManager
from bot.worker import make_api
from config.settings import Settings
from flows.catalogue import FLOWS
from flows.engine import Engine
from handlers import Router
from handlers.commands import Commands
from handlers.table import COMMANDS
from models.database import connect
from models.sealing import Keyring, use_keyring
from models.subscription import Templates


def utc_now() -> datetime:
    return datetime.now(UTC)


def make_turns(settings: Settings, jobs: Jobs, clock: Callable[[], datetime]) -> Turns:
    """The conversation without its door: what takes a message and gives the reply's text."""
    lexicon = load_lexicon()
    return Turns(
        database=connect(settings.database_url),
        renderer=Renderer(lexicon.words, lexicon.choices),
        lexicon=lexicon,
        route=Router(Engine(FLOWS), Commands(COMMANDS, lexicon)).route,
        enqueue=jobs.enqueue,
        clock=clock,
        link=links_of(settings, clock).make,
        subscriptions=Templates(settings.wechat_subscriptions, settings.wechat_long_term),
    )


def links_of(settings: Settings, clock: Callable[[], datetime]) -> Links:
    return Links(settings.public_url, settings.secret_key.get_secret_value(), clock)


def pages_of(settings: Settings, renderer: Renderer) -> Pages:
    """In the demo the stand-in's phones open them inside its own page."""
    stand_in = urlsplit(settings.wechat_api_url)
    return Pages(renderer) if settings.is_production else Pages(renderer, f"{stand_in.scheme}://{stand_in.netloc}")


def sdk_of(settings: Settings) -> str:
    """Where our pages get WeChat's JS-SDK; in the demo the stand-in has one of its own."""
    return WECHAT_SDK if settings.is_production else settings.wechat_api_url.rstrip("/") + SDK


def make_channel(settings: Settings) -> Channel:
    return Channel(
        app_id=settings.wechat_app_id,
        token=settings.wechat_token.get_secret_value(),
        aes_key=settings.wechat_aes_key.get_secret_value(),
        aes_key_previous=settings.wechat_aes_key_previous.get_secret_value(),
        mode=settings.wechat_mode,
    )


def create_app(settings: Settings | None = None, clock: Callable[[], datetime] = utc_now) -> Flask:
    """``clock`` tells the conversation's time; tests move it."""
    settings = settings or Settings()
    configure_logging(json=settings.is_production)
    use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
    jobs = Jobs(settings.redis_url)
    turns = make_turns(settings, jobs, clock)
    app = Flask("bangfu", static_folder=None)
    app.extensions["bangfu"] = {"settings": settings, "turns": turns}
    app.register_blueprint(webhook(make_channel(settings), turns.take, TryAgain))
    app.register_blueprint(health(turns.database, jobs, clock))
    pages, links = pages_of(settings, turns.renderer), links_of(settings, clock)
    app.register_blueprint(card_page(turns.database, pages, links, clock))
    app.register_blueprint(pictures(turns.database, pages, links, Path(settings.media_dir), clock))
    app.register_blueprint(notices(turns.database, pages, clock))
    tickets = TicketManager(make_api(settings, jobs.redis), settings.wechat_app_id, jobs.redis)
    sdk = sdk_of(settings)
    app.register_blueprint(subscribe_page(turns.database, pages, links, clock, turns.subscriptions, tickets.sign, sdk))
    add_commands(app, settings, turns.lexicon, create_app)
    return app
