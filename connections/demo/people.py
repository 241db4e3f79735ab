"""Made-up people for the demo: an Outlook folder and an address book that share a third of their contacts.

The numbers are from ranges that are reserved for fiction or never given out, the addresses from example domains.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

OUTLOOK = 200
CARDS = 150
SHARED = 50

NAMES: Sequence[tuple[str, str]] = tuple(
    tuple(line.split("|"))  # type: ignore[misc]
    for line in """Anna|Peeters;Jan|van der Berg;Sofie|De Smet;Lucas|Janssens;Marie-Claire|Dubois;Jean-Pierre|Lefèvre;
Élodie|Fontaine;Hugo|Moreau;Chiara|Rossi;Matteo|D'Angelo;José|García López;María|Fernández;Inês|da Silva;
João|Pereira;Björn|Åkesson;Astrid|Lindström;Søren|Kjær;Mette|Østergaard;Mikael|Virtanen;Aino|Mäkelä;
Jürgen|Müller;Karin|von Weizsäcker;Franz|Großmann;Zoë|O'Connor;Siobhán|Ní Dhomhnaill;Liam|Murphy;
Łukasz|Wiśniewski;Agnieszka|Żak;Jiří|Novák;Kateřina|Dvořáková;Zoltán|Nagy;Ágnes|Kovács;Dimitris|Papadopoulos;
Eleni|Nikolaou;Ayşe|Yılmaz;Mehmet|Öztürk;Fatima|al-Sayed;Omar|ibn Yusuf;Noa|Levi;David|Ben-Ari;Priya|Raman;
Arjun|Mehta;Wei|Zhang;Mei|Chen;Haruto|Satō;Yuki|Tanaka;Minjun|Kim;Seo-yeon|Park;Nguyễn|Thị Lan;
Somchai|Rattanakorn;Grace|Okafor;Kwame|Mensah;Thandiwe|Nkosi;Emily|Smith;Oliver|Brown;Charlotte|Taylor;
James|McAllister;Olivia|Fitzgerald;Ethan|Wright;Ava|St. John;Noah|Carter;Isabella|Martinez;Pedro|Álvarez;
Lucía|Romero;Thomas|Becker;Lena|Hoffmann;Paul|Schäfer;Ida|Krüger;Felix|Wagner;Nora|Berger;Emma|Claes;
Louis|Maes;Julie|Wouters;Arthur|Goossens;Camille|Lambert;Gabriel|Simon;Manon|Laurent;Victor|Dupont;
Alice|Martin;Jules|Bernard;Lotte|Visser;Daan|de Vries;Sanne|Bakker""".replace("\n", "").split(";")
)
COMPANIES = (
    "Example Bakery", "Northwind Paper", "Harbour & Sons", "Blue Lantern", "Meridian Tools", "Quiet Mill",
    "Orchard Labs", "Tern Logistics", "Copperfield Press", "Saltmarsh Energy", "Atelier Lumière", "Vela Software",
)  # fmt: skip
TITLES = ("Buyer", "Head of Sales", "Engineer", "Owner", "Accountant", "Project Manager", "Office Manager", "Designer")
CITIES = (
    ("Gent", "9000", "Belgium", "Kouter"),
    ("Antwerpen", "2000", "Belgium", "Meir"),
    ("Lille", "59000", "France", "Rue Nationale"),
    ("Köln", "50667", "Germany", "Hohe Straße"),
    ("Utrecht", "3511", "Netherlands", "Oudegracht"),
    ("Leeds", "LS1 4AP", "United Kingdom", "Park Row"),
)
CATEGORIES = ("Customers", "Suppliers", "Friends", "Newsletter")


@dataclass(frozen=True)
class Person:
    number: int
    given: str
    family: str
    company: str
    title: str
    emails: list[str]
    mobile: str
    work: str
    city: tuple[str, str, str, str]
    birthday: str
    note: str
    categories: list[str] = field(default_factory=list)


def people(seed: int = 7) -> list[Person]:
    """All people of the demo, the same ones every time."""
    chance = random.Random(seed)  # noqa: S311 - made-up people, no secrets
    found = []
    for number in range(OUTLOOK + CARDS - SHARED):
        given, family = NAMES[number % len(NAMES)]
        given = given if number < len(NAMES) else f"{chance.choice(NAMES)[0]}"
        slug = "".join(
            char for char in f"{given}.{family}".lower() if char.isascii() and (char.isalpha() or char == ".")
        )
        emails = [f"{slug.strip('.') or 'contact'}{number}@example.com"]
        if number % 3 == 0:
            emails.append(f"{slug.strip('.') or 'contact'}{number}@home.example")
        found.append(
            Person(
                number,
                given,
                family,
                chance.choice(COMPANIES) if number % 5 else "",
                chance.choice(TITLES) if number % 4 else "",
                [] if number % 29 == 28 else emails,
                f"+32 460 {number // 100:02d} {number % 100:02d} {(number * 37) % 100:02d}" if number % 6 else "",
                f"+44 20 7946 0{number % 1000:03d}" if number % 2 else "",
                chance.choice(CITIES),
                f"{1950 + number % 50}-{1 + number % 12:02d}-{1 + number % 28:02d}" if number % 3 == 1 else "",
                "Met at the trade fair.\nPrefers a call in the morning." if number % 7 == 0 else "",
                [CATEGORIES[number % 4]] if number % 3 == 0 else [],
            )
        )
    return found


def outlook_contacts(found: Sequence[Person] | None = None) -> list[dict[str, Any]]:
    """The Outlook side, as bodies of Microsoft Graph; left out: those of the main folder."""
    return [_contact(person) for person in (people()[:OUTLOOK] if found is None else found)]


def crm_people(app: str) -> tuple[list[Person], list[Person]]:
    """Who is in a mailbox's folder, and who in a CRM: a third of them in both, there with a company and a title."""
    first = {"hubspot": 0, "salesforce": 60}[app]
    everybody = [person for person in people(seed=11) if person.emails][first : first + 50]
    there = [
        replace(person, company=person.company or COMPANIES[0], title=person.title or TITLES[0])
        for person in everybody[20:]
    ]
    return everybody[:35], there


def hubspot_contact(person: Person) -> dict[str, str]:
    """As properties of HubSpot."""
    city, code, country, street = person.city
    found = {
        "firstname": person.given,
        "lastname": person.family,
        "email": person.emails[0],
        "company": person.company,
        "jobtitle": person.title,
        "phone": person.work,
        "mobilephone": person.mobile,
        "address": f"{street} {person.number}",
        "city": city,
        "zip": code,
        "country": country,
        "lifecyclestage": "customer" if person.number % 3 == 0 else "lead",
    }
    return {name: value for name, value in found.items() if value}


def salesforce_contact(person: Person) -> dict[str, str]:
    """As fields of Salesforce."""
    city, code, country, street = person.city
    found = {
        "FirstName": person.given,
        "LastName": person.family,
        "Email": person.emails[0],
        "Title": person.title,
        "Phone": person.work,
        "MobilePhone": person.mobile,
        "MailingStreet": f"{street} {person.number}",
        "MailingCity": city,
        "MailingPostalCode": code,
        "MailingCountry": country,
    }
    return {name: value for name, value in found.items() if value}


def cards() -> Iterator[tuple[str, str]]:
    """The address book: file name and vCard text. A third are people who are in Outlook too, a little different."""
    everybody = people()
    for place, person in enumerate(everybody[OUTLOOK - SHARED :]):
        yield f"card-{person.number:03d}.vcf", _card(person, place)


def _contact(person: Person) -> dict[str, Any]:
    city, code, country, street = person.city
    body: dict[str, Any] = {
        "givenName": person.given,
        "surname": person.family,
        "displayName": f"{person.given} {person.family}",
        "companyName": person.company,
        "jobTitle": person.title,
        "emailAddresses": [{"address": email, "name": f"{person.given} {person.family}"} for email in person.emails],
        "mobilePhone": person.mobile,
        "businessPhones": [person.work] if person.work else [],
        "personalNotes": person.note,
        "categories": person.categories,
        "businessAddress": {
            "street": f"{street} {person.number}",
            "city": city,
            "postalCode": code,
            "countryOrRegion": country,
        },
    }
    if person.birthday:
        body["birthday"] = f"{person.birthday}T11:59:00Z"
    return {key: value for key, value in body.items() if value not in ("", [])}


def _card(person: Person, place: int) -> str:
    """vCards as they come from phones, webmail and old address books: versions, labels, groups and habits differ."""
    version = "4.0" if place % 5 == 4 else "3.0"
    shared = place < SHARED
    lines = ["BEGIN:VCARD", f"VERSION:{version}", "PRODID:-//Pairwise//Demo//EN", f"UID:demo-{person.number:03d}"]
    lines += [f"FN:{_text(person.given)} {_text(person.family)}", f"N:{_text(person.family)};{_text(person.given)};;;"]
    lines += _emails(person, place, version)
    lines += _phones(person, place, version)
    if person.company and not (shared and place % 3 == 0):
        lines.append(f"ORG:{_text(person.company)}" + (";Sales" if place % 4 == 0 else ""))
    if person.title and not (shared and place % 4 == 1):
        lines.append(f"TITLE:{_text('Director' if shared and place % 10 == 3 else person.title)}")
    city, code, country, street = person.city
    if place % 2:
        lines.append(f"ADR;TYPE=WORK:;;{_text(street)} {person.number};{_text(city)};;{code};{country}")
    lines += _oddities(person, place, version)
    lines.append("END:VCARD")
    return "\r\n".join(fold(line) for line in lines) + "\r\n"


def _emails(person: Person, place: int, version: str) -> list[str]:
    emails = [email.upper() if place % 7 == 2 else email for email in person.emails]
    if not emails:
        return []
    if place % 6 == 5:
        return [
            f"item1.EMAIL;TYPE=INTERNET:{emails[0]}",
            "item1.X-ABLabel:Assistant",
            *(f"EMAIL:{e}" for e in emails[1:]),
        ]
    kind = "TYPE=work;PREF=1" if version == "4.0" else "TYPE=INTERNET,WORK,PREF"
    return [f"EMAIL;{kind}:{emails[0]}", *(f"EMAIL;TYPE=HOME:{email}" for email in emails[1:])]


def _phones(person: Person, place: int, version: str) -> list[str]:
    lines = []
    if person.mobile:
        digits = person.mobile.replace(" ", "")
        spelled = (person.mobile, digits, f"0{digits[3:6]}/{digits[6:]}")[place % 3]
        if version == "4.0":
            lines.append(f"TEL;VALUE=uri;TYPE=cell:tel:{digits}")
        else:
            lines.append(f"TEL;TYPE=CELL,VOICE:{spelled}")
    if person.work:
        lines.append(f"TEL;TYPE=WORK:{person.work}")
    return lines


def _oddities(person: Person, place: int, version: str) -> list[str]:
    lines = []
    if place % 4 == 0:
        lines.append(f"NOTE:{_text(person.note or 'Knows everybody; ask about the 2019 contract, page 3.')}")
    if place % 9 == 1:
        lines.append("BDAY:--0229" if version == "4.0" else "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29")
    elif person.birthday:
        lines.append(f"BDAY:{person.birthday if place % 2 else person.birthday.replace('-', '')}")
    if place % 5 == 2:
        lines.append(f"CATEGORIES:{CATEGORIES[place % 4]}")
    if place % 8 == 3:
        lines += ["item2.URL:https://example.com/team", "item2.X-ABLabel:_$!<HomePage>!$_"]
    if place % 11 == 6:
        lines += ["item3.X-ABRELATEDNAMES:Robin", "item3.X-ABLabel:_$!<Spouse>!$_"]
    if place % 13 == 7:
        lines += ["IMPP;X-SERVICE-TYPE=XMPP:xmpp:someone@example.com", "X-PHONETIC-FIRST-NAME:Fo-ne-tik"]
    if place % 17 == 8:
        lines.append(f"X-SOCIALPROFILE;TYPE=mastodon:https://social.example/@{person.number}")
    if place % 19 == 9:
        lines.append(
            f"PHOTO;ENCODING=b;TYPE=PNG:{PIXEL}" if version == "3.0" else f"PHOTO:data:image/png;base64,{PIXEL}"
        )
    return lines


PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)  # fmt: skip


def _text(text: str) -> str:
    """RFC 6350 section 3.4: backslash, comma, semicolon and line ends are escaped."""
    return text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;").replace("\n", "\\n")


def fold(line: str) -> str:
    """RFC 6350 section 3.2: no line is longer than 75 octets, and no character is cut in two."""
    parts, current = [], ""
    for char in line:
        if len((current + char).encode()) > 74:
            parts.append(current)
            current = ""
        current += char
    return "\r\n ".join([*parts, current])
