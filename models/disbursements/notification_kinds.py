"""Kinds of notifications about disbursements, payees and receipts."""

from models.notifications.kinds import LOOK, Kind, Standing, legal

KINDS: dict[str, Kind] = {
    "disbursed": Kind(Standing.MONEY, "money", offers=(LOOK,)),
    "payee_changed": Kind(Standing.LEGAL, "progress", urgent=True, brief=True),
    "receipts_due": legal(),
    "disbursement_moved": legal(),
}
