"""The operator's price list: what a unit of each service costs, so that budgets and estimates know it."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin

from videoflow.pipeline.budget import CURRENCY
from videoflow.pipeline.models import ServicePrice
from videoflow.pipeline.money import MICROS, money_shown
from videoflow.providers.services import SERVICES


def _choices() -> list[tuple[str, str]]:
    """Return what has a price by unit: ("openai/speech", "OpenAI, speech: for 1,000 characters")."""
    return [
        (f"{service.key}/{capability}", f"{service.label}, {capability}: for 1 {price.unit}".replace("for 1 1,000", "for 1,000"))
        for service in SERVICES.values()
        for capability, price in service.price.items()
        if price.unit
    ]


class ServicePriceForm(forms.ModelForm):  # type: ignore[type-arg]
    """One line of the list, in dollars."""

    what = forms.ChoiceField(choices=_choices, help_text="What the price is for, and the unit it counts.")
    dollars = forms.DecimalField(min_value=Decimal(0), max_digits=12, decimal_places=6, label="Price in US dollars")

    class Meta:
        model = ServicePrice
        fields = ("model",)

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        if self.instance.pk:
            self.initial["what"] = f"{self.instance.service}/{self.instance.capability}"
            self.initial["dollars"] = Decimal(self.instance.micros) / MICROS

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "what" in cleaned and "dollars" in cleaned:
            self.instance.service, self.instance.capability = cleaned["what"].split("/")
            self.instance.micros = int(cleaned["dollars"] * MICROS)
            twice = ServicePrice.objects.exclude(pk=self.instance.pk).filter(
                service=self.instance.service, capability=self.instance.capability, model=cleaned.get("model", "")
            )
            if twice.exists():
                raise forms.ValidationError("There is a line for this already. Change that one.")
        return cleaned


@admin.register(ServicePrice)
class ServicePriceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lines for single models go before the line for the whole service; without a line the price is not known."""

    form = ServicePriceForm
    fields = ("what", "model", "dollars")
    list_display = ("service", "capability", "model", "price", "updated_at")
    list_filter: ClassVar[tuple[str, ...]] = ("service", "capability")

    @admin.display(description="price", ordering="micros")
    def price(self, line: ServicePrice) -> str:
        return f"{money_shown(line.micros, CURRENCY)} / {SERVICES[line.service].price[line.capability].unit}"
