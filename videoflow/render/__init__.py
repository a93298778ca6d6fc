"""The compositor: a timeline in, a finished and checked video out. Plain Python, no Django."""

from videoflow.render.ability import can_make, part_needs
from videoflow.render.caption_stills import caption_still
from videoflow.render.caption_style import caption_style_check
from videoflow.render.caption_warnings import CaptionWarning, caption_warnings
from videoflow.render.captions import Caption
from videoflow.render.composition import Composition, compose, remake_of, timeline_captions
from videoflow.render.encoder_choice import compose_chosen, encoder_choose
from videoflow.render.encoder_trial import Trial, hardware_trials
from videoflow.render.making import PartSharing, Remake
from videoflow.render.parts import Parts, parts_of
from videoflow.render.peaks import peaks_read
from videoflow.render.previews import Preview, poster, preview_scene, preview_whole
from videoflow.render.probe import MediaFacts, media_check, probe
from videoflow.render.quality import Finding, QualityReport, verdict_of
from videoflow.render.subtitles import captions_srt, captions_vtt, timeline_subtitles
from videoflow.render.timeline import (
    CaptionLine,
    CaptionStyle,
    CaptionWord,
    Format,
    MusicTrack,
    Scene,
    SpeakerStyle,
    SpeechClip,
    Timeline,
)

__all__ = [
    "Caption",
    "CaptionLine",
    "CaptionStyle",
    "CaptionWarning",
    "CaptionWord",
    "Composition",
    "Finding",
    "Format",
    "MediaFacts",
    "MusicTrack",
    "PartSharing",
    "Parts",
    "Preview",
    "QualityReport",
    "Remake",
    "Scene",
    "SpeakerStyle",
    "SpeechClip",
    "Timeline",
    "Trial",
    "can_make",
    "caption_still",
    "caption_style_check",
    "caption_warnings",
    "captions_srt",
    "captions_vtt",
    "compose",
    "compose_chosen",
    "encoder_choose",
    "hardware_trials",
    "media_check",
    "part_needs",
    "parts_of",
    "peaks_read",
    "poster",
    "preview_scene",
    "preview_whole",
    "probe",
    "remake_of",
    "timeline_captions",
    "timeline_subtitles",
    "verdict_of",
]
