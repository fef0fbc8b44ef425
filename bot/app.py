"""Build the Flask application from the settings. All wiring of the web process is here."""

from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import Engine as Database

from bot.cli.commands import add_commands
from bot.log import configure_logging
from bot.market.payments import OrderPaymentDesk, OrderPaymentIntake
from bot.market.transfers import apply_refund as apply_order_refund
from bot.pay.callback import LARGEST_CALLBACK
from bot.pay.factory import (
    NOTIFY_PATH,
    PARTNER_NOTIFY_PATH,
    make_callback_verifiers,
    make_partner_clients,
    make_partner_verifier,
    make_pay_clients,
)
from bot.payments.orders import OrderDesk, PaymentIntake
from bot.payments.refunds import apply_result
from bot.photos.files import PhotoFiles
from bot.storage.choice import open_ledger, open_media
from bot.turn import TryAgain, Turns
from bot.web.body import limit_bodies
from bot.web.card import card_page
from bot.web.desk.file_reader import FileReader
from bot.web.desk.guard import LARGEST_FORM, DeskGuard
from bot.web.desk.pages import desk_pages
from bot.web.desk.sign_in import MOST_CODES, DeskParts
from bot.web.export import ExportPageParts, export_page
from bot.web.gallery import Galleries
from bot.web.goods.parcels import parcel_page
from bot.web.goods.points import points_pages
from bot.web.goods.rounds import MOST as MOST_ROUNDS
from bot.web.goods.rounds import rounds_page
from bot.web.goods.thanks import thanks_page
from bot.web.health import health
from bot.web.lanes import LANES
from bot.web.links import Links
from bot.web.market.after_sale_photos import after_sale_photos
from bot.web.market.listing import listing_page
from bot.web.market.order_pay import PayableOrder
from bot.web.pages import Pages
from bot.web.payments.give import LARGEST_GIFT, GivePageParts, give_page
from bot.web.payments.pay import PayableGift
from bot.web.payments.pay_callback import pay_callback
from bot.web.payments.sheet import LARGEST_BODY, SheetParts, pay_page, pay_script
from bot.web.pictures import pictures
from bot.web.public.appeal import Sharing, appeal_page
from bot.web.public.figures import chart_scripts, figures_pages
from bot.web.public.home import home_page
from bot.web.public.kept import KeptPages
from bot.web.public.ledger import ledger_page
from bot.web.public.photos import public_photos
from bot.web.public.preview import appeal_preview
from bot.web.public.public_notices import public_notices
from bot.web.public.share import MOST_SIGNED, share_card, share_script
from bot.web.public.trace import MOST_TRIES, trace_page
from bot.web.rate_limit import RateLimit
from bot.web.scripts import scripts
from bot.web.subscribe import SDK, WECHAT_SDK, subscribe_page
from bot.web.visitor import Visitors
from bot.webhook import webhook
from bot.wechat.client import open_session
from bot.wechat.codec import BODY_BYTES, WebhookCodec
from bot.wechat.oauth import OPEN_WECHAT, WebAuthorization
from bot.wechat.ticket import TicketManager
from bot.words.lexicon import lexicon_of
from bot.words.render import Renderer
from bot.work.clock import Clock, clock_of, true_now
from bot.work.context import make_api
from bot.work.queues import JobQueues
from config.settings import Settings, read_settings
from flows.catalogue import FLOWS
from flows.engine.engine import Engine
from flows.language.lexicon import Lexicon
from handlers import Router
from handlers.routing.command_table import COMMANDS
from handlers.routing.typed_commands import TypedCommands
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.notifications.subscription import SubscriptionTemplates
from models.wiring import wire

# The bytes that a body may have, by the rule of its route; every other route takes none.
BODY_SIZES = {
    "/wechat": BODY_BYTES,
    **dict.fromkeys((NOTIFY_PATH, PARTNER_NOTIFY_PATH), LARGEST_CALLBACK),
    **dict.fromkeys(("/pay/<token>/order", "/pay/orders/<token>/order"), LARGEST_BODY),
}
BODY_SIZES["/give/<said>"] = LARGEST_GIFT
BODY_SIZES |= dict.fromkeys(("/desk/code", "/desk/enter", "/desk/out"), LARGEST_FORM)


def make_turns(settings: Settings, database: Database, jobs: JobQueues, clock: Clock) -> Turns:
    """Make the conversation without the webhook: it takes a message and returns the reply's text."""
    lexicon = lexicon_of(settings)
    lexicon.intents.prepare()
    router = make_router(lexicon)
    return Turns(
        database=database,
        renderer=Renderer(lexicon.words, lexicon.choices, page=links_of(settings, clock).open),
        lexicon=lexicon,
        route=router.route,
        begin_afresh=router.begin_afresh,
        enqueue=jobs.enqueue,
        clock=clock,
        link=links_of(settings, clock).make,
        subscriptions=SubscriptionTemplates(settings.wechat_subscriptions, settings.wechat_long_term),
        collects=settings.collects,
        recogniser=settings.recogniser,
    )


def make_router(lexicon: Lexicon) -> Router:
    return Router(Engine(FLOWS), TypedCommands(COMMANDS, lexicon))


def links_of(settings: Settings, clock: Clock) -> Links:
    return Links(settings.public_url, settings.secret_key.get_secret_value(), clock)


def pages_of(settings: Settings, renderer: Renderer) -> Pages:
    """Make the pages; outside production the simulator may frame them, since its phones show them in its own page."""
    simulator = urlsplit(settings.wechat_api_url)
    return Pages(renderer) if settings.is_production else Pages(renderer, f"{simulator.scheme}://{simulator.netloc}")


def sdk_of(settings: Settings) -> str:
    """Return the URL of WeChat's JS-SDK for our pages; outside production that of the simulator's own."""
    return WECHAT_SDK if settings.is_production else settings.wechat_api_url.rstrip("/") + SDK


def visitors_of(settings: Settings, database: Database, links: Links) -> Visitors:
    """Make the visitors; outside production it is the simulator that identifies them."""
    here = not settings.is_production
    authorization = WebAuthorization(
        settings.wechat_api_url,
        settings.wechat_api_url if here else OPEN_WECHAT,
        settings.wechat_app_id,
        settings.wechat_app_secret,
        open_session(),
    )
    return Visitors(database, links, authorization, settings.secret_key.get_secret_value())


def make_codec(settings: Settings) -> WebhookCodec:
    return WebhookCodec(
        app_id=settings.wechat_app_id,
        token=settings.wechat_token.get_secret_value(),
        aes_key=settings.wechat_aes_key.get_secret_value(),
        aes_key_previous=settings.wechat_aes_key_previous.get_secret_value(),
        mode=settings.wechat_mode,
        account=settings.wechat_account,
    )


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> Flask:
    """Create the application; ``clock`` gives the conversation's time, which tests move."""
    settings = settings or read_settings()
    # As many connections as there are threads, half of which are kept open.
    kept_open = sum(lane.threads for lane in LANES) // 2
    database = connect(
        settings.database_url,
        pool_size=kept_open,
        collects=settings.collects,
        frozen_for=settings.frozen_for,
        account=settings.wechat_account,
    )
    clock = clock or clock_of(settings, database)
    configure_logging(json=settings.is_production)
    use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
    wire()
    jobs = JobQueues(settings.redis_url)
    turns = make_turns(settings, database, jobs, clock)
    app = Flask("bangfu", static_folder=None)
    limit_bodies(app, BODY_SIZES)
    kept = KeptPages(clock)
    app.extensions["bangfu"] = {"settings": settings, "turns": turns, "kept_pages": kept}
    app.register_blueprint(webhook(make_codec(settings), turns.take, TryAgain))
    app.register_blueprint(health(turns.database, jobs, clock))
    pages, links = pages_of(settings, turns.renderer), links_of(settings, clock)
    app.extensions["bangfu"]["busy_page"] = pages.show("shared/busy", 503)
    app.register_blueprint(home_page(pages))
    visitors = visitors_of(settings, turns.database, links)
    app.register_blueprint(card_page(turns.database, pages, links, visitors, clock))
    app.register_blueprint(parcel_page(turns.database, pages, links, visitors))
    app.register_blueprint(points_pages(turns.database, pages, links, visitors, clock))
    photos = PhotoFiles(open_media(settings))
    app.register_blueprint(thanks_page(turns.database, pages, links, visitors, photos))
    app.register_blueprint(after_sale_photos(turns.database, pages, links, visitors, photos, clock))
    app.register_blueprint(public_photos(turns.database, photos, clock))
    galleries = Galleries(turns.database, links, photos, clock, "picture")
    app.register_blueprint(pictures(pages, visitors, galleries))
    app.register_blueprint(export_page(ExportPageParts(turns.database, pages, links, visitors, photos, clock)))
    sdk = sdk_of(settings)
    sharing = Sharing(share_script(pages), sdk)
    app.register_blueprint(appeal_page(turns.database, pages, links, kept, sharing, collects=settings.collects))
    app.register_blueprint(listing_page(turns.database, pages, links, kept, sharing, turns.lexicon))
    app.register_blueprint(appeal_preview(turns.database, pages, links, visitors, photos, clock))
    app.register_blueprint(public_notices(turns.database, pages, clock))
    wrong_codes = RateLimit(jobs.redis, "trace", MOST_TRIES)
    app.register_blueprint(trace_page(turns.database, pages, wrong_codes, lambda code: links.make("trace", code, 0)))
    app.register_blueprint(rounds_page(turns.database, pages, RateLimit(jobs.redis, "rounds", MOST_ROUNDS)))
    app.register_blueprint(ledger_page(turns.database, pages, open_ledger(settings), clock))
    charts = chart_scripts(pages)
    app.register_blueprint(figures_pages(turns.database, pages, charts))
    app.register_blueprint(scripts((*charts, sharing.script)))
    api = make_api(settings, jobs.redis)
    tickets = TicketManager(api, settings.wechat_app_id, jobs.redis)
    signatures = RateLimit(jobs.redis, "share", MOST_SIGNED)
    app.register_blueprint(share_card(turns.database, links, tickets.sign, signatures, clock))
    app.register_blueprint(subscribe_page(turns.database, pages, links, clock, turns.subscriptions, tickets.sign, sdk))
    guard = DeskGuard(turns.database, settings.secret_key.get_secret_value(), links.root.startswith("https://"), clock)
    codes = RateLimit(jobs.redis, "desk", MOST_CODES)
    reader = FileReader(turns.renderer, turns.lexicon, make_router(turns.lexicon).look, settings.collects)
    at_desk = replace(galleries, picture="desk_picture")
    app.register_blueprint(desk_pages(DeskParts(guard, pages, visitors, api.create_code, codes), reader, at_desk))
    if settings.collects:
        _take_money(app, settings, turns.database, jobs, pages, links, visitors, clock)
    add_commands(app, settings, turns.lexicon, create_app, clock)
    return app


def _take_money(
    app: Flask,
    settings: Settings,
    database: Database,
    jobs: JobQueues,
    pages: Pages,
    links: Links,
    visitors: Visitors,
    clock: Clock,
) -> None:
    """Add the routes of PAY_MODE=on: WeChat Pay's callback, and the pages to give and to pay at."""
    intake = PaymentIntake(database, jobs)
    apply_refund = partial(apply_result, database)
    app.register_blueprint(pay_callback(make_callback_verifiers(settings), intake, apply_refund, clock, true_now))
    orders = OrderDesk(intake, make_pay_clients(settings, jobs.redis, clock), clock)
    bridge = "" if settings.is_production else sdk_of(settings)
    sheet = SheetParts(pages, links, visitors, clock, bridge)
    app.register_blueprint(pay_script(pages))
    app.register_blueprint(pay_page(sheet, PayableGift(orders)))
    app.register_blueprint(give_page(GivePageParts(database, pages, links, visitors, clock)))
    if partner := make_partner_clients(settings, jobs.redis, clock):
        paid = OrderPaymentIntake(database, jobs)
        refunded = partial(apply_order_refund, database, jobs)
        verifier = make_partner_verifier(settings)
        app.register_blueprint(
            pay_callback(verifier, paid, refunded, clock, true_clock=true_now, path=PARTNER_NOTIFY_PATH)
        )
        desk = OrderPaymentDesk(paid, partner, clock)
        app.register_blueprint(pay_page(sheet, PayableOrder(desk)))
