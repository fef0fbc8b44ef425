"""Check the settings, and who may read the files that hold secrets; a setting that is wrong ends every command."""

from collections.abc import Iterator
from pathlib import Path

from bot.upkeep.checks.finding import Finding, bad, ok, warn
from bot.upkeep.checks.installation import Installation
from config.settings import ROOT

_OTHERS = 0o007


def check_settings(installation: Installation) -> Iterator[Finding]:
    settings = installation.settings
    if settings.is_production:
        ways = f"PAY_MODE={settings.pay_mode}, WECHAT_MODE={settings.wechat_mode}"
        yield ok(f"production, complete; {ways}")
    else:
        yield warn(
            "this is a demo: samples and weak secrets are taken as they are",
            "on a server leave BANGFU_ENV empty, or set it to production",
        )
    for path in filter(Path.exists, _secret_files(settings.pay_merchants)):
        if path.stat().st_mode & _OTHERS:
            yield bad(
                f"everybody on this machine may read {path}, which holds secrets",
                f"chown root:bangfu {path}; chmod 640 {path}; and take new secrets if strangers have an account here",
            )
    if not settings.wechat_templates and not settings.wechat_subscriptions:
        yield warn(
            "no message template is set: whoever wrote more than 48 hours ago hears of nothing",
            "choose templates in WeChat's console, then set WECHAT_TEMPLATES or WECHAT_SUBSCRIPTIONS",
        )


def _secret_files(merchants: str) -> Iterator[Path]:
    yield ROOT / ".env"
    if merchants:
        yield Path(merchants)
