from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "videoflow.vault"
    verbose_name = "Vault"
