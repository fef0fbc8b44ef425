"""Collect what a household is told once it has said yes to a proposal."""

from typing import Any

from models.goods.matches.locks import Held


def wanted_facts(held: Held) -> dict[str, Any]:
    """Return the facts of templates/shared/goods/wanted.txt."""
    match, offer = held.match, held.offer
    return {
        "state": match.state,
        "number": held.request.id,
        "item": held.request.item,
        "offered": offer.item,
        "quantity": match.quantity,
        "asked": match.asked,
        "unit": offer.unit,
        "until": match.due_at,
    }
