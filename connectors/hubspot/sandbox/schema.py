"""The tables of the HubSpot part, and the switches of an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS hubspot_account (
    portal INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE, user INTEGER NOT NULL,
    switches TEXT NOT NULL, day TEXT NOT NULL DEFAULT '', used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS hubspot_record (
    portal INTEGER NOT NULL, type TEXT NOT NULL, id INTEGER NOT NULL, created INTEGER NOT NULL,
    updated INTEGER NOT NULL, since INTEGER NOT NULL, settle INTEGER NOT NULL, state TEXT NOT NULL,
    archived INTEGER NOT NULL, source TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (portal, type, id));
CREATE INDEX IF NOT EXISTS hubspot_record_stamp ON hubspot_record (portal, type, updated);
CREATE INDEX IF NOT EXISTS hubspot_record_settle ON hubspot_record (settle) WHERE settle > 0;
CREATE TABLE IF NOT EXISTS hubspot_past (
    portal INTEGER NOT NULL, type TEXT NOT NULL, id INTEGER NOT NULL, created INTEGER NOT NULL,
    updated INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, state TEXT NOT NULL,
    archived INTEGER NOT NULL, source TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS hubspot_past_until ON hubspot_past (portal, type, until);
CREATE INDEX IF NOT EXISTS hubspot_past_id ON hubspot_past (portal, type, id);
CREATE TABLE IF NOT EXISTS hubspot_number (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE IF NOT EXISTS hubspot_address (
    portal INTEGER NOT NULL, address TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (portal, address));
CREATE INDEX IF NOT EXISTS hubspot_address_id ON hubspot_address (portal, id);
CREATE TABLE IF NOT EXISTS hubspot_unique (
    portal INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (portal, type, name, value));
CREATE INDEX IF NOT EXISTS hubspot_unique_id ON hubspot_unique (portal, type, id);
CREATE TABLE IF NOT EXISTS hubspot_alias (
    portal INTEGER NOT NULL, type TEXT NOT NULL, old INTEGER NOT NULL, new INTEGER NOT NULL,
    PRIMARY KEY (portal, type, old));
CREATE TABLE IF NOT EXISTS hubspot_blocked (
    portal INTEGER NOT NULL, address TEXT NOT NULL, PRIMARY KEY (portal, address));
CREATE TABLE IF NOT EXISTS hubspot_property (
    portal INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (portal, type, name));
CREATE TABLE IF NOT EXISTS hubspot_group (
    portal INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, place INTEGER NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (portal, type, name));
CREATE TABLE IF NOT EXISTS hubspot_owner (
    portal INTEGER NOT NULL, id INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (portal, id));
CREATE TABLE IF NOT EXISTS hubspot_link (
    portal INTEGER NOT NULL, type TEXT NOT NULL, id INTEGER NOT NULL, to_type TEXT NOT NULL, to_id INTEGER NOT NULL,
    category TEXT NOT NULL, kind INTEGER NOT NULL, PRIMARY KEY (portal, type, id, to_type, to_id, category, kind));
CREATE TABLE IF NOT EXISTS hubspot_label (
    portal INTEGER NOT NULL, kind INTEGER NOT NULL, type TEXT NOT NULL, to_type TEXT NOT NULL, label TEXT,
    inverse INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (portal, kind));
CREATE TABLE IF NOT EXISTS hubspot_list (
    portal INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
    filters BLOB NOT NULL, version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL, updated INTEGER NOT NULL,
    filtered INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (portal, id));
CREATE TABLE IF NOT EXISTS hubspot_member (
    portal INTEGER NOT NULL, list INTEGER NOT NULL, record INTEGER NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (portal, list, record));
CREATE TABLE IF NOT EXISTS hubspot_status (
    portal INTEGER NOT NULL, address TEXT NOT NULL, subscription INTEGER NOT NULL, state TEXT NOT NULL,
    at INTEGER NOT NULL, basis TEXT NOT NULL, explanation TEXT NOT NULL,
    PRIMARY KEY (portal, address, subscription));
CREATE TABLE IF NOT EXISTS hubspot_token (
    token TEXT PRIMARY KEY, portal INTEGER NOT NULL, kind TEXT NOT NULL, client TEXT NOT NULL, scopes TEXT NOT NULL,
    expires REAL NOT NULL, spent INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS hubspot_app (
    id INTEGER PRIMARY KEY, client TEXT NOT NULL UNIQUE, secret TEXT NOT NULL, redirects BLOB NOT NULL,
    developer_key TEXT NOT NULL, target TEXT NOT NULL DEFAULT '', most INTEGER NOT NULL DEFAULT 10,
    created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS hubspot_subscription (
    id INTEGER PRIMARY KEY, app INTEGER NOT NULL, event TEXT NOT NULL, property TEXT NOT NULL, type TEXT NOT NULL,
    active INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL);
"""
TABLES = (
    *("account", "record", "past", "number", "address", "unique", "alias", "blocked", "property", "group", "owner"),
    *("link", "label", "list", "member", "status", "token", "app", "subscription"),
)
SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.lists.read",
    "crm.lists.write",
    "crm.objects.owners.read",
    "communication_preferences.read",
    "communication_preferences.write",
    "communication_preferences.read_write",
)
#: Switches of an account, with what they are by default.
SWITCHES: Mapping[str, Any] = {
    "name": "Acme",
    "scopes": list(SCOPES),  # what the account's edition has; a token is granted no more
    "account_type": "STANDARD",
    "time_zone": "Europe/Brussels",
    "currency": "EUR",
    "burst_limit": 110,  # requests per ten seconds and app, searches aside; 0: not counted
    "daily_limit": 250_000,  # of static tokens; 0: not counted
    "search_per_second": 5,  # 0: not counted
    "search_window": 10_000,  # results that one search can reach
    "search_lag": 1.0,  # seconds until the search index shows a change
    "settles_after": 3.0,  # seconds after which a new record's stamp moves by itself; 0: never
    "shuffles": True,  # batches answer in another order than asked
    "batch_read_follows_merges": False,  # True: batch read knows the ids that a merge ended
    "name_or_email_required": False,  # True: a contact without email, firstname and lastname is refused
    "required_on_create": [],  # properties that version 2026-09 wants of new contacts
    "validation_rules": [],  # {property, rule: MAX_LENGTH|REGEX|..., value}; bind from 2026-09 on
    "no_edit": [],  # properties that the user behind the token may not edit
    "locked": [],  # ids that answer 423
    "companies_by_domain": False,  # True: a new contact is associated with the company of its email's domain
    "legal_basis_required": False,  # True: subscribing needs a legal basis
    "subscription_types": [
        {"id": 101, "name": "Newsletter"},
        {"id": 102, "name": "One to One"},
    ],
}
