"""The notification kinds of voices."""

from models.notifications.kinds import Kind, Offer, Standing

RIGHT = Offer("heard_right", ("use_voice", "voice"))
WRONG = Offer("heard_wrong", ("drop_voice", "voice"))

KINDS: dict[str, Kind] = {
    "voice_heard": Kind(Standing.SERVICE, "progress", offers=(RIGHT, WRONG), awaited=True, brief=True),
    "voice_aside": Kind(Standing.SERVICE, "progress", brief=True),
    "voice_unheard": Kind(Standing.SERVICE, "progress", brief=True),
}
