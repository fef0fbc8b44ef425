"""Import every table once, for migrations and other users of the whole metadata."""

from models import ledger  # noqa: F401 - a table is there once its module is
from models.appeals import appeal, beneficiary, flag, revision  # noqa: F401
from models.core import audit_trail  # noqa: F401
from models.core.base import Base
from models.desk import session, sign_in  # noqa: F401
from models.disbursements import allocation_run, disbursement, payee  # noqa: F401
from models.donors import message, receipt, recurring_gift  # noqa: F401
from models.families import question  # noqa: F401
from models.figures import delta, waiting  # noqa: F401
from models.giving import allocation, pledge, pledge_sums, pool, refund_run  # noqa: F401
from models.goods import exchange  # noqa: F401
from models.goods.matches import issues, match, thanks  # noqa: F401
from models.goods.points import collection_card, point  # noqa: F401
from models.goods.rounds import round as goods_round  # noqa: F401
from models.market import listing, seller, statement  # noqa: F401
from models.market.after_sales import after_sale  # noqa: F401
from models.market.campaigns import campaign  # noqa: F401
from models.market.lots import lot  # noqa: F401
from models.market.money import account as order_account  # noqa: F401
from models.market.money import payment as order_payment  # noqa: F401
from models.market.money import sub_merchant, transfer  # noqa: F401
from models.market.orders import order as market_order  # noqa: F401
from models.notifications import (  # noqa: F401
    broadcast,
    channel_pause,
    delivery_report,
    mute,
    notification,
    outbox,
    service_window,
    subscription,
)
from models.organisations import charity, filing, merchant, organisation, representative  # noqa: F401
from models.outreach import update  # noqa: F401
from models.oversight import region_counts  # noqa: F401
from models.payments import order, refund, suspense  # noqa: F401
from models.people import conversation, family_member, photo, user  # noqa: F401
from models.places import region  # noqa: F401
from models.proxy import card, consent_code, mandate  # noqa: F401
from models.public import appeal_code, appeal_page, follow_up, photos  # noqa: F401
from models.rights import name_change, number_claim, request  # noqa: F401
from models.rights.erasure import erasure as rights_erasure  # noqa: F401
from models.rights.erasure import paper, remainder  # noqa: F401
from models.speech import consent, voice  # noqa: F401
from models.staff import conflict_of_interest, decision, member, menu_due, recusal, task  # noqa: F401
from models.stock import move  # noqa: F401
from models.support import inquiry, ticket  # noqa: F401
from models.treasury import bank_entry, bill, discrepancy, gift_accounts  # noqa: F401
from models.upkeep import dead_job, schedule  # noqa: F401
from models.verification import case, objection, registry, visit  # noqa: F401

metadata = Base.metadata
