from importlib import import_module

from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "videoflow.vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        import_module(f"{self.name}.receivers")  # models can be imported from here on
