"""Tables that are keyed by objects' addresses hold, in a restored program, the addresses that the objects have there."""

from __future__ import annotations

from .state_cases import Program, StateCase

PREAMBLE = """
    class Thing:
        pass
    first, second = Thing(), Thing()
    count, known, seen = {id(first): 0, id(second): 0}, {id(first)}, []
    """
BODY = """
    count[id(second)] += 1; known.add(id(second)); seen.append(len(seen))
    """


class AddressTests(StateCase):
    def test_tables_of_addresses_are_restored_to_the_objects_own(self) -> None:
        self.check(
            PREAMBLE,
            BODY,
            "[count[id(first)], count[id(second)], id(first) in known, id(second) in known, seen]",
            holds="set(count) == {id(first), id(second)} and known <= set(count)",
        )

    def test_the_address_of_another_object_is_noticed(self) -> None:
        program = Program(PREAMBLE, BODY)
        recorded = program.capture()
        program.observe("(known.clear(), known.add(id(second)))")
        self.assertIn("items differ", program.difference(recorded) or "")
