"""Check what must be true of the whole database, row by row without holding it in memory.

Every check reads one snapshot (models.core.database.snapshot) and yields what is wrong with it. None repairs
anything: an operator looks for the cause of a violation first.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Connection

from models.books.chains import Noted, check_chain, check_noted, read_head
from models.books.decisions import check_households, check_three_people
from models.books.figures import check_figures
from models.books.goods.matches import check_matches
from models.books.goods.offers import check_goods
from models.books.goods.rounds import check_rounds
from models.books.goods.stock import check_stock
from models.books.households import check_beside, check_households_of_things, check_joined
from models.books.mandates import check_consents
from models.books.market.campaigns import check_campaigns
from models.books.market.land import check_land
from models.books.market.lots import check_lots
from models.books.market.order_money import check_order_money
from models.books.market.orders import check_orders
from models.books.money.accounts import check_accounts
from models.books.money.bank_entries import check_entries
from models.books.money.bills import check_bills
from models.books.money.disbursements import check_disbursements
from models.books.money.gifts import check_pledge_sums
from models.books.money.ledger import check_reversals, check_transactions
from models.books.money.matching import check_matching
from models.books.money.payments import check_payments
from models.books.money.refunds import check_refunds
from models.books.pages import check_pages
from models.books.signatures import check_decisions, check_signed
from models.books.states import check_states
from models.books.tasks import check_tasks
from models.books.violation import Violation

__all__ = ["CHECKS", "Noted", "Violation", "read_head", "violations"]

Check = Callable[[Connection, datetime], Iterator[Violation]]

CHECKS: tuple[Check, ...] = (
    check_chain,
    check_states,
    check_tasks,
    check_goods,
    check_stock,
    check_land,
    check_matches,
    check_orders,
    check_lots,
    check_campaigns,
    check_rounds,
    check_three_people,
    check_households,
    check_households_of_things,
    check_joined,
    check_beside,
    check_consents,
    check_pages,
    check_decisions,
    check_signed,
    check_transactions,
    check_reversals,
    check_accounts,
    check_disbursements,
    check_entries,
    check_payments,
    check_pledge_sums,
    check_refunds,
    check_matching,
    check_bills,
    check_order_money,
    check_figures,
)


def violations(
    connection: Connection, now: datetime, noted: Noted | None = None, noted_ledger: Noted | None = None
) -> Iterator[Violation]:
    """Yield the violations that all checks find, as they are found.

    ``noted`` and ``noted_ledger``: a link of the audit trail and of the ledger's chain, noted at an earlier check."""
    for chain, link in (("audit", noted), ("ledger", noted_ledger)):
        if link:
            yield from check_noted(connection, chain, link)
    for check in CHECKS:
        yield from check(connection, now)
