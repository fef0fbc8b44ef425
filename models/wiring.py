"""What lower rooms of the models are given by upper ones, where a program starts."""

from models.notification_kinds import declare_kinds


def wire() -> None:
    """Connect them all; again is none the more."""
    declare_kinds()
