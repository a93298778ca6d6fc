"""Names are told from what only looks like them; maps show the country where they say; flags have their colours."""

from pathlib import Path

import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.providers.embedded_pictures import geography
from videoflow.providers.embedded_pictures.geography import (
    countries_named,
    country_name,
    draw_flag,
    draw_map,
    map_labels,
    view_of,
)
from videoflow.providers.embedded_pictures.geography.projection import homeland, outlines

DATA = Path(geography.__file__).parent / "data"


class TestCountriesNamed:
    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("A Korean survey says Japan wins", ("KR", "JP")),
            ("North Korean missiles, U.S. troops", ("KP", "US")),
            ("What the US watched", ("US",)),
            ("The U.K. and the Netherlands’ team", ("GB", "NL")),
            ("Papua New Guinea vs a guinea pig", ("PG",)),
            ("Lebanon's Beirut explosion", ("LB",)),
            ("People in Jordan talk", ("JO",)),
            ("US-based and China-made", ("US", "CN")),
            ("Holidays in Türkiye", ("TR",)),
        ],
    )
    def test_ok(self, text, named):
        assert countries_named(text) == named

    @pytest.mark.parametrize(
        "text",
        [
            "Michael Jordan and Chad went to Georgia",
            "TELL US WHY",
            "Turkey sandwich",
            "American Idol, South America, Captain America",
            "New Mexico and New England",
            "french fries, French fries, a French press",
            "my new china set",
            "Polish your shoes",
            "They sang it in Spanish",
            "Korean subtitles",
            "US$ 20 and a Guinea pig",
            "Indiana Jones, Nigeriana, Chinatown",
            "",
        ],
    )
    def test_what_only_looks_like_a_country_is_none(self, text):
        assert countries_named(text) == ()

    def test_every_name_has_a_flag_and_an_outline(self):
        listed = [line.split("|")[0] for line in (DATA / "names.txt").read_text(encoding="utf-8").splitlines() if "|" in line]
        assert len(listed) > 190
        for iso2 in listed[1:]:
            assert country_name(iso2) != iso2
            assert draw_flag(iso2, 32).size == (32, 24)
            assert len(homeland(iso2)) > 3


class TestDrawFlag:
    def test_ok(self):
        pixels = np.asarray(draw_flag("JP", 80))
        assert pixels[30, 40, 0] > 150
        assert pixels[30, 40, 1] < 60
        assert pixels[5, 40, :3].min() > 240
        assert pixels[0, 0, 3] < 60 < pixels[30, 2, 3]

    def test_refuses_unknown_codes(self):
        with pytest.raises(BadInput, match="QQ"):
            draw_flag("QQ", 80)


class TestDrawMap:
    @pytest.mark.parametrize(
        ("lit", "place"), [("FR", (2.3, 47.0)), ("BR", (-52.0, -10.0)), ("NZ", (172.0, -42.8)), ("RU", (100.0, 62.0))]
    )
    def test_the_country_lies_where_it_belongs(self, lit, place):
        view = view_of((320, 180), [lit], window=(160, 10, 310, 170))
        x, y = view.flat(np.array([place]))[0]
        pixels = np.asarray(draw_map(view, [lit], land="#808080", highlight_colour="#ff0000", border="#808080", line_px=1))
        assert 160 < x < 310
        assert pixels[round(y), round(x)].tolist() == [255, 0, 0, 255]

    def test_sea_is_transparent(self):
        view = view_of((320, 180), ["JP"])
        x, y = view.flat(np.array([[150.0, 32.0]]))[0]
        pixels = np.asarray(draw_map(view, ["JP"], land="#808080", highlight_colour="#ff0000", border="#808080", line_px=1))
        assert pixels[round(y), round(x), 3] == 0

    def test_countries_far_apart_are_shown_on_the_whole_world(self):
        assert view_of((320, 180), ["US", "AU"]).kind == "world"
        assert view_of((320, 180), ["US", "MX"]).kind == "near"

    def test_refuses_unknown_codes(self):
        with pytest.raises(BadInput, match="QQ"):
            view_of((320, 180), ["QQ"])

    def test_rings_are_closed_and_in_range(self):
        for rings in outlines().values():
            for ring in rings:
                assert np.abs(ring[0, 1] - ring[-1, 1]) < 1e-9
                assert np.abs(ring[:, 1]).max() <= 90.01


class TestMapLabels:
    def test_ok(self):
        view = view_of((640, 360), ["IT"])
        labels = {label.iso2: label for label in map_labels(view, least_px=8, without=["IT"])}
        assert "FR" in labels
        assert "IT" not in labels
        assert labels["FR"].x < view.flat(np.array([[12.5, 42.0]]))[0][0]
