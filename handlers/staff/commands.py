"""List the commands by which staff decide, are appointed, and share their work."""

from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY, EVERY_SEAT, STAFF, TOWNSHIP_AND_COUNTY
from handlers.staff import appointments, decide, file, handover, todo

# The subjects, beside appeals, whose numbers the commands take.
_DECIDED_ON = ("case", "disbursement")
_GOODS = ("request", "offer", "listing")
_REVIEWED = (*_DECIDED_ON, "message", "name_change", "paper_erasure", "number_claim", "organisation", *_GOODS)
_SENT_BACK = (*_REVIEWED, "goods_thanks")
_APPROVED = (*_SENT_BACK, "match", "after_sale", "campaign")
_REJECTED = (*_DECIDED_ON, *_GOODS, "match", "after_sale", "campaign")
_STOPPED = ("case", "organisation")
_LOOKED_AT = (*_REVIEWED, "household", "inquiry", "point", "match", "goods_thanks", "after_sale", "campaign")

COMMANDS: tuple[Command, ...] = (
    Command("look", file.open_file, Takes.MATTER, guess=False, matters=_LOOKED_AT),
    Command("todo", todo.todo, staff=EVERY_SEAT),
    Command("approve", decide.approve, Takes.MATTER, staff=STAFF, guess=False, matters=_APPROVED),
    Command("send_back", decide.send_back, Takes.MATTER_AND_WORDS, staff=STAFF, guess=False, matters=_SENT_BACK),
    Command("reject", decide.reject, Takes.MATTER_AND_WORDS, staff=STAFF, guess=False, matters=_REJECTED),
    Command("stop", decide.freeze, Takes.MATTER_AND_WORDS, staff=COUNTY, guess=False, matters=(*_STOPPED, "campaign")),
    Command("go_on", decide.resume, Takes.MATTER, staff=COUNTY, guess=False, matters=_STOPPED),
    Command("authorise", appointments.authorise, Takes.CODE, guess=False),
    Command("invite", appointments.invite, staff=TOWNSHIP_AND_COUNTY, guess=False),
    Command("team", appointments.team, staff=TOWNSHIP_AND_COUNTY, guess=False),
    Command("suspend_staff", appointments.suspend, Takes.CODE_AND_WORDS, staff=TOWNSHIP_AND_COUNTY, guess=False),
    Command("restore_staff", appointments.restore, Takes.CODE_AND_WORDS, staff=TOWNSHIP_AND_COUNTY, guess=False),
    Command("revoke_staff", appointments.revoke, Takes.CODE_AND_WORDS, staff=TOWNSHIP_AND_COUNTY, guess=False),
    Command("hand_over", handover.hand_over, Takes.CODE, staff=EVERY_SEAT, guess=False),
    Command(
        "assign",
        handover.assign,
        Takes.MATTER_AND_WORDS,
        staff=TOWNSHIP_AND_COUNTY,
        guess=False,
        matters=(*_DECIDED_ON, *_GOODS),
    ),
    Command("declare_conflict", handover.declare_conflict, staff=EVERY_SEAT, guess=False),
    Command("my_conflicts", handover.my_conflicts, staff=EVERY_SEAT, guess=False),
    # Without words of their own: only numbered lines lead to these.
    Command("view_staff", appointments.view, staff=TOWNSHIP_AND_COUNTY),
    Command("revoke_case", decide.revoke, staff=COUNTY),
    Command("end_appeal", decide.end_appeal, staff=COUNTY),
)
