"""The notification kinds of the market."""

from models.notifications.kinds import Kind, Standing

KINDS: dict[str, Kind] = {
    "ordered": Kind(Standing.MONEY, "money"),
    "shipped": Kind(Standing.SERVICE, "goods"),
    "stock_low": Kind(Standing.SERVICE, "progress", topic="reminders"),
}
