"""Draw lots that cannot be foreseen without the data keys, and that come out the same whenever they are drawn."""

from models.core.encryption import keyring


def draw(key: str, purpose: str, out_of: int) -> int:
    """Draw a number from 0 to below ``out_of``, always the same for a ``key`` and ``purpose``."""
    return int(keyring().lookup_hashes(key, purpose)[0][:8], 16) % out_of
