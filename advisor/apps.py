"""The project package as a Django app: models, pages, API, commands."""

from django.apps import AppConfig


class AdvisorConfig(AppConfig):
    name = "advisor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Here and not in advisor/__init__.py: there it would load Celery and Django with the pure advisor.core.
        import advisor.celery  # noqa: F401
