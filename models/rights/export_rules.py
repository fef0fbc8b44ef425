"""List by which column a table's rows belong to a person, and what the person's copy leaves out, with the reason.

tests/rights/test_export.py walks the schema.
"""

from typing import Any

from sqlalchemy import Column, Table

# Table -> the column that holds the person's id.
OF_CONVERSATION = {
    "conversations": "id",
    **dict.fromkeys(
        ("broken_sessions", "erasures", "follow_ups", "mutes", "notifications", "objections"), "conversation_id"
    ),
    **dict.fromkeys(("number_claims", "rights_requests", "reports"), "conversation_id"),
    **dict.fromkeys(("service_windows", "speech_consents", "subscriptions", "tickets", "voices"), "conversation_id"),
}
OF_USER = {
    "users": "id",
    "appeals": "owner_id",
    "audit_events": "about",
    "family_members": "named_by",
    "household_questions": "user_id",
    "goods_requests": "owner_id",
    **dict.fromkeys(("listings", "sub_merchants"), "seller_id"),
    "producer_statements": "stated_by",
    "sellers": "applied_by",
    # Where an order goes is its buyer's. The seller's copy has the listing, and how much of it was ordered.
    **dict.fromkeys(("campaign_pledges", "orders"), "buyer_id"),
    **dict.fromkeys(("buying_firms", "campaign_growers"), "user_id"),
    **dict.fromkeys(("offers", "pledges", "recurring_gifts"), "donor_id"),
    "verifications": "user_id",
    **dict.fromkeys(
        ("cards", "consent_codes", "consents", "mandates", "name_changes", "paper_erasures", "proxy_acts"), "user_id"
    ),
    "organisations": "applied_by",
    "representatives": "user_id",
}
OF_HOUSEHOLD = {"households": "id", "beneficiaries": "household_id"}
# Table of parts -> the column that holds the whole's id, and the table of the wholes.
PARTS = {
    "sealed_remainders": ("erasure_id", "erasures"),
    **dict.fromkeys(("budget_lines", "disbursements", "flags", "payees"), ("appeal_id", "appeals")),
    **dict.fromkeys(("appeal_pages", "revisions", "updates"), ("appeal_id", "appeals")),
    **dict.fromkeys(("disbursement_shares", "gift_messages", "pay_orders", "pool_matches"), ("pledge_id", "pledges")),
    "after_sales": ("order_id", "orders"),
    "campaign_parts": ("pledge_id", "campaign_pledges"),
    "conflicts_of_interest": ("staff_id", "staff"),
    "lots": ("listing_id", "listings"),
    **dict.fromkeys(("desk_sessions", "desk_sign_ins"), ("staff_id", "staff")),
    **dict.fromkeys(("order_accounts", "order_entries", "order_payments", "order_transfers"), ("order_id", "orders")),
    "points": ("keeper_id", "staff"),
    "received_lines": ("match_id", "matches"),
    "round_candidates": ("request_id", "goods_requests"),
    "receipts": ("pledge_id", "pledges"),
    "refunds": ("pay_order_id", "pay_orders"),
    "suspense_items": ("order_id", "pay_orders"),
    "ticket_messages": ("ticket_id", "tickets"),
    "visits": ("verification_id", "verifications"),
}
# A match is of its household and of its donor; what is said of it afterwards is of the household.
SPECIAL = ("collection_cards", "goods_thanks", "match_issues", "matches", "photos", "registry_entries", "staff")

_OF_ALL = "it is of a place, a charity or the whole service, and of no person"
_OF_OFFICE = "what an officer decided or entered is of the office; the person's own rows show its result"
_OF_MONEY = "it counts money without naming anybody; the person's pledges, payments and refunds are exported"
LEFT_OUT = {
    **dict.fromkeys(("regions", "charities", "filings", "merchants", "matching_pools", "broadcasts"), _OF_ALL),
    **dict.fromkeys(
        ("audit_head", "audit_links", "audit_unsealed", "ledger_head", "last_runs", "channel_pauses", "dead_jobs"),
        _OF_ALL,
    ),
    **dict.fromkeys(
        ("bank_entries", "decisions", "pool_transfers", "recusals", "discrepancies", "tasks", "inquiries"), _OF_OFFICE
    ),
    **dict.fromkeys(("campaigns", "photo_reviews"), _OF_OFFICE),
    "code_scans": "they count scans of an appeal's code, and say of nobody who scanned",
    "listing_codes": "WeChat's own address of a listing, which everybody may scan from its page",
    "appeal_codes": "WeChat's own address of an appeal, which everybody may scan from its page",
    **dict.fromkeys(("ledger_accounts", "ledger_entries", "ledger_links", "ledger_unsealed", "ledger_sums"), _OF_MONEY),
    **dict.fromkeys(("pledge_sums", "pool_sums"), _OF_MONEY),
    **dict.fromkeys(("ledger_transactions", "allocation_runs", "bill_days", "bill_lines", "refund_runs"), _OF_MONEY),
    **dict.fromkeys(
        ("figure_deltas", "figure_sums", "figure_waiting", "region_counts", "region_deltas"),
        "they count; the person's own rows say what they count of theirs",
    ),
    "stock_moves": "they count pieces and grams; the offer or listing is exported with what they add up to",
    "shelves": "they count pieces and grams of an offer; the offer is exported with what they add up to",
    "rounds": "a round is of its offer, and public but for the names; the household's own place in it is exported",
    "menus_due": "that the person's menu may have changed, until the worker has seen to it a minute later; of a "
    "WeChat that nobody here has any longer, for a week at most",
    "delivery_reports": "WeChat's answer to a notification, without the person; the notification is exported",
    "turns": "a month of steps and times without what was said; our answers, kept for a day, repeat what other rows "
    "hold, and an officer's hold other people's files",
}

_SEARCHES = "it finds what the value beside it holds, and says nothing more"
_OPENS = "whoever has it could act as the person or open what is theirs"
_WORKS = "the program's own bookkeeping"
_OF_STAFF = "another person's: who looked stands under the readings, by work number"
_OF_OTHER = "it leads to who is at the other end of the match, whom nobody is told"
_OF_HOLDER = "it may be of whoever else is registered with the number"
LEFT_OUT_COLUMNS = {
    **dict.fromkeys(("id_hash", "phone_hash", "print", "print_0", "print_1", "print_2", "print_3"), _SEARCHES),
    **dict.fromkeys(
        ("code_hash", "cards.code", "conversations.code", "cards.qr_url", "prepay_id", "media_id", "pic_url"), _OPENS
    ),
    **dict.fromkeys(("token_hash", "scene_hash", "digits_hash", "browser_hash"), _OPENS),
    "desk_sessions.wechat_hash": _SEARCHES,
    **dict.fromkeys(("dedupe_key", "draft_id", "platform_id"), _WORKS),
    "conversations.erased_phone": "of erased people alone, who have no copy",
    "voices.screen": "the numbered lines that stood on the screen when it was said, kept until they are answered",
    **dict.fromkeys(("matches.offer_id", "matches.request_id", "matches.round_id", "matches.shelf_id"), _OF_OTHER),
    **dict.fromkeys(("matches.donor_id", "matches.household_id", "matches.carrier", "matches.waybill"), _OF_OTHER),
    "matches.unwanted_at": _OF_OTHER,
    **dict.fromkeys(("orders.seller_id", "orders.household_id"), "it leads to who sells, whom the page does not name"),
    "campaign_parts.grower_id": "it leads to who sells; the order says what its buyer may know",
    "waybill_hash": _SEARCHES,
    "matches.code": _OPENS,
    "household_questions.other_household_id": "it is empty of what a person has asked themselves",
    "conflicts_of_interest.id_number": "it is a relative's, who did not ask for this copy",
    "audit_events.actor": _OF_STAFF,
    **dict.fromkeys(("number_claims.region_code", "number_claims.household_id", "number_claims.holder_id"), _OF_HOLDER),
}


def exported_columns(table: Table) -> list[Column[Any]]:
    """List the columns of a table that the person gets."""
    return [column for column in table.columns if why_left_out(column) is None]


def why_left_out(column: Column[Any]) -> str | None:
    """Return why a column of an exported table is left out; None if it is exported."""
    if any(key.target_fullname == "staff.id" for key in column.foreign_keys):
        return _OF_STAFF
    return LEFT_OUT_COLUMNS.get(str(column)) or LEFT_OUT_COLUMNS.get(column.name)
