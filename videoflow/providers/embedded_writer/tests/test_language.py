import pytest

from videoflow.providers.embedded_writer.language import foreign_language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hast du gesehen, was mit dem alten Hafen passiert ist? Das ist nicht zu glauben, und es wird noch seltsamer.", "de"),
        ("Les villes plantent des arbres dans les rues, et ce n'est pas une mauvaise idée pour les habitants.", "fr"),
        ("La ciudad plantó los árboles en las calles, y para los vecinos está muy bien, pero no hay más agua.", "es"),
        ("A cidade não plantou as árvores, mas os vizinhos estão felizes com uma praça que também é muito bonita.", "pt"),
        ("Il comune non ha piantato gli alberi, ma la piazza è molto bella per chi ci vive, e anche per i turisti.", "it"),
        ("De stad heeft het plein niet gebouwd, maar een boom is ook goed voor de mensen van deze straat.", "nl"),
        ("Съешь же ещё этих мягких булок", "ru"),
        ("猫はとても可愛い動物です。", "ja"),
        ("树木在城市里生长", "zh"),
        ("שלום לכולם", "he"),
        ("مرحبا بكم", "ar"),
    ],
)
def test_another_language_is_named(text: str, code: str) -> None:
    found = foreign_language(text)
    assert found is not None and found.code == code


@pytest.mark.parametrize(
    "text",
    [
        "Why cities are planting tiny forests",
        "Ana: Did you see the harbour? Ben: I did, and it gets stranger.",
        "Die Hard, Das Boot und La La Land: films that we all know, and what they have to say about the cities they are set in.",
        "El Niño, La Niña, Los Angeles, Las Vegas",
        "The word for cat in Japanese is 猫, and in Russian it is кошка.",
        "",
        "😀🔥",
        "K2, E = mc², SQL",
    ],
)
def test_english_with_foreign_names_passes(text: str) -> None:
    assert foreign_language(text) is None
