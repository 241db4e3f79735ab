"""One module for every set-up, driven by environment variables; docs/configuration.md explains each of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from config.environment import env, kept, new_encryption_key, new_secret, read_settings_file, starting_with

BASE_DIR = Path(__file__).resolve().parent.parent

if SETTINGS_FILE := env.str("SETTINGS_FILE", default=""):
    read_settings_file(SETTINGS_FILE)

# ---- where data and secrets live ---------------------------------------------------------------------------------

EMBEDDED = not env.str("DATABASE_URL", default="")
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))
SECRET_KEY = kept("SECRET_KEY", DATA_DIR / "secret_key", new_secret, EMBEDDED)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
FIELD_ENCRYPTION_KEYS = [
    key.strip()
    for key in kept("FIELD_ENCRYPTION_KEYS", DATA_DIR / "encryption_keys", new_encryption_key, EMBEDDED).split(",")
    if key.strip()
]

# ---- the address people and vendors use --------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
SECURE = _public.scheme == "https"
ALLOWED_HOSTS = [_public.hostname or "localhost", *env.list("ALLOWED_HOSTS", default=[])]
if EMBEDDED:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = SECURE
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the session on the way back from a vendor's consent page
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # whether HSTS covers other hosts is not ours to decide
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes come from inside, without TLS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "form-action": [SELF],
    }
}

# ---- Django ------------------------------------------------------------------------------------------------------

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "connections.User"
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "connections" / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 31_536_000  # seconds; without an age it would end with the browser
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # in the admin a mapping table is one form

INSTALLED_APPS = [
    "connections",
    "syncrules",
    "connections.adminsite.PairwiseAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "django_q",
    "social_django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "connections.live.LiveMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "connections.languages.LanguageMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "connections.secondfactor.SecondFactorMiddleware",
    "connections.authors.AuthorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "connections.views.context.demo",
                "connections.views.context.languages",
            ],
            "builtins": ["django.templatetags.i18n", "connections.templatetags.stored"],
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = EMBEDDED or DEBUG  # nothing to collect before the first start
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# ---- database, cache, mail ---------------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'pairwise.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock at BEGIN, where busy_timeout applies; FULL keeps every commit through a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;",
    }
    if EMBEDDED:
        DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60), "CONN_HEALTH_CHECKS": True}

REDIS_URL = env.str("REDIS_URL", default="")
QUEUE_NAME = env.str("QUEUE_NAME", default="pairwise")
CACHES: dict[str, dict[str, Any]] = {
    "default": {"KEY_PREFIX": QUEUE_NAME}
    | (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
    )
}

EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20  # seconds; a mail server that hangs must not hold a worker
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", default=f"pairwise@{_public.hostname}")

SUPPORT_URL = env.str("SUPPORT_URL", default="")  # where people ask for help: https:// or mailto:

# ---- telling people ----------------------------------------------------------------------------------------------

FAILURES_TOLD_ABOVE = env.int("FAILURES_TOLD_ABOVE", default=10)  # failed contacts of a connection
DIGEST_DAY = env.str("DIGEST_DAY", default="monday").lower()
DIGEST_HOUR = env.int("DIGEST_HOUR", default=8)

# ---- signing in --------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "connections.adapters.InvitedOnlyAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
MFA_ADAPTER = "connections.adapters.EncryptingMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE

SIGN_IN_ISSUER = env.str("SIGN_IN_ISSUER", default="").rstrip("/")
SIGN_IN_NAME = env.str("SIGN_IN_NAME", default="single sign-on")
SOCIALACCOUNT_ADAPTER = "connections.adapters.KnownOrInvitedAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []}}
if SIGN_IN_ISSUER:
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"] = [
        {
            "provider_id": "sso",
            "name": SIGN_IN_NAME,
            "client_id": env.str("SIGN_IN_CLIENT_ID"),
            "secret": env.str("SIGN_IN_CLIENT_SECRET", default=""),
            "settings": {
                "server_url": SIGN_IN_ISSUER,
                # Many providers prove an address without saying so: their owner says for which domains that holds.
                "verified_email": env.list("SIGN_IN_DOMAINS", default=[]),
            },
        }
    ]
    _issuer = urlsplit(SIGN_IN_ISSUER)
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(f"{_issuer.scheme}://{_issuer.netloc}")

# ---- work in the background --------------------------------------------------------------------------------------

Q_WORKERS = env.int("Q_WORKERS", default=2)
Q_TIMEOUT = 120  # seconds; slices of runs are far shorter
QUEUE_BROKER = env.str("QUEUE_BROKER", default="redis" if REDIS_URL else "orm")
Q_CLUSTER: dict[str, Any] = {
    "name": QUEUE_NAME,
    "label": "Queue",
    "workers": Q_WORKERS,
    "queue_limit": Q_WORKERS,
    "timeout": Q_TIMEOUT,
    # A task's lock runs while it waits behind what was fetched with it; a shorter `retry` would run it twice.
    "retry": Q_TIMEOUT * (math.ceil((Q_WORKERS + 1) / Q_WORKERS) + 1) + 60,
    "max_attempts": 3,
    "ack_failures": True,  # when to try again stands in our rows
    "recycle": 500,
    "save_limit": -1,  # runs are our record; storing every success costs a factor of four
    "catch_up": False,
    "poll": 0.2,
} | ({"redis": REDIS_URL} if QUEUE_BROKER == "redis" else {"orm": "default"})
SUPERVISE_CLUSTERS = env.int("SUPERVISE_CLUSTERS", default=1)
SUPERVISE_STALL = env.float("SUPERVISE_STALL", default=90.0)  # longer than a request to an app may take

# ---- reaching apps -----------------------------------------------------------------------------------------------

DEMO = env.bool("DEMO", default=False)  # talks to its own servers only, and says so on every page
ALLOWED_PRIVATE_HOSTS = env.list("ALLOWED_PRIVATE_HOSTS", default=[])
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # what Prometheus shows to read /metrics
WEBHOOKS = env.str("WEBHOOKS", default="auto")  # whether vendors are asked to tell us of changes
APP_SETTINGS = starting_with("APP_")  # APP_OUTLOOK_CLIENT_ID reaches the connector of `outlook` as client_id

# ---- logs --------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django": {"level": LOG_LEVEL}, "django-q": {"level": "WARNING"}},
}
