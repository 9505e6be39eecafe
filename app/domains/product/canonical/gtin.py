"""Global Trade Item Numbers: GTIN-8, -12, -13 and -14, by the GS1 General Specifications (check digits, prefixes).

A GTIN is one number however many zeros lead it, so the hub keeps the shortest form: 0012345678905 is 012345678905.
"""

from __future__ import annotations

from app.kernel.errors import Invalid

LENGTHS = (8, 12, 13, 14)
# GS1 prefixes that no trade item has worldwide, as the first three of thirteen digits.
_INSIDE = frozenset((*range(20, 30), *range(40, 50), *range(200, 300)))
_COUPONS = frozenset((*range(50, 60), *range(980, 985), *range(990, 1000)))
_INSIDE_SHORT = frozenset((*range(100), *range(200, 300)))  # GS1-8 prefixes, the first three of eight


def check_digit(digits: str) -> str:
    """The last digit of a GTIN whose other digits these are: weights 3 and 1 from the right, up to the next ten."""
    odd = sum(map(int, digits[::-1][::2]))
    even = sum(map(int, digits[::-1][1::2]))
    return str(-(3 * odd + even) % 10)


def read_gtin(written: str) -> str:
    """A GTIN in its shortest form; spaces and hyphens are read over, '' stays ''.

    Raises Invalid: `product.gtin_not_digits`, `product.gtin_length`, `product.gtin_check_digit` with the digit that
    would be right, `product.gtin_restricted` for a number that is a company's own or a coupon's.
    """
    digits = written.replace(" ", "").replace("-", "")
    if not digits:
        return ""
    if not (digits.isascii() and digits.isdigit()):
        raise Invalid("product.gtin_not_digits", f"GTIN {written!r} has other signs than digits: give digits only")
    if len(digits) not in LENGTHS:
        raise Invalid(
            "product.gtin_length",
            f"GTIN {digits} has {len(digits)} digits: give 8, 12, 13 or 14, with its leading zeros",
        )
    if (right := check_digit(digits[:-1])) != digits[-1]:
        raise Invalid(
            "product.gtin_check_digit",
            f"GTIN {digits} ends in {digits[-1]}, and its check digit is {right}: correct the mistyped digit",
            right=right,
        )
    shortest = _shortest(digits)
    _check_restricted(shortest)
    return shortest


def _shortest(digits: str) -> str:
    number = digits.zfill(14)
    return next(number[zeros:] for zeros in (6, 2, 1, 0) if number.startswith("0" * zeros))


def _check_restricted(gtin: str) -> None:
    if len(gtin) == 8:
        inside, coupon = int(gtin[:3]) in _INSIDE_SHORT, False
    else:
        prefix = int(gtin.zfill(14)[1:4])
        inside, coupon = prefix in _INSIDE, prefix in _COUPONS
    if inside:
        raise Invalid(
            "product.gtin_restricted",
            f"GTIN {gtin} is numbered for use inside one company or country: give the number that GS1 issued",
        )
    if coupon:
        raise Invalid("product.gtin_restricted", f"GTIN {gtin} numbers a coupon or a refund receipt: give the item's")
