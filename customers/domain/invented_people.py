"""Generator of fictitious customers for demo data and benchmarks."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta
from random import Random
from typing import Any

FIRST_NAMES = (
    "Alice", "Andrea", "Anna", "Bruno", "Carla", "Chiara", "Daniele", "Elena", "Emma", "Enrico",
    "Fabio", "Federica", "Francesca", "Giulia", "Giorgio", "Greta", "Ilaria", "Irene", "Jonas",
    "Laura", "Leonardo", "Lena", "Lorenzo", "Luca", "Lucia", "Marco", "Maria", "Marta", "Martin",
    "Matteo", "Nadia", "Nicola", "Olga", "Paolo", "Paula", "Pietro", "Sara", "Silvia", "Sofia",
    "Stefano", "Teresa", "Tommaso", "Valentina", "Vera",
)  # fmt: skip
LAST_NAMES = (
    "Barbieri", "Bauer", "Bianchi", "Bruno", "Colombo", "Conti", "Costa", "De Luca", "Esposito",
    "Ferrara", "Ferrari", "Fischer", "Fontana", "Gallo", "Gatti", "Giordano", "Greco", "Huber",
    "Keller", "Leone", "Lombardi", "Longo", "Marini", "Mancini", "Marino", "Martini", "Meyer",
    "Moretti", "Müller", "Neri", "Parisi", "Pellegrini", "Ricci", "Rinaldi", "Rizzo", "Romano",
    "Rossi", "Russo", "Santoro", "Schmidt", "Serra", "Testa", "Villa", "Vitale", "Weber",
)  # fmt: skip
# Syllables that are added to frequent names to make rarer ones.
ENDINGS = ("", "", "", "", "ni", "etti", "ello", "one", "ucci", "man", "er", "i")
CITIES = (
    ("Milano", "MI", "Italy"), ("Roma", "RM", "Italy"), ("Torino", "TO", "Italy"),
    ("Firenze", "FI", "Italy"), ("Napoli", "NA", "Italy"), ("Bologna", "BO", "Italy"),
    ("Verona", "VR", "Italy"), ("Palermo", "PA", "Italy"), ("Berlin", "BE", "Germany"),
    ("München", "BY", "Germany"), ("Wien", "W", "Austria"), ("Zürich", "ZH", "Switzerland"),
)  # fmt: skip
TAGS = ("newsletter", "vip", "outlet", "b2b", "lapsed", "new")
YOUNGEST = date(2007, 1, 1)


def invented_person(chance: Random, number: int) -> dict[str, Any]:
    """A customer's document (as `customers.domain.merge.EMPTY`); the same for the same `chance`."""
    first = chance.choice(FIRST_NAMES)
    last = chance.choice(LAST_NAMES) + chance.choice(ENDINGS) * (number % 3 == 0)
    email = f"{_ascii(first)}.{_ascii(last)}.{number}@mail.example".lower()
    base: dict[str, Any] = {
        "firstName": first,
        "lastName": last,
        "contacts": {"email": email},
        "locale": "it_IT",
    }
    if chance.random() < 0.7:
        base["contacts"]["mobilePhone"] = f"+39 3{chance.randrange(10**8):08d}"
    if chance.random() < 0.6:
        base["dob"] = str(YOUNGEST - timedelta(days=chance.randrange(20_000)))
        base["gender"] = chance.choice(("Male", "Female"))
    if chance.random() < 0.8:
        city, province, country = chance.choice(CITIES)
        base["address"] = {
            "street": f"Via {chance.choice(LAST_NAMES)} {chance.randrange(1, 200)}",
            "city": city, "province": province, "country": country,
            "zip": f"{chance.randrange(10_000, 99_999)}",
        }  # fmt: skip
    return {
        "externalId": f"C{number}",
        "base": base,
        "consents": {"marketing": {"automatic": {"email": {"status": chance.random() < 0.6}}}},
        "extended": {},
        "extra": None,
        "tags": {"manual": [chance.choice(TAGS)]} if chance.random() < 0.3 else {},
        "enabled": True,
    }


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return plain.replace(" ", "")
