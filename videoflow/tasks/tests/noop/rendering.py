"""``python -m videoflow.tasks.tests.noop.rendering FOLDER``: compose one full-HD video after another until ended.

As a worker does it: composed in this process, encoded in its children at their own priority. ``FOLDER/rendered`` always holds the
seconds of video made so far.
"""

import shutil
import sys
from pathlib import Path

from videoflow.render import Format, MusicTrack, Scene, SpeechClip, Timeline, compose
from videoflow.render.tests import material

SCENES = 8
SCENE_SECONDS = 7.5
CROSSFADE_SECONDS = 0.5
VIDEO_SECONDS = SCENES * SCENE_SECONDS
TEXT = "Tiny forests grow ten times faster than planted ones, and everybody wants to see one from above."


def timeline_make(folder: Path) -> Timeline:
    folder.mkdir(parents=True)
    scenes, speech, captions = [], [], []
    for number in range(SCENES):
        start = number * SCENE_SECONDS
        picture = material.picture(folder / f"{number}.png", number, (2112, 1188))
        motion = "push_in" if number % 2 else "pull_out"
        transition, seconds = ("crossfade", CROSSFADE_SECONDS) if number else ("cut", 0.0)
        scenes.append(
            Scene(str(number), picture, "image", start, SCENE_SECONDS, motion, transition=transition, transition_seconds=seconds)
        )
        speaker = "AB"[number % 2]
        voice = material.voice(folder / f"{number}.wav", SCENE_SECONDS - 0.5, pitch_hz=110 + 70 * (number % 2), seed=number)
        speech.append(SpeechClip(voice, start + 0.2, SCENE_SECONDS - 0.5, speaker))
        captions.append(material.spoken(TEXT, start + 0.2, SCENE_SECONDS - 0.5, speaker))
    music = MusicTrack(material.music(folder / "music.wav", 20.0))
    return Timeline(Format(), VIDEO_SECONDS, tuple(scenes), tuple(speech), tuple(captions), material.SPEAKERS, music=music)


def main(folder: Path) -> None:
    timeline = timeline_make(folder / "material")
    made = folder / "made"
    finished = 0

    def report(share: float, _: str) -> None:
        note = folder / "rendered.part"
        note.write_text(str(round((finished + share) * VIDEO_SECONDS, 1)))
        note.replace(folder / "rendered")

    while True:
        compose(timeline, made / "video.mp4", made / "work", report=report, cancelled=lambda: False)
        finished += 1
        shutil.rmtree(made)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
