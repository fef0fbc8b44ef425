"""Kinds of notifications about disbursements, payees and receipts."""

from models.notifications.kinds import LOOK, Kind, Offer, Standing, legal, to_staff

KINDS: dict[str, Kind] = {
    "disbursed": Kind(Standing.MONEY, "money", offers=(LOOK,)),
    "payee_changed": Kind(Standing.LEGAL, "progress", urgent=True, brief=True),
    "receipts_due": legal(),
    "disbursement_moved": legal(),
    "transfer_asked": to_staff(
        offers=(Offer("transferred", ("enter_transfer", "use")), Offer("not_transferred", ("not_transferred", "use"))),
    ),
    "transfer_unanswered": to_staff(),
    "paid_despite": to_staff(),
}
