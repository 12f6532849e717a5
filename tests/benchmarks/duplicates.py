"""`.venv/bin/python -m tests.benchmarks.duplicates`: how many planted duplicates are found.

Seeds invented people, plants copies of some (BENCHMARK_SHARE, 2 %) as another source would know
them: another e-mail address and external id, the phone written in another way, and two of phone,
birthday, zip and name lost or mistyped, as far as the person has them. Prints the time of the search,
the share of copies that were found, and that of pairs which are none. BENCHMARK_CUSTOMERS is their
number.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.__main__ import running_product
from tests.benchmarks.searches import address_of, manage

CUSTOMERS = int(os.environ.get("BENCHMARK_CUSTOMERS", "200000"))
SHARE = float(os.environ.get("BENCHMARK_SHARE", "0.02"))
PLANT = """
INSERT INTO customers_customer
    (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at, updated_at,
     match_key, base, consents, extended, tags)
VALUES (%s, %s, %s, %s, TRUE, 1, 0, now(), now(), %s, %s::jsonb, '{}', '{}', '{}')
"""
SOME = """
SELECT id, node_id, base FROM customers_customer
WHERE workspace_id = %s AND updated_by = 'seed' AND deleted = 0 ORDER BY md5(id::text) LIMIT %s
"""


def altered_copy(chance: random.Random, base: dict[str, Any], number: int) -> dict[str, Any]:
    """The same person as another source knows it."""
    copy: dict[str, Any] = json.loads(json.dumps(base))
    copy["contacts"]["email"] = f"other.source.{number}@elsewhere.example"
    phone = copy["contacts"].get("mobilePhone")
    if phone is not None:
        digits = phone.removeprefix("+39 ")
        copy["contacts"]["mobilePhone"] = f"{digits[:3]} {digits[3:6]} {digits[6:]}"
    for act in chance.sample(["phone", "dob", "zip", "name"], 2):
        if act == "phone":
            copy["contacts"].pop("mobilePhone", None)
        elif act == "dob":
            copy.pop("dob", None)
        elif act == "zip":
            copy.pop("address", None)
        else:
            place = chance.randrange(1, len(copy["lastName"]))
            copy["lastName"] = copy["lastName"][:place] + copy["lastName"][place + 1 :]
    return copy


def insert_copies(address: str, workspace: str, chance: random.Random) -> dict[str, str]:
    """Insert the copies; return the original of each."""
    originals: dict[str, str] = {}
    with psycopg.connect(address) as connection:
        rows = connection.execute(SOME, [workspace, round(CUSTOMERS * SHARE)]).fetchall()
        for number, (original, node, base) in enumerate(rows):
            copy = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            originals[copy] = str(original)
            document = json.dumps(altered_copy(chance, base, number))
            key = chance.randbytes(32)
            values = [copy, workspace, node, f"copy-{number}", key, document]
            connection.execute(PLANT, values)
        connection.execute(
            "UPDATE configuration_workspace SET finds_duplicates = TRUE, country = 'IT',"
            " configuration_version = configuration_version + 1 WHERE id = %s",
            [workspace],
        )
    return originals


def is_building(address: str, workspace: str) -> bool:
    """Return whether there are customers that were not looked at yet."""
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT is_building FROM customers_duplicatesearch WHERE workspace_id = %s", [workspace]
        ).fetchone()
    return row is None or bool(row[0])


def main() -> None:
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as demo:
            workspace = demo["workspaceId"]
            manage(data, "seed_customers", "--count", str(CUSTOMERS), "--node", demo["nodeIds"][0])
            originals = insert_copies(address_of(data), workspace, chance)
            started = time.monotonic()
            while is_building(address_of(data), workspace):
                # Nothing to do while the worker of the product holds the search.
                manage(data, "find_duplicates")
            seconds = time.monotonic() - started
            with psycopg.connect(address_of(data)) as connection:
                rows = connection.execute(
                    "SELECT first_id::text, second_id::text FROM customers_duplicatepair"
                    " WHERE workspace_id = %s",
                    [workspace],
                ).fetchall()
    found = {frozenset(pair) for pair in rows}
    planted = {frozenset(pair) for pair in originals.items()}
    total = CUSTOMERS + len(planted)
    print(
        f"{total} customers, {len(planted)} copies, {seconds:.0f} s: {total / seconds:.0f} a second"
    )
    print(f"found {len(found & planted) / len(planted):.1%} of the copies")
    print(f"{len(found)} pairs, {len(found & planted) / max(1, len(found)):.1%} of them copies")


if __name__ == "__main__":
    main()
