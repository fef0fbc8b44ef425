"""Offer to owners what they may do with their own request, offer or listing."""

from collections.abc import Mapping

# Kind -> state -> what its owner may do (templates/replies/public/REQUEST.txt names them), beside 改 and 撤回.
_MORE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("request", "open"): ("got_it",),
    ("offer", "available"): ("gave_all",),
    ("listing", "on_sale"): ("sold_out",),
}
_OVER = ("withdrawn", "rejected", "met", "checked", "screened", "draft")


def ways_of_owner(subject: str, number: int, state: str, *, asked: bool) -> dict[str, list[str]]:
    """List the commands, by their names in the templates; none for what is over.

    ``asked``: they are asked whether it still stands.
    """
    if state in _OVER:
        return {}
    reference = f"{subject}:{number}"
    renewing = ("renew_goods",) if asked and (subject, state) in _MORE else ()
    names = (*renewing, *_MORE.get((subject, state), ()), "fix", "withdraw_goods")
    return {name: ["command", name, reference] for name in names}
