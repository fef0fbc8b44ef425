"""The ticket that pages sign with."""

from flask import request

from bot.simulator.calls.base import OK, Answer, Call, Calls
from bot.simulator.simulator import Simulator


def get(simulator: Simulator) -> Answer:
    ticket, seconds = simulator.tickets.get(request.args.get("type", ""))
    return {**OK, "ticket": ticket, "expires_in": seconds}


CALLS: Calls = {
    "/cgi-bin/ticket/getticket": Call("GET", get, quota="ticket_get"),
}
