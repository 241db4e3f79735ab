"""Laws are about values, not about how fast a busy machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("syncrules", deadline=None)
settings.load_profile("syncrules")
