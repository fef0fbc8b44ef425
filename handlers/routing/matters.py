"""Collect, by subject, what the staff's commands do to each kind of thing, as the rooms declare it."""

from handlers.appeals import decide as appeals
from handlers.appeals import revisions
from handlers.disbursements import desk as disbursements
from handlers.donors import messages, receipts
from handlers.outreach import updates
from handlers.payments import refunds, suspense
from handlers.staff.matter import Matter
from handlers.treasury import reconciliation
from handlers.verification import decide as cases

MATTERS: dict[str, Matter] = {
    room.MATTER.subject: room.MATTER
    for room in (
        *(cases, appeals, revisions, updates, disbursements),
        *(messages, refunds, suspense, reconciliation, receipts),
    )
}
