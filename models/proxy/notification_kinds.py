"""The kinds of notifications about proxy acts and printed cards."""

from models.notifications.kinds import Kind, Standing, safety, to_staff

KINDS: dict[str, Kind] = {
    "card_bound": safety(),
    "card_issued": safety(),
    "card_void": to_staff(),
    "code_void": safety(),
    "proxied_appeal_moved": to_staff(),
    "proxy_acted": safety(),
    "proxy_denied": to_staff(),
    "proxy_own_card": Kind(Standing.WORK, "progress", brief=True),
    "sheet_lost": to_staff(),
}
