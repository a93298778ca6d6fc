"""Pictures and clips designed and drawn by the application itself."""

from videoflow.providers.embedded_pictures.pictures import EmbeddedPictures

__all__ = ["EmbeddedPictures"]
