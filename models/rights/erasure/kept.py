"""Say of every column that holds words whether an erasure empties it, or why it stays (tests/rights/test_erasure.py).

Numbers of rows, days and sums name nobody and are not listed. Tables that are no person's have their reason in
models.rights.export_rules.LEFT_OUT.
"""

# Table -> the columns that are empty afterwards; "*": its rows are deleted.
FORGOTTEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("broken_sessions", "mutes", "notifications", "service_windows", "speech_consents"), ("*",)),
    **dict.fromkeys(("buying_firms", "desk_sessions", "desk_sign_ins", "family_members"), ("*",)),
    **dict.fromkeys(("subscriptions", "ticket_messages", "voices", "registry_entries"), ("*",)),
    "appeals": ("story",),
    "campaign_pledges": ("recipient", "phone", "address", "firm", "credit_code", "code_hash"),
    "cards": ("code", "qr_url"),
    "conversations": ("session", "parked_openid", "code"),
    "gift_messages": ("words",),
    "goods_requests": ("item", "sort", "reason"),
    "goods_thanks": ("words",),
    "listings": ("name", "shop_url"),
    "matches": ("carrier", "waybill"),
    "name_changes": ("before", "after"),
    "number_claims": ("id_number", "id_hash"),
    "objections": ("words",),
    "offers": ("item", "sort"),
    "photos": ("media_id", "pic_url", "path"),
    "points": ("phone",),
    "receipts": ("name", "tax_number"),
    "reports": ("words",),
    "revisions": ("title", "story"),
    "rights_requests": ("wish",),
    "tickets": ("about",),
    "updates": ("words",),
    "users": ("display_name", "name", "id_number", "id_hash", "phone", "phone_hash"),
    "verifications": ("registry_status",),
    "visits": ("place", "assessment", "findings"),
}

_CODE = "one of the program's own words, or a random code"
_OF_MONEY = "it numbers a payment or a voucher, which the charity's accounts keep for thirty years"
_OF_OFFICE = "who decided on public money stays named; a seat that is held has to end before its person is erased"
_APART = "sealed apart once the appeal is over and nothing is on its way"
_OF_PLACE = "it says where a village hands goods out; who keeps the point has to leave the seat before an erasure"
_TRADED = "the E-commerce Law, article 31, asks for it for three years; sealed until then, and then emptied"
_OF_BODY = "an organisation's, which goes on when who registered it is erased"
_PUBLISHED = "it was published when money was asked for (Charity Law); what was never published is emptied"
KEPT: dict[str, str] = {
    **dict.fromkeys(("state", "was", "kind", "category", "role", "code", "draft_id", "unit", "fallback"), _CODE),
    **dict.fromkeys(("subject", "purpose", "scope", "reasons", "returned_fields", "trouble", "outcome"), _CODE),
    **dict.fromkeys(("condition", "handover", "registry_result", "issue", "code_hash", "made_out_to"), _CODE),
    **dict.fromkeys(("paid_despite", "crop"), _CODE),
    **dict.fromkeys(("matches.ended_by", "matches.parcel", "matches.proof", "received_lines.reason"), _CODE),
    **dict.fromkeys(("match_issues.what", "round_candidates.barred"), _CODE),
    **dict.fromkeys(("round_candidates.key", "round_candidates.lot"), "a pseudonym, by which a round is recomputed"),
    **dict.fromkeys(("points.name", "points.place", "points.address", "points.hours"), _OF_PLACE),
    **dict.fromkeys(("refunds.reason", "receipts.reason", "flags.code", "visits.flags", "revisions.kept"), _CODE),
    **dict.fromkeys(("bank_reference", "merchant", "out_trade_no", "transaction_id", "prepay_id"), _OF_MONEY),
    **dict.fromkeys(("out_refund_no", "refund_no", "refund_id", "receipts.number"), _OF_MONEY),
    **dict.fromkeys(("payees.name", "payees.account"), _APART),
    **dict.fromkeys(("appeals.title", "budget_lines.item"), _PUBLISHED),
    **dict.fromkeys(("recipient", "orders.phone", "orders.address", "orders.carrier", "orders.waybill"), _TRADED),
    "orders.name": "what was sold says nothing of who bought it",
    **dict.fromkeys(("orders.choice", "orders.why", "waybill_hash", "wrong", "wish", "order_transfers.reason"), _CODE),
    **dict.fromkeys(("sub_merchants.number", "base_number"), _OF_MONEY),
    **dict.fromkeys(("organisations.name", "organisations.credit_code"), _OF_BODY),
    "flags.item": "another appeal's number; flags that repeat words are deleted",
    **dict.fromkeys(("actor", "action", "from_state", "to_state", "detail"), "numbers and codes"),
    **dict.fromkeys(("staff.work_no", "staff.name", "staff.id_number", "staff.id_hash", "staff.openid"), _OF_OFFICE),
    **dict.fromkeys(("conflicts_of_interest.id_number", "conflicts_of_interest.id_hash"), _OF_OFFICE),
    "account": "the official account's id; conversations.openid, beside it, becomes a tombstone",
    "conversations.openid": "replaced by a tombstone with the row's own number",
    "conversations.erased_phone": "a keyed hash of the WeChat, for a month, so that limits and ties do not begin anew",
    "registry_source": "an authority's name",
    **dict.fromkeys(("cause", "room", "law", "erasures.reason"), _CODE),
    "sealed_remainders.contents": "what a law keeps, sealed apart until its day",
}


def says_why(table: str, column: str) -> bool:
    """Tell whether the column is emptied, or stands here with its reason."""
    emptied = FORGOTTEN.get(table, ())
    return "*" in emptied or column in emptied or column in KEPT or f"{table}.{column}" in KEPT
