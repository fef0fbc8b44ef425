"""The notification kinds of organisations and who speaks for them."""

from models.notifications.kinds import Kind, legal

KINDS: dict[str, Kind] = {
    "organisation_decided": legal(),
    "term_ends": legal(),
}
