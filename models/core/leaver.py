"""Describe the person who is erased to the rooms that forget them (models.rights.erasure.rooms)."""

from dataclasses import dataclass, field
from datetime import datetime

from models.core.state_machine import Actor, By

# Rows that one page of a room takes; a page is a transaction.
PAGE = 500
# The detail that the audit trail keeps of what ends because its owner is erased.
ERASED = "owner_erased"


@dataclass(frozen=True, slots=True)
class Leaver:
    """Who is erased: a conversation, or None for a person who was only registered by proxy, and its user, if any.

    ``files``: a room adds the ids of the photos whose files are to be deleted.
    """

    erasure_id: int
    conversation_id: int | None
    user_id: int | None
    now: datetime
    files: list[int] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        who = f"user:{self.user_id}" if self.user_id else f"conversation:{self.conversation_id}"
        return Actor(By.OWNER, who)
