"""Run the demo: start and end PostgreSQL, Valkey, bot, worker and simulator together, on a small invented world."""

import json
import os
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click
from dotenv import dotenv_values, find_dotenv
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.books.check import Checked
from bot.books.sealing import seal_all
from bot.demo.clock import ClockRow
from bot.demo.dump import PREPARED, is_empty, load_dump, read_contents
from bot.demo.paid_orders import paid_orders
from bot.demo.past_bills import compare_past_bills
from bot.demo.seed import Seeded, read_for_the_year, refuse_strangers, seed, sub_merchants
from bot.demo.seed_pictures import draw_pictures
from bot.demo.year.grow import grow
from bot.demo.year.house import Account, MakeApp
from bot.demo.year.plan import read_words
from bot.pay.demo_keys import settings_in
from bot.photos.files import PhotoFiles
from bot.processes import web
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import Processes, Server, ServiceError, demand_free
from bot.processes.valkey import EmbeddedValkey
from bot.push.cards import as_in_console, load_cards
from bot.storage.choice import open_media
from bot.wechat.client import WeChatApi
from bot.wechat.menu import Menu, publish
from bot.words.lexicon import CONFIG
from bot.work import start_workers
from bot.work.clock import clock_of, true_now
from config.settings import ROOT, SECRETS, Settings
from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.migrations import upgrade
from models.wiring import wire

ACCOUNT: dict[str, str] = tomllib.loads((CONFIG / "demo" / "account.toml").read_text(encoding="utf-8"))
READY_WITHIN = 120.0
# Seconds that a killed demo may take to release its ports.
ENDING_WITHIN = 5.0
SPEECH_KEY = "demo-speech-key"
# The simulator's template ids are these prefixes and the card's name.
TEMPLATES, SUBSCRIPTIONS = "demo-template-", "demo-notice-"


def environment(at: Path) -> dict[str, str]:
    """Return all settings of the demo's programs: whatever the shell or a .env names, the demo uses none of it."""
    port, simulator = _ports()
    platform = f"http://127.0.0.1:{simulator}"
    samples = {
        name.upper(): default.get_secret_value() if isinstance(default, SecretStr) else default
        for name, default in ((name, Settings.model_fields[name].default) for name in SECRETS)
    }
    return {
        **samples,
        "BANGFU_ENV": "demo",
        "DATABASE_URL": own_database(at).url,
        "REDIS_URL": EmbeddedValkey(at / "valkey").url,
        "MEDIA_DIR": str(at / "media"),
        **dict.fromkeys(("S3_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"), ""),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WECHAT_API_URL": platform,
        "PAY_API_URL": platform,
        "SPEECH_URL": platform,
        "SPEECH_KEY": SPEECH_KEY,
        "SPEECH_NAME": ACCOUNT["recogniser"],
        "PAY_MODE": "off",  # until the simulator runs, whose keys are needed
        "WECHAT_TEMPLATES": _ids(TEMPLATES),
        "WECHAT_SUBSCRIPTIONS": _ids(SUBSCRIPTIONS),
        # The simulator has no limit by the minute, and the demo should not wait for one.
        "PUSH_PER_MINUTE": "100000",
    }


def own_database(at: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(at / "postgres", durable=True)


def named_database() -> str | None:
    """Return DATABASE_URL of the shell's environment, or None. Flask adds a .env's values to it, which do not count."""
    named = os.environ.get("DATABASE_URL")
    files = filter(None, (str(ROOT / ".env"), *(find_dotenv(name, usecwd=True) for name in (".env", ".flaskenv"))))
    return named if named not in {dotenv_values(file).get("DATABASE_URL") for file in files} else None


def _ids(prefix: str) -> str:
    return ",".join(f"{card}={prefix}{card}" for card in load_cards())


def fill(settings: Settings, at: Path, ahead: float | None = None) -> Seeded:
    """Write the schema and the data set once, and the simulator's files of people, orders and templates every time.

    ``ahead``: where the demo's own clock begins, in seconds from the true time; None: where it stands, and where it has
    not begun at the end of the prepared year, whose days cannot be shifted. With it only the small world is played,
    which can begin on any day. Raises TimeDoesNotGoBack.
    """
    at.mkdir(parents=True, exist_ok=True)
    use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
    wire()
    database = connect(settings.database_url, collects=settings.collects)
    if settings.has_own_database and ahead is None and is_empty(database):
        _load_year(database, settings.database_url)
    upgrade(settings.database_url)
    if settings.has_own_database:
        _begin_clock(ClockRow(database), ahead)
    now = clock_of(settings, database)()
    seeded = seed(database, ACCOUNT["id"], now)
    with Session(database) as db:
        draw_pictures(db, PhotoFiles(open_media(settings)))
        paid = paid_orders(db, ACCOUNT["id"], settings.public_url)
    if seeded.written:
        compare_past_bills(database, settings, paid, now)
        seal_all(database)
    database.dispose()
    _write(at / "people.json", seeded.people)
    _write(at / "paid.json", paid)
    _write(at / "templates.json", {"own": as_in_console(TEMPLATES), "subscriptions": as_in_console(SUBSCRIPTIONS)})
    return seeded


def _load_year(database: Engine, url: str) -> None:
    row, year = ClockRow(database), read_contents()
    row.make()
    row.write((year.at - true_now()).total_seconds())
    load_dump(database, url)
    with Session(database) as db, db.begin():
        read_for_the_year(db)


def _begin_clock(row: ClockRow, ahead: float | None) -> None:
    row.make()
    if ahead is not None:
        row.begin(ahead)


def regrow(make_app: MakeApp, at: Path) -> Checked:
    """Play the year anew and write it to where ``fill`` reads it. Raises WentAstray, BooksAreWrong, ServiceError."""
    account = Account(ACCOUNT["id"], (TEMPLATES, SUBSCRIPTIONS))
    return grow(make_app, environment(at), account, PREPARED, read_words(), click.echo)


def fill_named(settings: Settings, at: Path) -> Seeded:
    """Fill a database of the operator's. Raises NotOurs, with nothing done, if it holds other people."""
    use_keyring(Keyring.parse(settings.data_keys.get_secret_value()))
    database = connect(settings.database_url, collects=settings.collects)
    try:
        refuse_strangers(database, ACCOUNT["id"])
    finally:
        database.dispose()
    return fill(settings, at)


def _write(path: Path, what: Any) -> None:
    path.write_text(json.dumps(what, ensure_ascii=False, indent=2), encoding="utf-8")


def run(settings: Settings, at: Path, menus: dict[str, Menu], api: WeChatApi, ahead: float | None = None) -> int:
    """Run the demo until Ctrl-C. Returns the exit code. ``ahead``: see ``fill``, which raises TimeDoesNotGoBack."""
    try:
        for number in _ports():
            demand_free(int(number), ENDING_WITHIN)
        with own_database(at) as database, EmbeddedValkey(at / "valkey") as valkey:
            servers: dict[str, Server] = {"postgres": database, "valkey": valkey}
            return _serve(settings, at, servers, fill(settings, at, ahead), menus, api)
    except ServiceError as error:
        click.echo(f"The demo did not start: {error}", err=True)
        return 1


def _serve(
    settings: Settings, at: Path, servers: Mapping[str, Server], seeded: Seeded, menus: dict[str, Menu], api: WeChatApi
) -> int:
    port, simulator = _ports()
    with Processes() as processes:
        for name, server in servers.items():
            processes.watch(name, server)
        ours = environment(at)
        secrets = {
            "WECHAT_APP_ID": settings.wechat_app_id,
            "WECHAT_APP_SECRET": settings.wechat_app_secret.get_secret_value(),
            "WECHAT_TOKEN": settings.wechat_token.get_secret_value(),
            "WECHAT_AES_KEY": settings.wechat_aes_key.get_secret_value(),
            "WECHAT_MODE": str(settings.wechat_mode),
        }
        python = sys.executable
        options = ["--bot-url", f"http://127.0.0.1:{port}/wechat", "--port", simulator]
        options += ["--account", ACCOUNT["id"], "--account-name", ACCOUNT["name"], "--pay-keys", str(at / "pay")]
        options += ["--people", str(at / "people.json"), "--followers", str(at / "followers.json")]
        options += ["--templates", str(at / "templates.json"), "--paid", str(at / "paid.json")]
        options += ["--sub-merchants", ",".join(f"{number}={name}" for number, name in sub_merchants().items())]
        options += ["--speech-key", SPEECH_KEY]
        options += ["--refund-seconds", "5"]  # the platform may take a minute, too long for a demo
        processes.start("simulator", [python, "-m", "bot.demo.stand_in", *options], secrets)
        _await(f"http://127.0.0.1:{simulator}/", processes)
        ours |= settings_in(at / "pay")  # the simulator has made these keys by now
        ours["PAY_PARTNER_MCH_ID"] = ours["PAY_MCH_ID"]
        processes.start("web", web.command_line(port), ours)
        _await(f"http://127.0.0.1:{port}/readyz", processes)
        # Last, since the page works without them while they start.
        for name, command in start_workers.command_lines(groups=start_workers.DEMO_QUEUES_BY_PROCESS).items():
            processes.start(name, command, ours)
        publish(api, menus)
        _tag(api, menus, seeded)
        _announce(port, simulator, at)
        return processes.wait()


def _ports() -> tuple[str, str]:
    return os.environ.get("PORT", "8000"), os.environ.get("SIMULATOR_PORT", "8001")


def _await(url: str, processes: Processes) -> None:
    """Wait until the URL answers. Raises ServiceError when it does not in time, or a program has ended."""
    deadline = time.monotonic() + READY_WITHIN
    while processes.healthy and time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=2):  # noqa: S310 - our own address on this machine
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise ServiceError(f"{url} does not answer")


def _tag(api: WeChatApi, menus: dict[str, Menu], seeded: Seeded) -> None:
    """Give each person their menu: a simulator begins without tags, and the worker tags those whose menu changes."""
    numbers = api.tags()
    for role in sorted(set(seeded.tags.values())):
        tag = numbers[menus[role]["matchrule"]["tag"]]
        api.tag_people(tag, [openid for openid, theirs in seeded.tags.items() if theirs == role])


def _announce(port: str, simulator: str, at: Path) -> None:
    click.echo(
        f"""
  Bangfu is running. Open this page, pick a person and chat:

      http://127.0.0.1:{simulator}/

  The bot itself says what it is at http://127.0.0.1:{port}/ and listens at /wechat; its data lie in {at}.
  Ctrl-C ends everything.
"""
    )
