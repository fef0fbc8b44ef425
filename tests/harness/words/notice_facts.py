"""Facts of every kind of notice: such as there usually are, and the longest that there can be."""

from typing import Any

from bot.speech.words import LONGEST as LONGEST_HEARD
from flows.language.lexicon import Lexicon
from models.appeals.appeal import MACHINE as APPEALS
from models.core.money import LARGEST
from models.donors.message import LONGEST
from models.donors.receipt import LONGEST_NUMBER
from models.giving.matching import MOST_POOLS
from models.giving.pledge import FALLBACKS
from models.giving.pool import LONGEST_SPONSOR
from models.market.after_sales.after_sale import AFTER_SALE_MACHINE as AFTER_SALES
from models.market.campaigns.campaign import STOPS, WHYS
from models.market.money.transfer import REASONS
from models.market.orders.order import WHY_CANCELLED
from models.staff.task import SUBJECTS
from models.staff.task_steps import STEPS
from models.support.desk import LONGEST_ANSWER
from models.support.inquiry import REPORTABLE
from models.support.inquiry_outcome import UPHELD
from models.verification.case import MACHINE as CASES

# A character of four bytes: it is Chinese, and the longest there is.
WIDE = "𠮷"
TITLE, ITEM, NAME = WIDE * 30, WIDE * 30, WIDE * 12
MOST, DAY, CODE = 999_999, "2026-12-31", "ABCDEFGHJK"
LONGEST_PLACE = "新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿合奇县哈拉奇乡"
WORK_NO = "9" * 20

Facts = dict[str, Any]

# What a notification of a lot may name (models.market.lots.telling).
_OF_LOTS = ("lot_picking", "lot_ends", "lot_failed")
_LOT = {
    "unit": "jin",
    "ordered": 60_000,
    "orders": 3,
    "last": DAY,
    "until": "2027-01-03T16:00:00+00:00",
    "cancelled": 3,
}
_LONGEST_LOT = {**_LOT, **dict.fromkeys(("ordered", "orders", "cancelled"), MOST)}
# What a notification of an order may name (models.market.orders.telling).
_OF_ORDERS = (
    *(
        "ordered",
        "order_paid",
        "order_accepted",
        "order_agreed",
        "order_cut",
        "shipped",
        "order_handed",
        "order_received",
    ),
    *("order_ended", "lot_harvested", "order_short", "order_filled"),
)
_ORDER = {
    **{"order": 7, "code": "K7M2PQ", "quantity": 2, "unit": "piece", "amount_fen": 7_000, "fresh": True, "due": DAY},
    **{"carrier": "sf", "waybill": "SF1234567890123", "why": None, "side": "buyer", "before": 4, "paid": True},
    **{"state": "accepted", "first": None, "last": None},
    **{"wanted": 4, "until": "2027-01-03T16:00:00+00:00"},
}
_DAYS = {"first": "2026-10-20", "last": "2026-12-04", "was_first": "2026-09-20", "was_last": "2026-11-04"}
_AFTER_SALE = {
    **{"order": 7, "code": "K7M2PQ", "wrong": "spoiled", "wish": "part", "part_fen": 1_000, "due": DAY},
    **{"state": "asked", "side": "seller", "paid": False, "last": False, "soon": False},
}
_CAMPAIGN = {
    **{
        "campaign": 3,
        "crop": "citrus",
        "place": "湖南省永州市道县",
        "price_fen": 280,
        "until": DAY,
        "state": "divided",
    },
    **{"why": None, "side": "buyer", "grams": 10_000, "given": 10_000, "parts": 1, "reasons": []},
}
_LONGEST_ORDER = {
    **_ORDER,
    **{"order": MOST, "code": CODE, "quantity": MOST, "unit": "jin", "amount_fen": LARGEST, "why": "suspended"},
    **{"side": "seller", "waybill": "SF" + "9" * 28, "before": MOST, "wanted": MOST},
}
# What a notification of a match may name (models.goods.matches.telling).
_MATCHED = {
    **{
        "number": 4,
        "item": "棉被",
        "offered": "新棉被",
        "match": 7,
        "request": 4,
        "offer": 5,
        "count": 1,
        "quantity": 2,
    },
    **{
        "quantity": 2,
        "unit": "piece",
        "place": "张家小店",
        "county": "湖南省永州市道县",
        "came_from": "广东省广州市天河区",
    },
    **{"hours": "每天8点到18点", "handover": "post", "parcel": "AB23CD45", "waybill": None, "state": "proposed"},
    **{"by": None, "until": DAY, "code": "402918", "reference": "match:7", "rank": 3, "waited": 41},
}
_OF_MATCHES = (
    *("goods_proposed", "goods_wanted", "goods_coming", "goods_shipped", "goods_arrived", "goods_handed"),
    *("goods_received", "goods_ended", "goods_freed", "parcel_coming", "collection_code"),
)
_ENDED = {
    "declined": ("donor",),
    "lapsed": ("household", "donor"),
    "cancelled": ("household", "donor", "system"),
    "lost": ("carrier", "keeper"),
    "uncollected": ("household",),
}


def _of_matches(place: str) -> dict[str, Facts]:
    """Kind -> the longest facts of a notification of a match."""
    most = {
        **_MATCHED,
        **dict.fromkeys(("number", "count", "quantity"), MOST),
        **dict.fromkeys(("item", "offered"), ITEM),
    }
    most |= {"place": WIDE * 40, "hours": WIDE * 60, "county": place, "came_from": place}
    return {kind: {**most, "state": "uncollected", "by": "household"} for kind in _OF_MATCHES}


def _usual_matches() -> list[tuple[str, Facts]]:
    plain = [(kind, _MATCHED) for kind in _OF_MATCHES if kind not in ("goods_ended", "goods_freed")]
    ends = [{**_MATCHED, "state": state, "by": by} for state, whose in _ENDED.items() for by in whose]
    ended = [(kind, {**facts, "count": n}) for kind in ("goods_ended", "goods_freed") for facts in ends for n in (1, 3)]
    together = ("goods_wanted", "goods_arrived", "goods_received", "parcel_coming")
    many = [(kind, {**_MATCHED, "count": 40, "quantity": 80, "county": "", "place": ""}) for kind in together]
    brought = [(kind, {**_MATCHED, "handover": "pickup"}) for kind in ("goods_wanted", "goods_coming")]
    return [*plain, *ended, *many, *brought]


def _moved(place: str) -> Facts:
    """What is said of a match that goes to another point."""
    return {
        "place": place,
        "hours": "每天8点到18点",
        "quantity": 2,
        "unit": "piece",
        "parcel": "AB23CD45",
        "until": DAY,
    }


def longest(lexicon: Lexicon, place: str) -> dict[str, Facts]:
    """Kind -> facts. ``place``: the longest name of one."""
    appeal = {"number": MOST, "title": TITLE}
    money = {"amount_fen": LARGEST, "gifts": MOST, "raised_fen": LARGEST, "paid_fen": LARGEST, "target_fen": LARGEST}
    reached = {name: value for name, value in money.items() if name != "amount_fen"}
    returned = list(lexicon.choices["return_reason"])
    case = [*dict.fromkeys(r for name in ("case_reject_reason", "freeze_reason") for r in lexicon.choices[name])]
    seat = {"work_no": WORK_NO, "role": "fund_holder", "place": place}
    acted = {"subject": "appeal", "number": MOST, "work_no": WORK_NO}
    listing = {"number": MOST, "name": ITEM}
    task = {"count": MOST, "due": DAY, "subject": "revision", "number": MOST, "step": "suspended"}
    matches = {"matches": [[WIDE * LONGEST_SPONSOR, LARGEST]] * MOST_POOLS}
    # What staff wrote; what an owner or a county may write to many is shorter.
    words = "好" * LONGEST_ANSWER
    public = WIDE * 200
    return {
        "appeal_begins": {**appeal, **reached, "minimum_fen": LARGEST},
        "appeal_failed": {**appeal, "state": "frozen"},
        "appeal_funded": {**appeal, **reached},
        "appeal_moved": {**appeal, "state": "returned", "reasons": returned, "resumed": False},
        "appeal_opened": {**appeal, "state": "funding"},
        "appeal_overdue": appeal,
        "appeal_resumed": appeal,
        "photos_public": {**appeal, "count": MOST},
        "photos_wait": {**appeal, "count": MOST},
        **{
            kind: {"number": MOST, "title": ITEM, "count": MOST, "reference": f"listing:{MOST}"}
            for kind in ("listing_photos_public", "listing_photos_wait")
        },
        "appeal_update": {**appeal, "words": public},
        "broadcast_done": {
            **dict.fromkeys(("number", "appeal", "planned", "gone", "waiting", "failed"), MOST),
            "title": TITLE,
            "template": "disaster_call",
        },
        "card_bound": {"on": DAY, "work_no": WORK_NO},
        "card_issued": {"from": DAY},
        "card_void": {"name": f"{WIDE}{'*' * 19}"},
        "case_ends_soon": {"number": MOST, "expires": DAY},
        "case_moved": {
            "number": MOST,
            "state": "rejected",
            "was": None,
            "reasons": case,
            "registry": "match",
            "due": DAY,
            "until": DAY,
            "expires": DAY,
        },
        "code_void": {},
        **_of_matches(place),
        "report_decided": {"about": "update", "thing": MOST, "outcome": "taken_down"},
        "taken_down": {"about": "update", "number": MOST},
        "erasure_put_off": {
            "holds": [{"kind": "appeal", "name": "9" * 12, "title": "修" * 30, "state": "funding"}] * 5
        },
        "export_ready": {"number": MOST, "until": "2026-12-31T15:59:59+00:00"},
        "paper_erasure_moved": {
            **{"number": MOST, "what": "put_off"},
            "holds": [{"kind": "appeal", "name": "9" * 12, "title": "修" * 30, "state": "funding"}] * 5,
        },
        "phone_changed": {"tail": "0000"},
        "number_claim_decided": {
            "released": False,
            "registered": False,
            "reasons": list(lexicon.choices["claim_reason"]),
            "until": None,
        },
        "organisation_decided": {
            "name": "道" * 40,
            "what": "returned",
            "reasons": list(lexicon.choices["organisation_reason"]),
            "until": "2026-12-31",
            "today": "2026-12-31",
        },
        "term_ends": {"name": "道" * 40, "what": "over", "until": "2026-12-31"},
        "organisation_sales": {
            **{"name": "道" * 40, "what": "taken_over"},
            **dict.fromkeys(("listings", "orders", "waiting"), MOST),
        },
        "beneficiary_asked": {"number": MOST, "title": "修" * 30, "name": "道" * 40},
        "requests_ended": {"kinds": ["phone", "payee", "home", "consent", "erasure", "export"]},
        "home_moved": {"home": place, "made": True},
        "number_released": {"frozen": [MOST] * 5, "cancelled": [MOST] * 5},
        "household_changed": {"what": "one_family", "self": False, "frozen": [MOST] * 5, "waiting": [MOST] * 5},
        "name_decided": {"approved": False, "reasons": ["card_differs", "no_card", "not_asked"], "work_no": "9" * 20},
        "payee_recorded": {"number": MOST, "tail": "0000", "made": False},
        "consent_withdrawn": {"purposes": ["publish", "voice"], "cancelled": [MOST] * 5, "hidden": [MOST] * 5},
        "consent_revoked": {"ends": [MOST] * 5, "until": "2026-12-31T15:59:59+00:00"},
        "consent_kept": {"number": MOST},
        "collecting_ended": appeal,
        "digest": {
            "month": "2026-12",
            "gave_fen": LARGEST,
            **dict.fromkeys(("gifts", "appeals", "funding", "reached", "ended"), MOST),
        },
        "disaster_call": {**appeal, "place": place, "words": public},
        "disbursed": {**appeal, "amount_fen": LARGEST, "item": ITEM, "owner": True, "code": CODE},
        "payee_changed": {**appeal, "tail": "9" * 4, "day": DAY, "staff": False},
        "receipts_due": {
            **{**appeal, "use": MOST, "amount_fen": LARGEST, "day": DAY, "overdue": False},
            "reasons": list(lexicon.choices["use_reason"]),
        },
        "update_due": {**appeal, "day": DAY, "overdue": True},
        "transfer_asked": {**appeal, "use": MOST, "amount_fen": LARGEST, "why": "restored"},
        "transfer_unanswered": {**appeal, "use": MOST, "amount_fen": LARGEST},
        "paid_despite": {**appeal, "use": MOST, "amount_fen": LARGEST, "why": "held"},
        "disbursement_moved": {
            **{**appeal, "use": MOST, "amount_fen": LARGEST, "state": "requested", "day": DAY},
            "reasons": list(lexicon.choices["use_reason"]),
        },
        "payment_late": {**appeal, "amount_fen": LARGEST, "code": CODE, "fallback": "similar"},
        "gift_message": {**appeal, "words": WIDE * LONGEST, "name": WIDE * 12},
        "message_decided": {
            **appeal,
            "code": CODE,
            "passed": False,
            "again": True,
            "reasons": list(lexicon.choices["message_reason"]),
        },
        "payment_received": {**appeal, "amount_fen": LARGEST, "code": CODE} | matches,
        "handed_over": {**seat, "count": MOST},
        **{
            kind: {
                **{"number": MOST, "item": ITEM, "quantity": MOST, "unit": "bottle", "place": WIDE * 40},
                **{"hours": WIDE * 60, "until": DAY, "parcel": CODE[:8]},
            }
            for kind in ("goods_wait", "goods_unsent", "goods_written_off", "shelf_written_off")
        },
        "goods_thanked": {"number": MOST, "item": ITEM, "words": public, "thanks": MOST, "pictures": 3},
        "goods_thanks_decided": {
            **{"number": MOST, "item": ITEM, "published": False},
            "reasons": list(lexicon.choices["update_reason"]),
        },
        **{
            kind: {
                **{"match": MOST, "number": MOST, "item": ITEM, "upheld": True, "what": "not_got"},
                "reasons": list(lexicon.choices["match_uphold_reason"]),
            }
            for kind in ("goods_issue_decided", "match_issue_decided")
        },
        "point_offered": {"number": MOST, "point": MOST, "title": WIDE * 20},
        "point_answered": {"number": MOST, "title": WIDE * 20, "answer": "no"},
        "point_closed": {"number": MOST, "title": WIDE * 20, "lies": MOST},
        "goods_carried": {"number": MOST, "title": WIDE * 20, "count": MOST},
        "goods_point_moved": {**_moved(WIDE * 20), "number": MOST, "item": ITEM, "code": CODE},
        "parcel_point_moved": {**_moved(WIDE * 20), "number": MOST, "item": ITEM},
        "goods_moved": {
            **{"subject": "request", "number": MOST, "item": ITEM, "state": "returned"},
            "reasons": ["unclear", "photos_unclear", "wrong_amount", "wrong_price", "wrong_category", "bad_link"],
        },
        "goods_old": {
            **{"subject": "request", "number": MOST, "item": ITEM, "until": "2026-12-31"},
            "reference": f"request:{MOST}",
        },
        "milestone": {**appeal, **reached, "percent": 100},
        "recurring_gift_due": {**appeal, "amount_fen": LARGEST},
        "recurring_gift_ended": {**appeal, "amount_fen": LARGEST, "state": "failed"},
        "need_found": {
            **{"number": MOST, "item": ITEM, "request": MOST, "wanted": ITEM, "count": MOST},
            "place": place,
        },
        "objection_decided": {"number": MOST, "upheld": True},
        "objection_made": {"number": MOST, "count": MOST, "due": DAY},
        **{kind: {**listing, **_LONGEST_ORDER} for kind in _OF_ORDERS},
        "harvest_moved": {**listing, **_LONGEST_ORDER, **_DAYS},
        **{kind: {**listing, **_LONGEST_LOT} for kind in _OF_LOTS},
        "after_sale_ends": {**listing, "number": MOST, "until": "2026-12-21T16:00:00+00:00"},
        "after_sale_moved": {**listing, **_AFTER_SALE, "code": CODE, "part_fen": LARGEST, "wrong": "not_got"},
        **{
            kind: {
                **_CAMPAIGN,
                **dict.fromkeys(("campaign", "parts"), MOST),
                **{"place": place, "price_fen": LARGEST, "grams": 10**12, "given": 10**12 - 500},
            }
            for kind in ("campaign_opened", "campaign_ended")
        },
        "campaign_moved": {
            **_CAMPAIGN,
            **{"campaign": MOST, "place": place, "state": "rejected"},
            "reasons": list(lexicon.choices["campaign_reject_reason"]),
        },
        "campaign_firms": {
            **_CAMPAIGN,
            **{"campaign": MOST, "place": place, "firms": MOST, "grams": 10**12, "divides": DAY},
        },
        "firm_struck": {
            **_CAMPAIGN,
            **{"campaign": MOST, "place": place, "grams": 10**12, "again": True},
            "reasons": list(lexicon.choices["firm_strike_reason"]),
        },
        "order_refunded": {**listing, **_LONGEST_ORDER, "why": "late"},
        "order_released": {**listing, **_LONGEST_ORDER, "why": "completed"},
        "pledged": {**appeal, **money, "new_gifts": MOST, "name": NAME, "paid": False, "matched_fen": LARGEST},
        "proxied_appeal_moved": {**appeal, "state": "returned", "reasons": returned},
        "proxy_acted": {**acted, "title": TITLE},
        "proxy_denied": acted,
        "proxy_own_card": acted,
        "redirected": {**appeal, "amount_fen": LARGEST, "code": CODE, "before": MOST, "before_title": TITLE} | matches,
        "receipt_decided": {
            **appeal,
            "code": CODE,
            "amount_fen": LARGEST,
            "receipt": "9" * LONGEST_NUMBER,
            "reason": None,
        },
        "refunds_done": {
            **appeal,
            **dict.fromkeys(("gifts", "redirected", "stuck"), MOST),
            "fen": LARGEST,
            "staff": True,
        },
        "refunded": {**appeal, "amount_fen": LARGEST, "code": CODE, "why": "late", "whole": False},
        "revision_decided": {**appeal, "approved": False, "reasons": list(lexicon.choices["revision_reason"])},
        "update_decided": {
            **appeal,
            "kind": "progress",
            "published": False,
            "reasons": list(lexicon.choices["update_reason"]),
        },
        "sheet_lost": {"name": f"{WIDE}{'*' * 19}"},
        "staff_bound": seat,
        "staff_confirmed": {**seat, "until": DAY},
        "staff_moved": {**seat, "state": "revoked", "reason": "misconduct"},
        "stock_low": {**listing, "left": MOST, "unit": "jin"},
        "task_assigned": {"subject": "case", "number": MOST, "yours": True, "due": DAY},
        "task_new": task,
        "task_overdue": {**task, "yours": True},
        "thanks": {**appeal, "words": public},
        "ticket_answered": {"number": MOST, "words": words},
        "ticket_ended": {"number": MOST, "days": 7},
        "ticket_waiting": {"number": MOST, "due": DAY, "late": True},
        "person_in_danger": {"number": MOST, "danger": "now", "due": "2026-11-24T02:00:00+00:00"},
        "introduction": {"kind": "request", "number": MOST, "name": ITEM},
        **{
            kind: {
                "voice": MOST,
                "words": WIDE * LONGEST_HEARD,
                "since": 1.0,
                "call": dict(lexicon.danger.numbers),
                "county": True,
            }
            for kind in ("voice_heard", "voice_aside")
        },
        "voice_unheard": {"why": "unclear"},
    }


def usual(lexicon: Lexicon) -> list[tuple[str, Facts]]:
    """(kind, facts): each kind in each of its cases."""
    appeal = {"number": 12, "title": "苗寨修路"}
    reached = {"gifts": 12, "raised_fen": 250_000, "paid_fen": 0, "target_fen": 500_000}
    gift = {**appeal, **reached, "amount_fen": 10_050, "name": "李老师"}
    reasons = [[], *([reason] for reason in lexicon.choices["return_reason"])]
    seat = {"work_no": "DX0100", "role": "village", "place": "湖南省永州市道县梅花镇"}
    case = {"number": 7, "was": None, "registry": "match", "due": DAY, "until": DAY, "expires": DAY}
    open_case: Facts = {**case, "expires": None, "until": None}
    listing = {"number": 3, "name": "竹编提篮"}
    one: list[tuple[str, Facts]] = [
        ("appeal_begins", {**appeal, **reached, "minimum_fen": 250_000}),
        *(("appeal_failed", {**appeal, "state": state}) for state in _STOPPED),
        ("appeal_funded", {**appeal, **reached}),
        *(
            ("appeal_moved", {**appeal, "state": state, "reasons": why, "resumed": resumed})
            for state in APPEALS.states
            for why in reasons
            for resumed in (False, True)
        ),
        ("appeal_moved", {**appeal, **reached, "state": "minimum_met", "reasons": [], "minimum_fen": 250_000}),
        *(
            (
                "appeal_moved",
                {**appeal, **reached, "state": state, "reasons": [], "missing_fen": 100, "withdrawn": asked},
            )
            for state in ("funding", "failed")
            for asked in (0, 1)
        ),
        # Such as waited since before there were reasons.
        ("appeal_moved", {**appeal, "state": "rejected"}),
        ("appeal_opened", appeal),
        ("appeal_overdue", appeal),
        ("appeal_resumed", appeal),
        ("photos_public", {**appeal, "count": 2}),
        ("photos_wait", {**appeal, "count": 3}),
        *(
            (kind, {"number": 3, "title": "竹编提篮", "count": 2, "reference": "listing:3"})
            for kind in ("listing_photos_public", "listing_photos_wait")
        ),
        ("appeal_update", {**appeal, "words": "路基修好了，谢谢大家。"}),
        ("broadcast_done", {**_DONE, "template": "appeal_update"}),
        ("card_bound", {"on": DAY, "work_no": "DX0100"}),
        ("card_issued", {"from": DAY}),
        *(
            ("report_decided", {"about": about, "thing": 6, "name": "DX0100", "outcome": outcome})
            for about, outcome in zip(REPORTABLE, (*UPHELD, "dismissed", "noted"), strict=True)
        ),
        *(("taken_down", {"about": about, "number": 6}) for about in ("update", "offer", "request", "listing")),
        (
            "erasure_put_off",
            {
                "holds": [
                    {"kind": "appeal", "name": "6", "title": "苗寨修路", "state": "frozen"},
                    {"kind": "refund", "name": "CKMM8FA6WT", "title": "", "state": ""},
                ]
            },
        ),
        ("export_ready", {"number": 3, "until": "2026-11-26T03:00:00+00:00"}),
        *(("paper_erasure_moved", {"number": 3, "what": what, **facts}) for what, facts in _PAPER.items()),
        ("phone_changed", {"tail": "4321"}),
        *(("number_claim_decided", {**_GIVEN, "registered": donor}) for donor in (True, False)),
        ("number_claim_decided", {"released": False, "registered": False, "reasons": ["card_unclear"], "until": None}),
        *(
            ("organisation_decided", {**_ORGANISATION, "what": what, "reasons": reasons})
            for what, reasons in _DECIDED_ON_IT.items()
        ),
        *(
            ("term_ends", {"name": "道县修义村村民委员会", "what": what, "until": "2026-12-31"})
            for what in ("soon", "over")
        ),
        ("organisation_sales", {**_SALES, "what": "taken_over", "listings": 2, "waiting": 3}),
        ("organisation_sales", {**_SALES, "what": "left"}),
        ("beneficiary_asked", {"number": 12, "title": "修一条通村的路", "name": "道县修义村村民委员会"}),
        *(("requests_ended", {"kinds": [kind]}) for kind in ("phone", "payee", "home", "consent", "erasure", "export")),
        *(("home_moved", {"home": "湖南省永州市道县寿雁镇", "made": made}) for made in (True, False)),
        ("number_released", {"frozen": [4], "cancelled": []}),
        *(
            ("household_changed", {"what": what, "self": own, "frozen": [], "waiting": []})
            for what in ("one_family", "lives_here", "lives_there", "mistaken", "split", "stays")
            for own in (False, True)
        ),
        ("household_changed", {"what": "one_family", "self": False, "frozen": [4], "waiting": [5]}),
        ("number_released", {"frozen": [], "cancelled": [5]}),
        ("name_decided", {"approved": True, "reasons": [], "work_no": "DX0100"}),
        ("name_decided", {"approved": False, "reasons": ["card_differs"], "work_no": "DX0100"}),
        *(("payee_recorded", {"number": 4, "tail": "0011" if made else None, "made": made}) for made in (True, False)),
        ("consent_withdrawn", {"purposes": ["publish"], "cancelled": [4], "hidden": []}),
        ("consent_withdrawn", {"purposes": ["voice"], "cancelled": [], "hidden": []}),
        *(("consent_revoked", {"ends": ends, "until": "2026-11-26T03:00:00+00:00"}) for ends in ([4], [])),
        ("consent_kept", {"number": 4}),
        ("collecting_ended", {"number": 4, "title": "苗寨修路"}),
        ("card_void", {"name": "王**"}),
        *(("case_ends_soon", {"number": 7, "expires": until}) for until in (DAY, None)),
        *(
            ("case_moved", {**facts, "state": state, "reasons": why})
            for facts in (case, open_case, {**case, "was": "suspended"}, {**case, "was": "adjudication"})
            for state in CASES.states - {"draft"}
            for why in ([], ["objection"])
        ),
        ("code_void", {}),
        *_usual_matches(),
        ("digest", {"month": "2026-01", "gifts": 3, "gave_fen": 30_000, **_FATES}),
        ("disaster_call", {**appeal, "place": "道县", "words": "昨夜大水冲了路，三十户人家出不来。"}),
        *(("disbursed", {**appeal, **_PAID, "owner": owner, "item": "水泥"}) for owner in (True, False)),
        *(("payee_changed", {**appeal, "tail": "0011", "day": DAY, "staff": staff}) for staff in (True, False)),
        *(("receipts_due", {**appeal, **_USE, "day": DAY, "overdue": late, "reasons": []}) for late in (True, False)),
        ("receipts_due", {**appeal, **_USE, "day": DAY, "overdue": False, "reasons": ["amount_differs"]}),
        *(("update_due", {**appeal, "day": DAY, "overdue": late}) for late in (True, False)),
        ("update_due", {**appeal, "day": DAY, "overdue": False, "left_fen": LARGEST}),
        *(
            ("disbursement_moved", {**appeal, **_USE, "state": state, "day": DAY, "reasons": why})
            for state, why in (
                ("requested", ["evidence_unclear"]),
                ("requested", ["payee_changed"]),
                ("refused", ["other_purpose"]),
                ("authorised", []),
                ("received", []),
                ("acquitted", []),
                ("returned", []),
            )
        ),
        *(("transfer_asked", {**appeal, **_USE, "why": why}) for why in ("unanswered", "held", "frozen", "restored")),
        ("transfer_unanswered", {**appeal, **_USE}),
        *(("paid_despite", {**appeal, **_USE, "why": why}) for why in ("held", "frozen", "over")),
        *(("payment_late", {**appeal, "amount_fen": 100, "code": CODE, "fallback": fate}) for fate in FALLBACKS),
        *(("gift_message", {**appeal, "words": "加油！", "name": name}) for name in ("李老师", None)),
        *(
            ("message_decided", {**appeal, "code": CODE, "passed": not why, "again": again, "reasons": why})
            for why in ([], ["unkind"])
            for again in (True, False)
        ),
        ("payment_received", {**appeal, "amount_fen": 10_000, "code": CODE}),
        ("payment_received", {**appeal, "amount_fen": 10_000, "code": CODE, "matches": [["道州爱心商会", 10_000]]}),
        ("point_offered", {"number": 3, "point": 3, "title": "梅花镇张家小店"}),
        *(("point_answered", {"number": 3, "title": "梅花镇张家小店", "answer": said}) for said in ("yes", "no")),
        *(("point_closed", {"number": 3, "title": "梅花镇张家小店", "lies": lies}) for lies in (0, 2)),
        ("goods_carried", {"number": 3, "title": "梅花镇张家小店", "count": 2}),
        *(
            ("goods_point_moved", {**_moved("梅花镇张家小店"), "number": 5, "item": "棉被", "code": code})
            for code in (None, "123456")
        ),
        ("parcel_point_moved", {**_moved("梅花镇张家小店"), "number": 5, "item": "棉被"}),
        ("handed_over", {"work_no": "DX0100", "count": 3}),
        *(
            (kind, {**_LYING, "number": 5})
            for kind in ("goods_wait", "goods_unsent", "goods_written_off", "shelf_written_off")
        ),
        *(
            ("goods_thanked", {"number": 5, "item": "棉被", "words": "谢谢您", "thanks": 3, "pictures": count})
            for count in (0, 2)
        ),
        ("goods_thanks_decided", {"number": 4, "item": "棉被", "published": True, "reasons": []}),
        ("goods_thanks_decided", {"number": 4, "item": "棉被", "published": False, "reasons": ["not_public"]}),
        *(
            (kind, {"match": 7, "number": 5, "item": "棉被", "upheld": upheld, "what": "not_got", "reasons": [why]})
            for kind in ("goods_issue_decided", "match_issue_decided")
            for upheld, why in ((True, "never_handed"), (False, "photo_shows"))
        ),
        *(
            ("goods_moved", {"subject": subject, "number": 5, "item": "棉被", "state": state, "reasons": reasons})
            for subject, state, reasons in (
                ("request", "open", []),
                ("offer", "available", []),
                ("listing", "on_sale", []),
                ("offer", "returned", ["unclear", "photos_unclear"]),
                ("request", "rejected", ["not_verified"]),
                ("request", "submitted", ["household_suspended"]),
                ("listing", "submitted", ["household_lapsed"]),
                ("offer", "submitted", ["earlier"]),
                ("listing", "suspended", ["not_true"]),
                ("listing", "expired", []),
                ("request", "met", []),
                ("offer", "exhausted", []),
                ("listing", "sold_out", []),
            )
        ),
        *(
            ("goods_old", {"subject": s, "number": 5, "item": "棉被", "until": "2026-12-31", "reference": f"{s}:5"})
            for s in ("request", "offer", "listing")
        ),
        (
            "goods_old",
            {
                **{"subject": "request", "number": 5, "item": "棉被", "until": "2026-12-31", "reference": "request:5"},
                "need_by": "2026-12-24",
            },
        ),
        *(("milestone", {**appeal, **reached, "percent": percent}) for percent in (50, 100)),
        ("recurring_gift_due", {**appeal, "amount_fen": 5_000}),
        *(
            ("recurring_gift_ended", {**appeal, "amount_fen": 5_000, "state": s})
            for s in ("funded", "failed", "executing")
        ),
        *(("need_found", {**_MATCH, "request": 6, "wanted": "厚棉被", "place": "道县", "count": n}) for n in (1, 2)),
        *(("objection_decided", {"number": 7, "upheld": upheld}) for upheld in (True, False)),
        *(("objection_made", {"number": 7, "count": count, "due": DAY}) for count in (1, 2)),
        *((kind, {**listing, **_ORDER}) for kind in _OF_ORDERS if kind != "order_ended"),
        *(
            (
                "after_sale_moved",
                {**listing, **_AFTER_SALE, "state": state, "side": side, "wish": wish, "part_fen": fen, "paid": paid},
            )
            for paid in (False, True)
            for state in sorted(AFTER_SALES.states)
            for side, wish, fen in (("buyer", "all", 7_000), ("seller", "again", None))
        ),
        *(
            (
                "after_sale_moved",
                {**listing, **_AFTER_SALE, "state": "agreed", "side": side, "paid": paid, "last": True, "soon": True},
            )
            for paid in (False, True)
            for side in ("buyer", "seller")
        ),
        ("after_sale_moved", {**listing, **_AFTER_SALE, "state": "agreed", "wish": "again", "paid": True}),
        ("after_sale_ends", {**listing, "number": 3, "until": "2026-12-21T16:00:00+00:00"}),
        ("ordered", {**listing, **_ORDER, "quantity": 5000, "unit": "jin", "paid": False}),
        ("order_accepted", {**listing, **_ORDER, "paid": False}),
        ("order_agreed", {**listing, **_ORDER, "paid": False}),
        ("order_agreed", {**listing, **_ORDER, "first": "2026-10-20", "last": "2026-12-04"}),
        ("order_accepted", {**listing, **_ORDER, "first": "2026-10-20", "last": "2026-12-04"}),
        ("order_short", {**listing, **_ORDER, "paid": False}),
        *(("harvest_moved", {**listing, **_ORDER, **_DAYS, "paid": paid}) for paid in (True, False)),
        ("harvest_moved", {**listing, **_ORDER, **_DAYS, "was_first": None, "was_last": None}),
        ("order_filled", {**listing, **_ORDER, "wanted": None, "until": None}),
        *(("lot_harvested", {**listing, **_ORDER, "state": state}) for state in ("placed", "paid", "awaiting_payment")),
        *((kind, {**listing, **_LOT, "orders": orders}) for kind in _OF_LOTS for orders in (0, 3)),
        ("lot_failed", {**listing, **_LOT, "cancelled": 0}),
        *(("order_refunded", {**listing, **_ORDER, "why": why}) for why in REASONS if why != "completed"),
        ("order_released", {**listing, **_ORDER, "why": "completed"}),
        ("campaign_opened", {**_CAMPAIGN, "state": "open"}),
        *(
            ("campaign_ended", {**_CAMPAIGN, "side": side, "given": given})
            for side in ("buyer", "grower")
            for given in (10_000, 2_500, 0)
        ),
        *(
            ("campaign_ended", {**_CAMPAIGN, "side": side, "state": "failed", "why": why, "given": 0, "parts": 0})
            for side in ("buyer", "grower")
            for why in ("least", "growers")
        ),
        *(
            ("campaign_ended", {**_CAMPAIGN, "side": side, "state": "stopped", "why": why, "given": 0, "parts": 0})
            for side in ("buyer", "grower")
            for why in STOPS
        ),
        *(("campaign_moved", {**_CAMPAIGN, "state": state}) for state in ("open", "divided")),
        *(("campaign_moved", {**_CAMPAIGN, "state": "failed", "why": why}) for why in WHYS),
        *(("campaign_moved", {**_CAMPAIGN, "state": "stopped", "why": why}) for why in STOPS),
        *(
            ("campaign_moved", {**_CAMPAIGN, "state": "rejected", "reasons": [reason]})
            for reason in lexicon.choices["campaign_reject_reason"]
        ),
        ("campaign_firms", {**_CAMPAIGN, "state": "reached", "firms": 2, "divides": DAY}),
        *(
            ("firm_struck", {**_CAMPAIGN, "reasons": [reason], "again": again})
            for reason in lexicon.choices["firm_strike_reason"]
            for again in (True, False)
        ),
        ("shipped", {**listing, **_ORDER, "fresh": False, "carrier": None, "waybill": None}),
        *(
            ("order_ended", {**listing, **_ORDER, "side": side, "why": why, "due": None})
            for side in ("buyer", "seller")
            for why in WHY_CANCELLED
        ),
        ("pledged", gift),
        *(("pledged", {**gift, "new_gifts": n, "name": name}) for n, name in ((1, "李老师"), (1, None), (3, None))),
        *(("pledged", {**gift, "new_gifts": n, "name": None, "paid": True}) for n in (1, 3)),
        ("pledged", {**gift, "new_gifts": 1, "paid": True, "matched_fen": 10_050}),
        *(("proxied_appeal_moved", {**appeal, "state": s, "reasons": why}) for s in APPEALS.states for why in reasons),
        *(("proxy_acted", {**_ACTED, "subject": subject, "title": "苗寨修路"}) for subject in _PROXIED),
        *(("proxy_denied", {**_ACTED, "subject": subject}) for subject in _PROXIED),
        *(("proxy_own_card", {**_ACTED, "subject": subject}) for subject in _PROXIED),
        ("receipt_decided", {**appeal, **_PAID, "receipt": "0012345678", "reason": None}),
        *(
            ("receipt_decided", {**appeal, **_PAID, "receipt": None, "reason": reason})
            for reason in lexicon.choices["receipt_reason"]
        ),
        *(
            ("refunds_done", {**appeal, "gifts": 12, "fen": 120_000, "redirected": n, "stuck": stuck, "staff": staff})
            for n in (0, 2)
            for stuck in (0, 3)
            for staff in (True, False)
        ),
        ("redirected", {**appeal, "amount_fen": 10_000, "code": CODE, "before": 3, "before_title": "买小猪"}),
        *(
            ("refunded", {**appeal, "amount_fen": 10_000, "code": CODE, "why": why, "whole": whole})
            for why, whole in (
                *(("asked", True), ("failed", False), ("twice", True)),
                *(("case", False), ("returned", False), ("surplus", False)),
            )
        ),
        *(("revision_decided", {**appeal, "approved": ok, "reasons": []}) for ok in (True, False)),
        *(("update_decided", {**appeal, "published": ok, "reasons": []}) for ok in (True, False)),
        *(("update_decided", {**appeal, "kind": "thanks", "published": ok, "reasons": []}) for ok in (True, False)),
        ("sheet_lost", {"name": "王**"}),
        ("staff_bound", seat),
        *(("staff_confirmed", {**seat, "until": until}) for until in (DAY, None)),
        *(("staff_moved", {**seat, "state": state, "reason": "moved_on"}) for state in _SEATED),
        *(("stock_low", {**listing, "left": left, "unit": unit}) for unit in ("piece", "jin") for left in (0, 2)),
        *(("task_assigned", {**_TASK, "subject": s, "yours": y}) for s in SUBJECTS for y in (True, False)),
        *(
            ("task_new", {**_TASK, "subject": subject, "step": step, "count": count})
            for subject in SUBJECTS
            for step in STEPS
            for count in (1, 3)
        ),
        *(
            ("task_overdue", {**_TASK, "subject": subject, "step": step, "yours": yours, "stayed": stayed})
            for subject in SUBJECTS
            for step in STEPS
            for yours in (True, False)
            for stayed in (True, False)
        ),
        ("thanks", {**appeal, "words": "谢谢您，孩子能走好路了。"}),
        ("ticket_answered", {"number": 2, "words": "明天去看您"}),
        *(("ticket_ended", {"number": 2, "days": days}) for days in (None, 7)),
        ("ticket_ended", {"number": 2, "days": None, "talk": lexicon.danger.numbers["talk"]}),
        *(("ticket_waiting", {"number": 2, "due": "2026-11-26", "late": late}) for late in (True, False)),
        *(
            ("person_in_danger", {"number": 2, "danger": danger, "due": "2026-11-24T02:00:00+00:00"})
            for danger in ("self", "now")
        ),
        *(
            ("introduction", {"kind": kind, "number": 3, "name": "竹编提篮"})
            for kind in ("listing", "offer", "request")
        ),
        *(
            (kind, {"voice": 3, "words": "捐五十块钱", "since": 1.0, "call": call, "county": bool(call)})
            for kind in ("voice_heard", "voice_aside")
            for call in ({}, dict(lexicon.danger.numbers))
        ),
        *(
            ("voice_unheard", {"why": why})
            for why in ("silence", "unclear", "language", "too_long", "unreadable", "down")
        ),
    ]
    return one


_STOPPED = ("failed", "cancelled", "frozen")
_SEATED = ("suspended", "revoked", "active")
_ORGANISATION: Facts = {"name": "道县修义村村民委员会", "until": "2028-12-31", "today": "2026-11-24"}
_SALES: Facts = {"name": "道县修义村柑橘合作社", "orders": 5}
_DECIDED_ON_IT: dict[str, list[str]] = {
    **{what: [] for what in ("confirmed", "succeeded", "resumed", "dissolved")},
    "returned": ["letter_unclear", "no_office"],
    "suspended": ["money_doubtful"],
}
_GIVEN: Facts = {"released": True, "reasons": [], "until": "2026-12-07"}
_PAPER: dict[str, Facts] = {
    "confirmed": {"until": "2026-11-26T03:00:00+00:00"},
    "returned": {"reasons": ["sheet_unsigned"]},
    "put_off": {"holds": [{"kind": "appeal", "name": "6", "title": "苗寨修路", "state": "frozen"}]},
    "own_wechat": {},
    "restored": {},
    "stopped": {"work_no": "DX0100"},
    "erased": {},
}
_PROXIED = ("appeal", "appeal_page", "user", "match", "match_issue", "goods_thanks")
_ACTED: Facts = {"number": 12, "work_no": "DX0100"}
_TASK: Facts = {"number": 12, "due": DAY}
_MATCH: Facts = {"number": 4, "item": "棉被"}
_LYING: Facts = {
    **{"item": "棉被", "quantity": 2, "unit": "piece", "place": "梅花镇张家小店"},
    **{"hours": "每天8点到18点", "until": DAY, "parcel": CODE[:8]},
}
_PAID: Facts = {"amount_fen": 100_000, "code": CODE}
_USE: Facts = {"use": 3, "amount_fen": 80_000}
_FATES: Facts = {"appeals": 3, "funding": 1, "reached": 1, "ended": 1}
_DONE: Facts = {"number": 1, "appeal": 12, "title": "苗寨修路", "planned": 9, "gone": 7, "waiting": 1, "failed": 1}
