"""Music that comes with the installation."""

from videoflow.providers.embedded_music.music import EmbeddedMusic, music_moods

__all__ = ["EmbeddedMusic", "music_moods"]
