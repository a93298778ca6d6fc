"""Every setting of the studio, in the order of Django's documentation; values come from the environment through ``env``.

The defaults run on a laptop without any variable set. ``.env.example`` lists the variables with a line each.
"""

import os
import socket
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from kombu import Queue

from videoflow.env import (
    database_settings,
    embedded_redis_socket,
    env_address_prefix,
    env_bool,
    env_choice,
    env_crash_point,
    env_file_load,
    env_int,
    env_list,
    env_names,
    env_path,
    env_secret,
    env_str,
    folder_version,
    made_folder,
    secret_file,
)
from videoflow.memory import heavy_steps, memory_now
from videoflow.providers.services import SERVICES
from videoflow.storage.url import bucket_address, storage_settings

BASE_DIR = Path(__file__).resolve().parent.parent
VIDEOFLOW_ENV_FILE = env_path("VIDEOFLOW_ENV_FILE", BASE_DIR / ".env")
env_file_load(VIDEOFLOW_ENV_FILE)

VIDEOFLOW_DATA = made_folder(env_path("VIDEOFLOW_DATA", BASE_DIR / "data"))
VIDEOFLOW_LOG_LEVEL = env_choice("VIDEOFLOW_LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
VIDEOFLOW_LOG_FORMAT = env_choice("VIDEOFLOW_LOG_FORMAT", "LINE", choices=("LINE", "JSON"))
VIDEOFLOW_CRASH_AT = env_crash_point("VF_CRASH_AT")
VIDEOFLOW_METRICS = env_bool("VIDEOFLOW_METRICS")
VIDEOFLOW_MAX_UPLOAD_BYTES = env_int("VIDEOFLOW_MAX_UPLOAD_BYTES", 512 * 1024 * 1024, minimum=1024)
VIDEOFLOW_USER_BYTES = env_int("VIDEOFLOW_USER_BYTES", 0)
VIDEOFLOW_USER_RUNNING = env_int("VIDEOFLOW_USER_RUNNING", 3, minimum=1)  # tasks of one session at once
VIDEOFLOW_USER_WAITING = env_int("VIDEOFLOW_USER_WAITING", 20, minimum=1)  # those that follow by themselves not counted in
VIDEOFLOW_ALLOWED_ORIGINS = env_list("VIDEOFLOW_ALLOWED_ORIGINS")
VIDEOFLOW_ACCEL_PREFIX = env_address_prefix("VIDEOFLOW_ACCEL_PREFIX")
VIDEOFLOW_REPORT_DAYS = env_int("VIDEOFLOW_REPORT_DAYS", 0, minimum=0)  # 0: progress reports live as long as their project
VIDEOFLOW_RATE_LIMITS = env_bool("VIDEOFLOW_RATE_LIMITS", default=True)
VIDEOFLOW_REQUIRE_LOGIN = env_bool("VIDEOFLOW_REQUIRE_LOGIN")
VIDEOFLOW_SIGN_UP = env_bool("VIDEOFLOW_SIGN_UP", default=not VIDEOFLOW_REQUIRE_LOGIN)
VIDEOFLOW_HOST = env_str("VIDEOFLOW_HOST", socket.gethostname())[:60].replace(":", "-")
VIDEOFLOW_COMPOSE_PROCESSES = env_int("VIDEOFLOW_COMPOSE_PROCESSES", 2, minimum=1)  # that paint and code for one slot
VIDEOFLOW_ENCODER = env_choice(  # of films: software, a kind of hardware, or the first hardware that passes its trial
    "VIDEOFLOW_ENCODER", "auto", choices=("AUTO", "SOFTWARE", "NVENC", "QSV", "AMF", "VIDEOTOOLBOX", "VAAPI")
).lower()
VIDEOFLOW_CORES = os.cpu_count() or 1
VIDEOFLOW_HEAVY_STEPS = heavy_steps(
    cores=VIDEOFLOW_CORES, memory=memory_now(), asked=env_int("VIDEOFLOW_CPU_SLOTS", 0, minimum=1)
)
VIDEOFLOW_DRAIN_SECONDS = env_int("VIDEOFLOW_DRAIN_SECONDS", 0)
VIDEOFLOW_QUEUE_SLOTS = {  # tasks of a queue that run at once on this host; one cpu task keeps two cores busy
    "io": 2,
    "cpu": VIDEOFLOW_HEAVY_STEPS.number,
    "upload": 2,
}

# Outside services: addresses, models and local programs are the operator's alone; a key set here goes before a creator's own
VIDEOFLOW_SERVICE_URLS = {
    key: env_str(service.base_url_setting, service.base_url).rstrip("/") for key, service in SERVICES.items() if service.base_url
}
VIDEOFLOW_SERVICE_KEYS = {key: env_secret(service.key_setting) for key, service in SERVICES.items() if service.key_setting}
VIDEOFLOW_SERVICE_MODELS = {
    (key, capability): env_str(service.model_setting(capability), model)
    for key, service in SERVICES.items()
    for capability, model in service.models.items()
}
VIDEOFLOW_SERVICE_AT_ONCE = {
    key: env_int(service.at_once_setting, service.at_once, minimum=1) for key, service in SERVICES.items() if service.at_once
}
VIDEOFLOW_SERVICE_OPTIONS = {
    key: {option: env_str(name) for option, name in service.operator_options.items()} for key, service in SERVICES.items()
}
VIDEOFLOW_SERVICE_HOSTS = env_list("VIDEOFLOW_SERVICE_HOSTS")

# Targets: the studio's registration with Google, what its API project may spend a day, where the webhook sends videos
VIDEOFLOW_GOOGLE_CLIENT_ID = env_str("VIDEOFLOW_GOOGLE_CLIENT_ID")
VIDEOFLOW_GOOGLE_CLIENT_SECRET = env_secret("VIDEOFLOW_GOOGLE_CLIENT_SECRET")
VIDEOFLOW_GOOGLE_AUTH_URL = env_str("VIDEOFLOW_GOOGLE_AUTH_URL", "https://accounts.google.com/o/oauth2/v2/auth")
VIDEOFLOW_GOOGLE_TOKEN_URL = env_str("VIDEOFLOW_GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token")
VIDEOFLOW_GOOGLE_REVOKE_URL = env_str("VIDEOFLOW_GOOGLE_REVOKE_URL", "https://oauth2.googleapis.com/revoke")
VIDEOFLOW_YOUTUBE_ANALYTICS_URL = env_str("VIDEOFLOW_YOUTUBE_ANALYTICS_URL", "https://youtubeanalytics.googleapis.com")
VIDEOFLOW_YOUTUBE_QUOTA_UNITS = env_int("VIDEOFLOW_YOUTUBE_QUOTA_UNITS", 10_000, minimum=1)
VIDEOFLOW_YOUTUBE_QUOTA_UPLOADS = env_int("VIDEOFLOW_YOUTUBE_QUOTA_UPLOADS", 100, minimum=1)
VIDEOFLOW_YOUTUBE_QUOTA_SEARCHES = env_int("VIDEOFLOW_YOUTUBE_QUOTA_SEARCHES", 100, minimum=1)
VIDEOFLOW_YOUTUBE_DERIVED_METRICS = env_bool("VIDEOFLOW_YOUTUBE_DERIVED_METRICS", default=False)
VIDEOFLOW_YOUTUBE_CHUNK_BYTES = env_int("VIDEOFLOW_YOUTUBE_CHUNK_BYTES", 8 * 1024 * 1024, minimum=262_144) // 262_144 * 262_144
VIDEOFLOW_WEBHOOK_URL = env_str("VIDEOFLOW_WEBHOOK_URL")
VIDEOFLOW_WEBHOOK_SECRET = env_secret("VIDEOFLOW_WEBHOOK_SECRET")
VIDEOFLOW_CONTACT = env_str("VIDEOFLOW_CONTACT")

# Redis: the given one, or the embedded server of this data folder
REDIS_SOCKET = embedded_redis_socket(VIDEOFLOW_DATA)
REDIS_IS_EMBEDDED = not env_secret("REDIS_URL")
REDIS_URL = env_secret("REDIS_URL") or f"unix://{REDIS_SOCKET}"

# Cache: only through videoflow.sessions.state_cache, which does without Redis
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "videoflow",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "CONNECTION_FACTORY": "videoflow.redis.CacheConnections",
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "IGNORE_EXCEPTIONS": False,  # whoever uses it tells the breaker
        },
    }
}

# Database
DATABASES = {
    "default": database_settings(
        env_secret("DATABASE_URL"),
        sqlite_file=VIDEOFLOW_DATA / "videoflow.sqlite3",
        pool_size=env_int("VIDEOFLOW_DATABASE_POOL", 0),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Debugging
DEBUG = False

# File uploads
MEDIA_ROOT = VIDEOFLOW_DATA / "media"
MEDIA_URL = "/media/"
_BUCKET = bucket_address(env_str("VIDEOFLOW_STORAGE_URL"))
_BUCKET_ORIGINS = [_BUCKET.origin] if _BUCKET and _BUCKET.reads == "signed" else []
VIDEOFLOW_STORAGE_CACHE_BYTES = env_int("VIDEOFLOW_STORAGE_CACHE_BYTES", 20_000_000_000, minimum=1_000_000)
VIDEOFLOW_TASK_BYTES = env_int("VIDEOFLOW_TASK_BYTES", 20_000_000_000, minimum=1_000_000)
VIDEOFLOW_SHARED_PARTS_BYTES = env_int("VIDEOFLOW_SHARED_PARTS_BYTES", 20_000_000_000)
FILE_UPLOAD_TEMP_DIR = made_folder(VIDEOFLOW_DATA / "tmp")  # Django checks that it is there
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# Globalization
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_NAME = "videoflow_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "videoflow.pipeline.formats"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# HTTP
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env_list("VIDEOFLOW_ALLOWED_HOSTS")]
APPEND_SLASH = True
MIDDLEWARE = [
    "videoflow.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "videoflow.http.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "videoflow.api.middleware.ApiMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "videoflow.http.StorableTextMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "videoflow.sessions.middleware.CreatorMiddleware",
    "videoflow.sessions.entrance.EntranceMiddleware",
]
ROOT_URLCONF = "videoflow.urls"
WSGI_APPLICATION = "videoflow.wsgi.application"
ASGI_APPLICATION = "videoflow.asgi.application"

# Logging: to stderr, which the studio collects in <data>/logs
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"origin": {"()": "videoflow.logs.OriginFilter"}},
    "formatters": {"LINE": {"()": "videoflow.logs.LineFormatter"}, "JSON": {"()": "videoflow.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["origin"], "formatter": VIDEOFLOW_LOG_FORMAT}},
    "root": {
        "handlers": ["stderr"],
        "level": VIDEOFLOW_LOG_LEVEL,
    },
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "level": "INFO"},
        "daphne": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},  # at DEBUG it writes headers of answers
        "botocore": {"level": "WARNING"},  # at DEBUG these write signed addresses
        "boto3": {"level": "WARNING"},
        "s3transfer": {"level": "WARNING"},
        "urllib3": {"level": "ERROR"},
        "channels_redis": {"level": "CRITICAL"},  # a traceback each second while Redis is away; tasks.bells says it once
    },
}

# Models
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "videoflow.vault.apps.VaultConfig",
    "videoflow.sessions.apps.SessionsConfig",
    "videoflow.tasks.apps.TasksConfig",
    "videoflow.pipeline.apps.PipelineConfig",
    "videoflow.health.apps.HealthConfig",
]

# Security
SECRET_KEY = env_secret("VIDEOFLOW_SECRET_KEY") or secret_file(VIDEOFLOW_DATA / "secret_key")
VIDEOFLOW_VAULT_KEYS = env_secret("VIDEOFLOW_VAULT_KEYS")  # empty: the vault makes one in the data folder when it first needs it
VIDEOFLOW_HTTPS = env_bool("VIDEOFLOW_HTTPS")
CSRF_TRUSTED_ORIGINS = VIDEOFLOW_ALLOWED_ORIGINS
CSRF_FAILURE_VIEW = "videoflow.http.csrf_failure"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = VIDEOFLOW_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = VIDEOFLOW_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if VIDEOFLOW_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_SSL_REDIRECT = VIDEOFLOW_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|health|metrics)$"]  # asked for by the machine itself, without the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if VIDEOFLOW_HTTPS else None
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # HSTS for subdomains: a studio is a guest on its domain
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *_BUCKET_ORIGINS],
        "media-src": [SELF, "blob:", *_BUCKET_ORIGINS],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# Serialization, sessions of signed-in users
SESSION_ENGINE = "django.contrib.sessions.backends.db"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sessions:sign_in"

# Static files: served by WhiteNoise straight from the folders they live in, so that no extra step can be forgotten
STATIC_VERSION = folder_version(BASE_DIR / "static", BASE_DIR / "requirements.txt")
STATIC_URL = f"/static/{STATIC_VERSION}/"  # another version, another address: browsers keep what they have for good
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": storage_settings(
        _BUCKET, key_id=env_secret("VIDEOFLOW_STORAGE_KEY_ID"), secret=env_secret("VIDEOFLOW_STORAGE_SECRET")
    ),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_ROOT = BASE_DIR / "static" / "root"  # what browsers ask for at the top, whatever page they are on
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 0
WHITENOISE_IMMUTABLE_FILE_TEST = f"^{STATIC_URL}"

# Templates
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "videoflow.sessions.entrance.entrance",
            ],
        },
    }
]

# Channels: the layer only rings the bell, the events themselves are rows
CHANNEL_PREFIX = "videoflow"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # With a socket_timeout (5 s unless told) redis-py writes under asyncio.wait_for, which in Python 3.11 swallows a
            # cancellation: what ends at that moment never does. tasks.bells has timeouts of its own.
            "hosts": [{"address": REDIS_URL, "socket_connect_timeout": 1, "socket_timeout": None}],
            "prefix": CHANNEL_PREFIX,
        },
    }
}

# Celery: carries wake-ups; the row of the task is the truth, so a lost or doubled message is harmless
CELERY_BROKER_URL = (
    f"redis+socket://{REDIS_URL.removeprefix('unix://')}?virtual_host=0" if REDIS_URL.startswith("unix://") else REDIS_URL
)
CELERY_TASK_QUEUES = [Queue("io"), Queue("cpu"), Queue("upload")]
CELERY_TASK_DEFAULT_QUEUE = "io"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 2,
    "max_retries": 0,
    "health_check_interval": 10,
    "global_keyprefix": "videoflow:",
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3
CELERY_TIMEZONE = "UTC"

VIDEOFLOW_VARIABLES = env_names()  # every variable that was read above: what the environment may say
