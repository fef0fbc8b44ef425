"""The kinds of notifications about what the public sees of an appeal."""

from datetime import timedelta

from models.notifications.kinds import Kind, Offer, join_count, legal, to_staff

CHOOSE_PHOTOS = Offer("choose_photos", ("photos", "number"))
TAKE_PHOTOS_DOWN = Offer("take_photos_down", ("take_photos_down", "number"))

KINDS: dict[str, Kind] = {
    # An officer approves one photo after the other: their owner hears of several at once.
    "photos_public": legal(offers=(TAKE_PHOTOS_DOWN,), running=timedelta(hours=1), join=join_count),
    "photos_wait": to_staff(offers=(CHOOSE_PHOTOS,)),
}
