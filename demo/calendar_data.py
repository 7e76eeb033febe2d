"""What the demonstration's calendar knows: made-up events around today, the same every time."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

Record = dict[str, Any]

BACK, AHEAD = 30, 30

_KINDS = (
    ("Team meeting", "Office, room 2", 1.0, ("colleague-1@mail.example", "colleague-2@mail.example")),
    ("Dentist", "Main Street 4", 0.5, ("practice@mail.example",)),
    ("Lunch", "Garden Café", 1.0, ("friend@mail.example",)),
    ("School meeting", "School hall", 1.5, ("teacher@mail.example",)),
    ("Sports club", "Town hall", 2.0, ()),
)


def events(owner: str, today: date, since: date | None) -> list[Record]:
    """Every event of this person from `since` on, oldest first: more of each than any app is ever granted."""
    first = max(today - timedelta(days=BACK), since or date.min)
    days = (first + timedelta(days=number) for number in range((today - first).days + AHEAD))
    return [record for day in days for record in _of_day(owner, day)]


def _of_day(owner: str, day: date) -> Iterator[Record]:
    chance = random.Random(f"{owner} {day.isoformat()}")
    for number in range(chance.randint(0, 2)):
        title, location, hours, attendees = chance.choice(_KINDS)
        start = datetime.combine(day, time(9 + 4 * number + chance.randint(0, 2)), UTC)
        yield {
            "id": f"{day:%Y%m%d}-{number}",
            "start": start.isoformat().replace("+00:00", "Z"),
            "end": (start + timedelta(hours=hours)).isoformat().replace("+00:00", "Z"),
            "title": title,
            "location": location,
            "attendees": [{"address": attendee} for attendee in attendees],
            "notes": f"Bring the papers of {day:%d %B}.",
        }
