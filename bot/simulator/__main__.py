"""``python -m bot.simulator``: starts the simulator on this machine."""

import argparse
import os
import sys
from pathlib import Path

from bot.simulator.app import create_simulator
from bot.simulator.fields import Paper, read_templates
from bot.simulator.options import Mode, Options, read_people
from bot.simulator.pay.options import Kind, PayOptions, read_sub_merchants
from bot.simulator.pay.paid import read_paid
from bot.simulator.serving import die_with_parent, listen, serve_until_told
from bot.simulator.simulator import Simulator
from bot.simulator.timeline import SharedClock

HOST = "127.0.0.1"
# option -> (environment variable, default, help)
SETTINGS = {
    "bot-url": ("SIMULATOR_BOT_URL", "http://127.0.0.1:8000/wechat", "where the account's server takes messages"),
    "port": ("SIMULATOR_PORT", "8001", "port of the page and the API; 0 takes a free one"),
    "people": ("SIMULATOR_PEOPLE", "", "JSON file with the people who chat"),
    "followers": ("SIMULATOR_FOLLOWERS", "", "JSON file that keeps who was added and who follows, for the next start"),
    "templates": ("SIMULATOR_TEMPLATES", "", "JSON file with the account's message templates"),
    "app-id": ("WECHAT_APP_ID", None, "the account's AppID"),
    "app-secret": ("WECHAT_APP_SECRET", None, "the account's AppSecret"),
    "token": ("WECHAT_TOKEN", None, "the Token that signs deliveries"),
    "aes-key": ("WECHAT_AES_KEY", None, "the 43-character EncodingAESKey"),
    "mode": ("WECHAT_MODE", "safe", "safe, compatible or plain"),
    "mchid": ("PAY_MCHID", "1900000109", "the merchant's number"),
    "pay-keys": ("SIMULATOR_PAY_KEYS", "", "folder that keeps the keys of Pay, for the merchant's server to read"),
    "pay-kind": (
        "SIMULATOR_PAY_KIND",
        "public-key",
        "what Pay signs with: public-key, or certificate (older merchants)",
    ),
    "paid": ("SIMULATOR_PAID", "", "JSON file with the merchant's orders that were paid before this start"),
    "sub-merchants": (
        "SIMULATOR_SUB_MERCHANTS",
        "",
        "for whom the merchant signs as their partner: number=name, with commas between several",
    ),
    "freeze-days": ("SIMULATOR_FREEZE_DAYS", "30", "after how many days frozen money is its sub-merchant's own"),
    "refund-seconds": ("SIMULATOR_REFUND_SECONDS", "60", "how long a refund of Pay takes"),
    "speech-key": (
        "SIMULATOR_SPEECH_KEY",
        "",
        "the bearer key of the recogniser of voices; empty: it asks for none",
    ),
    "speech-errors": ("SIMULATOR_SPEECH_ERRORS", "0", "percent of voices at which the recogniser fails"),
    "account": ("SIMULATOR_ACCOUNT", "gh_0000000000aa", "the account's original id"),
    "account-name": ("SIMULATOR_ACCOUNT_NAME", "", "the account's name over the chat"),
}


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.simulator", description="A simulator of WeChat.")
    for name, (variable, default, help_text) in SETTINGS.items():
        given = os.environ.get(variable) or default
        shown = f"{help_text} [{variable}]" + (f" (default {default})" if default else "")
        parser.add_argument(f"--{name}", default=given, required=given is None, help=shown)
    return parser.parse_args(arguments)


def options(given: argparse.Namespace, port: int) -> Options:
    """Raises OSError, ValueError where a file or a setting cannot be read."""
    paper = read_templates(Path(given.templates)) if given.templates else Paper()
    return Options(
        bot_url=given.bot_url,
        app_id=given.app_id,
        app_secret=given.app_secret,
        token=given.token,
        aes_key=given.aes_key,
        mode=Mode(given.mode),
        account=given.account,
        account_name=given.account_name,
        people=read_people(Path(given.people)) if given.people else (),
        followers=Path(given.followers) if given.followers else None,
        pay=PayOptions(
            mchid=given.mchid,
            kind=Kind(given.pay_kind),
            keys_dir=Path(given.pay_keys) if given.pay_keys else None,
            refund_seconds=float(given.refund_seconds),
            freeze_days=float(given.freeze_days),
            sub_merchants=read_sub_merchants(given.sub_merchants),
            paid=read_paid(Path(given.paid), given.mchid) if given.paid else (),
        ),
        speech_key=given.speech_key,
        speech_errors=float(given.speech_errors) / 100,
        templates=paper.own,
        template_library=paper.library,
        subscriptions=paper.subscriptions,
        public_url=f"http://{HOST}:{port}",
    )


def main(arguments: list[str], shared: SharedClock | None = None) -> int:
    """``shared``: the clock's moves, where the account's server moves along (the demo's)."""
    die_with_parent()
    given = parse(arguments)
    try:
        listener = listen(HOST, int(given.port))
        simulator = Simulator(options(given, listener.getsockname()[1]), shared=shared)
        app = create_simulator(simulator.options, simulator)
        simulator.pay.keys()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 1
    sys.stdout.write(f"simulator ready at http://{HOST}:{listener.getsockname()[1]}/\n")
    sys.stdout.flush()
    simulator.timeline.start()
    serve_until_told(app, listener)
    simulator.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
