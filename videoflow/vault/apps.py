from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "videoflow.vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from videoflow.vault import receivers  # noqa: F401 - models can be imported from here on
