"""The notification kinds of tickets and introductions."""

from models.notifications.kinds import TODO, Kind, Offer, Standing, legal, to_staff

SOLVED = Offer("solved", ("solve_ticket", "number"))
MORE_TO_SAY = Offer("more_to_say", ("take_up_ticket", "number"))

KINDS: dict[str, Kind] = {
    "ticket_answered": Kind(Standing.SERVICE, "progress", brief=True, offers=(SOLVED, MORE_TO_SAY)),
    "ticket_ended": Kind(Standing.SERVICE, "progress", brief=True),
    "person_in_danger": to_staff(card="task", offers=(TODO,), urgent=True),
    "ticket_waiting": to_staff(card="task", offers=(TODO,)),
    "report_decided": Kind(Standing.SERVICE, "progress", brief=True),
    # What the county took down after a report; whoever reported it is never named.
    "taken_down": legal(),
    "introduction": Kind(Standing.SERVICE, "progress", topic="matches"),
}
