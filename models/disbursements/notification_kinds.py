"""What people are told about an appeal's money on its way."""

from models.notifications.kinds import LOOK, Kind, Standing, legal

KINDS: dict[str, Kind] = {
    "disbursed": Kind(Standing.MONEY, "money", offers=(LOOK,)),
    "payee_changed": Kind(Standing.LEGAL, "progress", urgent=True, brief=True),
    "receipts_due": legal(),
    "disbursement_moved": legal(),
}
