"""The product's settings with keys that are no secret and a hasher that is fast."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-" * 4)
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=")
os.environ.setdefault("DATA_DIR", str(Path(__file__).resolve().parent.parent / "var" / "tests"))
# Several runs, and the workers of one run, may share one Redis; processes that a test starts keep its worker's name.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
_queue = os.environ.setdefault("QUEUE_NAME", f"tests-{uuid.uuid4().hex[:12]}")
os.environ["QUEUE_NAME"] = _queue if _queue.endswith(_worker) else f"{_queue}-{_worker}"

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# Whatever the servers, the rest is as in an embedded installation: no files to collect, no https to insist on.
EMBEDDED = WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
