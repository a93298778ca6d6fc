import pytest

from videoflow.http import LARGEST_NUMBER, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("7", 7), ("007", 7), ("100", 100), ("101", 100)),
        *((text, None) for text in ("", "-1", "+1", " 1", "1.0", "1_0", "٣", "²", "x")),
        *((pytest.param("9" * 5000, 100, id="5,000 nines"), pytest.param("0" * 5000 + "5", 5, id="5,000 zeros and a five"))),
    ],
)
def test_whole_number(text: str, number: int | None) -> None:
    assert whole_number(text, most=100) == number


def test_whole_number_fits_a_database() -> None:
    assert whole_number("9" * 19) == LARGEST_NUMBER
