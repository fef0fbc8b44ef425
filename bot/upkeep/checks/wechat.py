"""Check the account at WeChat: that it knows this machine and these secrets, and that its templates are ours."""

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import func, select

from bot.push.cards import Card, UnknownCard, load_cards
from bot.upkeep.checks.finding import Finding, bad, ok, warn
from bot.upkeep.checks.installation import Installation
from bot.wechat.policy import WeChatError
from bot.wechat.token import TokenManager
from bot.work.context import make_api
from models.people.conversation import Conversation

_FIELD = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")
_CONSOLE = "in WeChat's console"
# What to do about each refusal of a token; all others are told by their number.
_REFUSED: Mapping[int, str] = {
    40164: f"add this machine's address{{address}} to the IP whitelist {_CONSOLE} (settings, basic configuration)",
    61004: f"add this machine's address{{address}} to the IP whitelist {_CONSOLE} (settings, basic configuration)",
    40013: f"WECHAT_APP_ID is not the account's: copy it from there {_CONSOLE}",
    40125: f"WECHAT_APP_SECRET is not the account's: make a new one {_CONSOLE} and set it on every host",
    40001: f"WECHAT_APP_SECRET is not the account's: make a new one {_CONSOLE} and set it on every host",
    40243: f"the AppSecret is frozen: unfreeze it {_CONSOLE}",
    45009: "the day's quota is used up: clear it once in the console, and look for who else uses this AppSecret",
}
_ELSE = "look the number up in WeChat's list of global return codes"


def check_account(installation: Installation) -> Iterator[Finding]:
    """Ask WeChat for a token from this machine, past the one that is kept: so it says whether it knows the address."""
    settings = installation.settings
    tokens = TokenManager(
        settings.wechat_api_url,
        settings.wechat_app_id,
        settings.wechat_app_secret,
        installation.redis,
        installation.http,
    )
    try:
        tokens.probe()
    except WeChatError as error:
        address = f" {error.address}" if error.address else ""
        yield bad(str(error), _REFUSED.get(error.code, _ELSE).format(address=address))
    else:
        yield ok("WeChat gives this machine a token: AppID, AppSecret and IP whitelist are right")
    yield from _served(installation)


def _served(installation: Installation) -> Iterator[Finding]:
    """Demand that a program among several accounts serves one of them: else it sends to everybody by this one."""
    ours = installation.settings.wechat_account
    ends = select(func.min(Conversation.account), func.max(Conversation.account))
    with installation.database.connect() as connection:
        first, last = connection.execute(ends).one()
    if not ours and first != last:
        yield bad(
            f"people of several accounts are in the database, {first} and {last} among them",
            "set WECHAT_ACCOUNT to the original ID of the account whose AppID this is; each has programs of its own",
        )
    elif ours and first and ours not in (first, last) and first == last:
        yield warn(
            f"nobody has written to {ours} yet, only to {first}", f"compare WECHAT_ACCOUNT with the ID {_CONSOLE}"
        )


def check_templates(installation: Installation) -> Iterator[Finding]:
    """Compare the account's templates with the cards of config/push.toml, field by field."""
    settings = installation.settings
    try:
        cards = load_cards(settings.wechat_templates, settings.wechat_subscriptions)
    except UnknownCard as error:
        yield bad(str(error), "correct WECHAT_TEMPLATES or WECHAT_SUBSCRIPTIONS")
        return
    api = make_api(settings, installation.redis)
    if settings.wechat_templates:
        used = {card.template_id: card for card in cards.values() if card.template_id}
        yield from _compared("WECHAT_TEMPLATES", used, api.templates())
    if settings.wechat_subscriptions:
        used = {card.subscription_id: card for card in cards.values() if card.subscription_id}
        yield from _compared("WECHAT_SUBSCRIPTIONS", used, api.subscription_templates())
    for channel, named in (("templates", settings.wechat_templates), ("subscriptions", settings.wechat_subscriptions)):
        if named and (lacking := sorted({*cards} - {*named})):
            yield warn(
                f"the {channel} have no {', '.join(lacking)}", "what would use it goes by another channel, or waits"
            )


def _compared(setting: str, used: Mapping[str, Card], there: Mapping[str, str]) -> Iterator[Finding]:
    fitting = []
    for template_id, card in used.items():
        if template_id not in there:
            yield bad(f"{setting}: the account has no template for {card.name}", f"copy its ID {_CONSOLE}")
            continue
        found, wanted = set(_FIELD.findall(there[template_id])), set(card.fields.values())
        if lacking := sorted(wanted - found):
            yield bad(
                f"{setting}: {card.name}: the template lacks {', '.join(lacking)}; it has {', '.join(sorted(found))}",
                "WeChat refuses every send: choose one with these fields, or name its fields in config/push.toml",
            )
        elif extra := sorted(found - wanted):
            yield warn(
                f"{setting}: {card.name}: the template has {', '.join(extra)} too, which the bot does not fill in",
                "choose a template without them, or name them in config/push.toml",
            )
        else:
            fitting.append(card.name)
    if fitting:
        yield ok(f"{setting}: {', '.join(fitting)} fit")
