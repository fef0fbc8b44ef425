"""Run all checks, each by itself: one that fails is told, and hides no other."""

from collections.abc import Callable, Iterator, Mapping

import requests
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot.upkeep.checks.database import check_books_result, check_chains, check_database, check_migrations
from bot.upkeep.checks.disk import check_disk
from bot.upkeep.checks.door import check_callback, check_certificate, check_domain, check_server
from bot.upkeep.checks.finding import Finding, bad
from bot.upkeep.checks.installation import Installation
from bot.upkeep.checks.keys import check_data_keys, check_pay_keys
from bot.upkeep.checks.settings import check_settings
from bot.upkeep.checks.time import check_database_clock, check_wechat_clock
from bot.upkeep.checks.wechat import check_account, check_templates
from bot.upkeep.checks.work import check_owed, check_queues, check_redis, check_schedule, check_workers
from bot.wechat.policy import Unreachable, WeChatError

Check = Callable[[Installation], Iterator[Finding]]

# What it is about -> what looks at it, in the order in which an operator would.
CHECKS: Mapping[str, tuple[Check, ...]] = {
    "settings": (check_settings,),
    "database": (check_database,),
    "migrations": (check_migrations,),
    "chains": (check_chains, check_books_result),
    "keys": (check_data_keys, check_pay_keys),
    "redis": (check_redis,),
    "workers": (check_workers, check_schedule),
    "queues": (check_queues, check_owed),
    "disk": (check_disk,),
    "server": (check_server,),
    "domain": (check_domain,),
    "certificate": (check_certificate,),
    "callback": (check_callback,),
    "wechat": (check_account,),
    "templates": (check_templates,),
    "clock": (check_database_clock, check_wechat_clock),
}
_NO_WECHAT = "is WECHAT_API_URL right, and its host open to this machine (firewall, DNS)?"


def examine(installation: Installation) -> Iterator[tuple[str, Finding]]:
    """Make every check. What several of them fail for is told in full once: the cause should not drown."""
    failed: dict[Finding, str] = {}
    for name, checks in CHECKS.items():
        for check in checks:
            try:
                yield from ((name, finding) for finding in check(installation))
            except Exception as error:  # of any kind: the others are still made, and this one is told
                finding = _failed(error)
                before = failed.setdefault(finding, name)
                yield name, finding if before == name else bad("could not be looked at", f"see {before}")


def _failed(error: Exception) -> Finding:
    """Say why a check could not be made. No words of the error's but those that are known to hold no secret."""
    match error:
        case OperationalError():
            said = str(error.orig).splitlines()[0]
            return bad(
                f"the database does not answer: {said}", "start PostgreSQL, and see DATABASE_URL and its network"
            )
        case RedisError():
            kind = type(error).__name__
            return bad(f"Redis does not answer ({kind})", "start it, and see REDIS_URL; turns go on, the rest waits")
        case WeChatError() | Unreachable():
            return bad(str(error), _NO_WECHAT)
        case requests.RequestException():
            return bad(
                f"WeChat does not answer ({type(error).__name__})", "see wechat; is its host open to this machine?"
            )
        case SQLAlchemyError():
            return bad(f"the database refuses: {type(error).__name__}", "is it migrated? See migrations")
    return bad(f"this check failed ({type(error).__name__})", "report it as a mistake of the program")
