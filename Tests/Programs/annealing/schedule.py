"""Cooling, with the precision of decimal arithmetic."""

import contextvars
import decimal
from decimal import Decimal

precision = contextvars.ContextVar("precision", default=12)


def cooler(start, factor):
    """A closure over its own temperature; calling it cools, its attribute counts."""
    temperature = Decimal(start)

    def cool():
        nonlocal temperature
        decimal.getcontext().prec = precision.get()
        temperature = temperature * Decimal(factor)
        cool.calls += 1
        return temperature

    def reheat(amount):
        nonlocal temperature
        temperature += Decimal(amount)

    cool.calls = 0
    cool.reheat = reheat
    return cool
