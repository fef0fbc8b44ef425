"""The kinds of notifications about what the public sees of an appeal or a listing."""

from datetime import timedelta

from models.notifications.kinds import Kind, Offer, join_count, legal, to_staff

CHOOSE_PHOTOS = Offer("choose_photos", ("photos", "number"))
TAKE_PHOTOS_DOWN = Offer("take_photos_down", ("take_photos_down", "number"))
# The same, of a listing.
CHOOSE_LISTING_PHOTOS = Offer("choose_photos", ("photos", "reference"))
TAKE_LISTING_PHOTOS_DOWN = Offer("take_photos_down", ("take_photos_down", "reference"))

KINDS: dict[str, Kind] = {
    # An officer approves one photo after the other: their owner hears of several at once.
    "photos_public": legal(offers=(TAKE_PHOTOS_DOWN,), running=timedelta(hours=1), join=join_count),
    "photos_wait": to_staff(offers=(CHOOSE_PHOTOS,)),
    "listing_photos_public": legal(offers=(TAKE_LISTING_PHOTOS_DOWN,), running=timedelta(hours=1), join=join_count),
    "listing_photos_wait": to_staff(offers=(CHOOSE_LISTING_PHOTOS,)),
}
