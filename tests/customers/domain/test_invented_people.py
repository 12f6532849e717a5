from __future__ import annotations

from random import Random

from configuration.domain.customer_schema import CustomerSchema
from customers.domain.invented_people import invented_person


def test_invented_people_are_valid_customers() -> None:
    schema = CustomerSchema()
    for number in range(2000):
        person = invented_person(Random(number), number)
        assert schema.read({"nodeId": "x", **person})[1] == []
    assert invented_person(Random(7), 7) == invented_person(Random(7), 7)
