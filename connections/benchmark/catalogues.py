"""Two field catalogues of made-up apps: one as rich as a vCard server, one as poor as Outlook."""

from __future__ import annotations

from connectors.base import Field, FieldType

TYPED = frozenset({"type"})

RICH: tuple[Field, ...] = (
    Field("fn", "Full name", meaning="name.full"),
    Field("given", "First name", meaning="name.given"),
    Field("family", "Last name", meaning="name.family"),
    Field("middle", "Middle name", meaning="name.middle"),
    Field("prefix", "Prefix", meaning="name.prefix"),
    Field("suffix", "Suffix", meaning="name.suffix"),
    Field("nickname", "Nickname", meaning="name.nickname"),
    Field("org", "Organisation", meaning="org.name"),
    Field("unit", "Department", meaning="org.department"),
    Field("title", "Job title", meaning="org.title"),
    Field(
        "emails",
        "Emails",
        FieldType.EMAIL,
        meaning="email",
        multiple=None,
        attributes=TYPED,
    ),
    Field("mobiles", "Mobile phones", FieldType.PHONE, meaning="phone.mobile", multiple=None),
    Field("work_phones", "Work phones", FieldType.PHONE, meaning="phone.work", multiple=None),
    Field("home_phones", "Home phones", FieldType.PHONE, meaning="phone.home", multiple=None),
    Field("url", "Website", FieldType.URL, meaning="url"),
    Field("bday", "Birthday", FieldType.DATE, meaning="birthday"),
    Field("note", "Note", FieldType.MULTILINE, meaning="note"),
    Field("street", "Street", meaning="address.work.street"),
    Field("city", "City", meaning="address.work.city"),
    Field("zip", "Postal code", meaning="address.work.postal_code"),
    Field("country", "Country", meaning="address.work.country"),
    Field("rev", "Revision", read_only=True, reason="The app sets it."),
)

POOR: tuple[Field, ...] = (
    Field("givenName", "First name", meaning="name.given", max_length=64),
    Field("surname", "Last name", meaning="name.family", max_length=64),
    Field("middleName", "Middle name", meaning="name.middle", max_length=64),
    Field("companyName", "Company", meaning="org.name", max_length=255),
    Field("department", "Department", meaning="org.department"),
    Field("jobTitle", "Job title", meaning="org.title", max_length=128),
    Field("emailAddresses", "Emails", FieldType.EMAIL, meaning="email", multiple=3),
    Field("mobilePhone", "Mobile phone", FieldType.PHONE, meaning="phone.mobile"),
    Field(
        "businessPhones",
        "Business phones",
        FieldType.PHONE,
        meaning="phone.work",
        multiple=2,
    ),
    Field("homePhones", "Home phones", FieldType.PHONE, meaning="phone.home", multiple=2),
    Field("birthday", "Birthday", FieldType.DATE, meaning="birthday", needs_year=True),
    Field("personalNotes", "Notes", FieldType.MULTILINE, meaning="note", max_length=1000),
    Field("businessStreet", "Street", meaning="address.work.street"),
    Field("businessCity", "City", meaning="address.work.city"),
    Field("businessPostalCode", "Postal code", meaning="address.work.postal_code"),
    Field("businessCountry", "Country", meaning="address.work.country"),
)
