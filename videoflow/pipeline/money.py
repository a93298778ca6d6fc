"""Amounts as people read and write them; everything is kept in millionths of a currency."""

MICROS = 1_000_000


def money_shown(micros: int | None, currency: str) -> str:
    """Return an amount with as many digits as it has, two at the least; a dash when it is not known."""
    if micros is None:
        return "–"
    whole, _, rest = f"{micros / MICROS:.6f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')} {currency}"
