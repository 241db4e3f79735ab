from __future__ import annotations

from django.apps import AppConfig


class SyncrulesConfig(AppConfig):
    name = "syncrules"
    verbose_name = "Mappings and rules"
