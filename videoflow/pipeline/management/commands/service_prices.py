from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from videoflow.errors import BadInput
from videoflow.pipeline.budget import CURRENCY, micros_read, prices_set
from videoflow.pipeline.models import ServicePrice
from videoflow.pipeline.money import money_shown
from videoflow.providers.services import EMBEDDED, SERVICES

UNKNOWN = "unknown"


class Command(BaseCommand):
    help = (
        "Show what services cost, or set a price: service_prices elevenlabs speech 0.30. Budgets and estimates rest on these; "
        f"“{UNKNOWN}” in place of the amount takes a price back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service", nargs="?", choices=sorted(set(SERVICES) - {EMBEDDED}))
        parser.add_argument("capability", nargs="?", help="writer, speech, images, trends or publisher")
        parser.add_argument("amount", nargs="?", help=f"dollars for one unit, such as 0.30, or “{UNKNOWN}”")
        parser.add_argument("--model", default="", help="for this model alone; else for every model without a price of its own")

    def handle(self, *args: Any, **options: Any) -> None:
        service, capability, amount = options["service"], options["capability"], options["amount"]
        if service is None:
            self._list()
            return
        if capability not in SERVICES[service].price:
            raise CommandError(f"{SERVICES[service].label} does: {', '.join(SERVICES[service].price)}. Name one of them.")
        if amount is None:
            raise CommandError("Name an amount in dollars for one unit, such as 0.30.")
        try:
            micros = None if amount == UNKNOWN else micros_read(amount)
        except BadInput as error:
            raise CommandError(str(error)) from None
        prices_set([(service, capability, options["model"], micros)])
        self._list(service)

    def _list(self, only: str = "") -> None:
        """Print a line for each price: the catalogue's, and the operator's lines over it."""
        own = {(line.service, line.capability, line.model): line.micros for line in ServicePrice.objects.all()}
        for service in SERVICES.values():
            for capability, price in service.price.items():
                if service.key == EMBEDDED or (only and service.key != only):
                    continue
                self._say(service.key, capability, "", own.get((service.key, capability, ""), price.micros), price.unit)
                for (name, what, model), micros in sorted(own.items()):
                    if model and (name, what) == (service.key, capability):
                        self._say(service.key, capability, model, micros, price.unit)

    def _say(self, service: str, capability: str, model: str, micros: int | None, unit: str) -> None:
        cost = UNKNOWN if micros is None else "free" if micros == 0 else money_shown(micros, CURRENCY)
        self.stdout.write(f"{service:<14} {capability:<10} {model:<24} {cost}{f' for {unit}' if unit and micros != 0 else ''}")
