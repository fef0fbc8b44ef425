"""Draw unguessable codes: those that people read out and type, and the order numbers of WeChat Pay."""

import secrets

# Leaves out letters and digits that are easily read or heard as another one.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
# WeChat Pay takes 6 to 32 of [0-9A-Za-z_-]; "@" precedes the round of a refund that is submitted again.
_ORDER_NUMBER_BYTES = 18


def new_code(length: int) -> str:
    """Draw a code of capital letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_digits(length: int) -> str:
    """Draw a code of digits alone, zeros in front included."""
    return f"{secrets.randbelow(10**length):0{length}}"


def new_order_number() -> str:
    """Draw a number under which WeChat Pay knows an order or a refund."""
    return secrets.token_urlsafe(_ORDER_NUMBER_BYTES)
