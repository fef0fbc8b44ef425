"""Lots: who has not our keys cannot foresee one, and the same one is drawn whenever it is asked."""

from models.core.encryption import keyring


def draw(key: str, purpose: str, out_of: int) -> int:
    """Draw a number from 0 on and below ``out_of``, for ``key`` alone."""
    return int(keyring().lookup_hashes(key, purpose)[0][:8], 16) % out_of
