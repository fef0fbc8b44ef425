"""The notification kinds of tickets and introductions."""

from models.notifications.kinds import TODO, Kind, Offer, Standing, to_staff

SOLVED = Offer("solved", ("solve_ticket", "number"))
MORE_TO_SAY = Offer("more_to_say", ("take_up_ticket", "number"))

KINDS: dict[str, Kind] = {
    "ticket_answered": Kind(Standing.SERVICE, "progress", brief=True, offers=(SOLVED, MORE_TO_SAY)),
    "ticket_ended": Kind(Standing.SERVICE, "progress", brief=True),
    "person_in_danger": to_staff(card="task", offers=(TODO,), urgent=True),
    "ticket_waiting": to_staff(card="task", offers=(TODO,)),
    "introduction": Kind(Standing.SERVICE, "progress", topic="matches"),
}
