"""The layouts by name: each lays the pieces of one shot on a board."""

from collections.abc import Mapping

from videoflow.providers.embedded_pictures.layouts.cards import chapter, outro, recap, title
from videoflow.providers.embedded_pictures.layouts.charts import bars, bubbles, columns, figure, line
from videoflow.providers.embedded_pictures.layouts.collage import hosts, stickers, videos
from videoflow.providers.embedded_pictures.layouts.figures import Layout
from videoflow.providers.embedded_pictures.layouts.lists import points, ranking, timeline
from videoflow.providers.embedded_pictures.layouts.places import places
from videoflow.providers.embedded_pictures.layouts.versus import versus
from videoflow.providers.embedded_pictures.layouts.words import kinetic, poster, question, quote, spotlight, statement

LAYOUTS: Mapping[str, Layout] = {
    "title": title,
    "chapter": chapter,
    "bars": bars,
    "columns": columns,
    "bubbles": bubbles,
    "line": line,
    "ranking": ranking,
    "figure": figure,
    "versus": versus,
    "quote": quote,
    "kinetic": kinetic,
    "statement": statement,
    "question": question,
    "points": points,
    "hosts": hosts,
    "timeline": timeline,
    "stickers": stickers,
    "videos": videos,
    "poster": poster,
    "spotlight": spotlight,
    "map": places,
    "recap": recap,
    "outro": outro,
}
