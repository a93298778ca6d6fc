"""Countries: which ones a text names, their flags, and maps of them."""

from videoflow.providers.embedded_pictures.geography.flags import draw_flag
from videoflow.providers.embedded_pictures.geography.maps import MapLabel, draw_map, map_labels
from videoflow.providers.embedded_pictures.geography.naming import countries_named, country_name
from videoflow.providers.embedded_pictures.geography.projection import MapView, view_of

__all__ = ["MapLabel", "MapView", "countries_named", "country_name", "draw_flag", "draw_map", "map_labels", "view_of"]
