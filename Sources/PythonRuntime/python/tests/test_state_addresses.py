"""Addresses that libraries note down are others in every process, which is no difference of the program's data."""

from __future__ import annotations

from .state_cases import Program, StateCase

PREAMBLE = """
    class Wrapper:
        def __init__(self, number):
            self.identity = number
    first, second, count = Wrapper(0), Wrapper(0), 0
    first.identity = id(first)
    """


class AddressTests(StateCase):
    def test_the_address_of_another_object_is_no_difference(self) -> None:
        program = Program(PREAMBLE, "count += 1")
        recorded = program.capture()
        program.observe("setattr(first, 'identity', id(second))")
        self.assertIsNone(program.difference(recorded))
        self.assertEqual(program.walk.addresses, {program.observe("id(second)")})

    def test_another_number_of_its_size_is_one(self) -> None:
        program = Program(PREAMBLE, "count += 1")
        recorded = program.capture()
        program.observe("setattr(first, 'identity', id(second) + 16 * 1024 * 1024 * 1024 * 1024)")
        self.assertIn("identity", program.difference(recorded) or "")

    def test_a_number_that_was_none_is_one(self) -> None:
        program = Program(PREAMBLE, "count += 1")
        program.observe("setattr(first, 'identity', 5)")
        recorded = program.capture()
        program.observe("setattr(first, 'identity', id(second))")
        self.assertIn("identity", program.difference(recorded) or "")
