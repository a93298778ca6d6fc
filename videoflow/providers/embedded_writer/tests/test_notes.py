import pytest

from videoflow.providers.base import Datum
from videoflow.providers.embedded_writer.notes import Note


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("It holds 3,5 litres of crème", (Datum("litres of crème", 3.5, "litres"),)),
        ("A set is 1, 2, 3", ()),
        ("It holds 1,250 litres", (Datum("litres", 1250, "litres"),)),
        ("The price was €4.50 then", (Datum("The price was €4.50 then", 4.5, "€"),)),
        ("It rose by 25 percent", (Datum("It rose by 25 percent", 25, "%"),)),
        ("Some 2.5 million litres leaked", (Datum("litres leaked", 2_500_000, "litres leaked"),)),
        ("It was built in 1930", ()),
        ("It opened at 7:45 on 3/4/2021", ()),
        ("See https://example.org/3/45", ()),
        ("It fell to −12 degrees", (Datum("degrees", -12, "degrees"),)),
        ("It is 409 metres long and red", (Datum("metres", 409, "metres"),)),
        ("It cost $1990", (Datum("It cost $1990", 1990, "$"),)),
    ],
)
def test_figures_of_a_sentence(text: str, figures: tuple[Datum, ...]) -> None:
    note = Note(index=0, text=text, heading="", paragraph=0, kinds=(), leans_on_previous=False)
    assert note.figures == figures
