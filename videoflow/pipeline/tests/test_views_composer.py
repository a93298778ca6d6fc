import json
from io import BytesIO

import pytest
from django.urls import reverse
from PIL import Image

from videoflow.pipeline.editing import previews
from videoflow.pipeline.models import Asset, Project, Scene
from videoflow.pipeline.stages.video_composition import segments_dir
from videoflow.pipeline.tests import factories
from videoflow.render.composition import timeline_captions
from videoflow.render.making import segment_path, sound_path
from videoflow.render.plan import plan_make
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def project(client) -> Project:
    """Five scenes of 4 s and one of 10, with their recordings, and no video yet."""
    project = factories.ProjectFactory.create(session=factories.session_of(client))
    factories.with_trends(project)
    script = factories.with_script(project)
    factories.with_media(project, script)
    script.scenes.filter(position=5).update(seconds=10.0)
    script.media_seconds = 30.0
    script.save(update_fields=["media_seconds"])
    return project


def scene_at(project: Project, position: int) -> Scene:
    return Scene.objects.get(project=project, position=position)


def act(client, project, name, position=1, *, headers=None, **values):
    address = reverse(f"pipeline:composer_{name}", args=[project.pk, scene_at(project, position).key])
    return client.post(address, values, headers=headers or HTMX)


def panel_of(client, project) -> str:
    return client.get(reverse("pipeline:panel", args=[project.pk, "video_composition"])).content.decode()


class TestPanel:
    def test_before_the_media_there_is_nothing_to_compose(self, client):
        project = factories.ProjectFactory.create(session=factories.session_of(client))
        assert "once the media are there" in panel_of(client, project)

    def test_with_media_it_offers_to_compose(self, client, project):
        page = panel_of(client, project)
        assert "Compose the video" in page and page.count("data-cell=") == 6

    def test_a_running_composition_hides_the_button(self, client, project):
        factories.task_running(project, "video_composition", 40, "Frame 100 of 300")
        page = panel_of(client, project)
        assert "Compose the video" not in page and "Frame 100 of 300" in page and "data-cell=" in page

    def test_a_failed_one_keeps_the_scenes(self, client, project):
        factories.task_failed(project, "video_composition", "The disk became full.")
        page = panel_of(client, project)
        assert "The disk became full." in page and "Compose the video" in page and "data-cell=" in page

    def test_done_shows_the_player_and_that_it_is_out_of_date(self, client, project):
        factories.with_video(project, project.scripts.get())
        page = panel_of(client, project)
        assert 'id="player"' in page and "does not show your latest changes" in page and "Compose again" in page

    def test_two_videos_can_be_compared(self, client, project):
        for _ in range(2):
            factories.with_video(project, project.scripts.get())
        assert "data-compare" in panel_of(client, project)

    def test_changed_lines_lead_to_the_media_first(self, client, project):
        script = project.scripts.get()
        script.turns.filter(position=0).update(text="Another hook.")
        page = panel_of(client, project)
        assert "Update and compose" in page and "1 line is spoken again" in page and "Compose the video" not in page

    def test_queries_do_not_grow_with_the_scenes(self, client, project, django_assert_max_num_queries):
        with django_assert_max_num_queries(45):
            panel_of(client, project)

    def test_a_past_preview_leaves_the_stage_ready(self, client, project):
        factories.task_done(project, "video_composition", "Preview of 0:24", input_data={"preview": True})
        page = panel_of(client, project)
        assert "Ready to start" in page and "Compose the video" in page


class TestScenes:
    def test_motion_transition_and_focus(self, client, project):
        reply = act(client, project, "change", motion="pan_left", transition="wipe", focus_x="20", focus_y="75", revision=1)
        scene = scene_at(project, 1)
        assert (scene.motion, scene.transition, scene.focus_x, scene.focus_y) == ("pan_left", "wipe", 0.2, 0.75)
        assert json.loads(reply.headers["HX-Trigger"]) == {"vf:edited": {"panels": ["media_generation"]}}
        assert f'data-chosen="{scene.key}"' in reply.content.decode()

    def test_a_stale_page_gets_both_versions(self, client, project):
        act(client, project, "change", motion="pan_left", revision=1)
        reply = act(client, project, "change", motion="push_in", revision=1)
        page = reply.content.decode()
        assert reply.status_code == 409 and "Use mine" in page and 'value="push_in"' in page
        assert scene_at(project, 1).motion == "pan_left"

    def test_out_of_range_is_said_and_changes_nothing(self, client, project):
        reply = act(client, project, "change", focus_x="120")
        assert reply.status_code == 422 and "0 to 100" in reply.content.decode()
        assert scene_at(project, 1).focus_x == 0.5

    def test_a_picture_has_no_clip_to_begin(self, client, project):
        assert act(client, project, "change", trim_start="2").status_code == 422

    def test_a_clip_begins_later(self, client, project):
        Asset.objects.filter(pk=scene_at(project, 1).asset_id).update(kind="clip", seconds=6.0)
        act(client, project, "change", trim_start="2.5")
        assert scene_at(project, 1).trim_start == 2.5
        assert act(client, project, "change", trim_start="5.9").status_code == 422

    def test_lock_and_unlock(self, client, project):
        act(client, project, "lock", lock="1")
        assert scene_at(project, 1).is_locked
        act(client, project, "lock")
        assert not scene_at(project, 1).is_locked

    @pytest.mark.parametrize(
        ("values", "place"), [({"by": "1"}, 2), ({"by": "-1"}, 0), ({"to": "6"}, 5), ({"by": "nonsense"}, 1)]
    )
    def test_moving_takes_the_picture_and_follows_it(self, client, project, values, place):
        picture = scene_at(project, 1).asset_id
        reply = act(client, project, "move", **values)
        assert scene_at(project, place).asset_id == picture
        assert f'data-chosen="{scene_at(project, place).key}"' in reply.content.decode()

    def test_both_cuts_move(self, client, project):
        act(client, project, "trim", start="3.50", end="9.25")
        rows = [(scene.start, scene.seconds) for scene in Scene.objects.filter(project=project).order_by("position")[:3]]
        assert rows == [(0.0, 3.5), (3.5, 5.75), (9.25, 2.75)]

    def test_a_cut_too_far_is_refused_in_place(self, client, project):
        reply = act(client, project, "trim", end="11.9")
        assert reply.status_code == 422 and "between 4.7 and 11.3" in reply.content.decode()

    @pytest.mark.parametrize("end", ["", "soon", "nan", "1e99"])
    def test_no_time_is_no_cut(self, client, project, end):
        assert act(client, project, "trim", end=end).status_code == 422

    def test_one_time_that_cannot_be_read_moves_no_cut(self, client, project):
        before = scene_at(project, 1).seconds
        reply = act(client, project, "trim", start="abc", end="9.25")
        assert reply.status_code == 422 and "Give the time of the cut" in reply.content.decode()
        assert scene_at(project, 1).seconds == before
        assert scene_at(project, 1).seconds == 4.0

    def test_splitting_shows_the_second_part(self, client, project):
        reply = act(client, project, "split", at="5,5", revision=1)
        second = scene_at(project, 2)
        assert (second.start, second.seconds) == (5.5, 2.5) and f'data-chosen="{second.key}"' in reply.content.decode()
        assert json.loads(reply.headers["HX-Trigger"]) == {"vf:edited": {"panels": ["media_generation"]}}

    @pytest.mark.parametrize(("at", "sentence"), [("9", "between 4.7 and 7.3"), ("soon", "Give the time of the cut")])
    def test_a_split_that_cannot_be_is_said_in_place(self, client, project, at, sentence):
        reply = act(client, project, "split", at=at)
        assert reply.status_code == 422 and sentence in reply.content.decode()
        assert Scene.objects.filter(project=project).count() == 6

    def test_deleting_shows_the_neighbour_and_offers_to_undo(self, client, project):
        reply = act(client, project, "delete", position=2, revision=1)
        page = reply.content.decode()
        assert Scene.objects.filter(project=project).count() == 5
        assert "Scene 3 was deleted" in page and f'data-chosen="{scene_at(project, 1).key}"' in page
        assert reverse("pipeline:undo", args=[project.pk]) in page

    def test_a_stale_page_deletes_nothing(self, client, project):
        act(client, project, "change", motion="pan_left", revision=1)
        assert act(client, project, "delete", revision=1).status_code == 409
        assert Scene.objects.filter(project=project).count() == 6

    def test_without_scripts_deleting_and_splitting_lead_on(self, client, project):
        reply = act(client, project, "split", headers={"X-Plain": "1"})
        assert reply.status_code == 302 and str(scene_at(project, 2).key) in reply.headers["Location"]
        reply = act(client, project, "delete", position=2, headers={"X-Plain": "1"})
        assert "Scene 3 was deleted" in client.get(reply.headers["Location"]).content.decode()

    def test_without_scripts_a_scene_has_its_page(self, client, project):
        reply = act(client, project, "change", motion="pan_left", headers={"X-Plain": "1"})
        assert reply.status_code == 302
        page = client.get(reply.headers["Location"]).content.decode()
        assert "<h1>" in page and '<option value="pan_left" selected>' in page

    @pytest.mark.parametrize("name", ["change", "lock", "move", "trim", "split", "delete", "play"])
    def test_somebody_elses_scene_is_not_there(self, client, name):
        factories.session_of(client)
        other = factories.ProjectFactory.create()
        factories.with_media(other, factories.with_script(other))
        assert act(client, other, name).status_code == 404

    @pytest.mark.parametrize("name", ["change", "lock", "move", "trim", "split", "delete", "play"])
    def test_reading_does_not_change(self, client, project, name):
        address = reverse(f"pipeline:composer_{name}", args=[project.pk, scene_at(project, 1).key])
        assert client.get(address).status_code == 405

    def test_a_frame_has_the_videos_shape(self, client, project):
        project.aspect = "9:16"
        project.save()
        reply = client.get(reverse("pipeline:composer_frame", args=[project.pk, scene_at(project, 1).key]))
        assert size_of(reply) == (540, 960)


def size_of(reply) -> tuple[int, int]:
    with Image.open(BytesIO(b"".join(reply.streaming_content))) as picture:
        return picture.size


CAPTIONS = {
    "name": "classic",
    "position": "top",
    "size": "6.5",
    "distance": "12",
    "text_colour": "#ffee00",
    "box": "0",
    "box_colour": "#101010",
    "outline": "7.5",
    "speaker_colours": "on",
    "colour_a": "#ff8866",
    "colour_b": "#66ccff",
}


class TestLook:
    def post(self, client, project, part, /, **values):
        return client.post(
            reverse(f"pipeline:composer_{part}", args=[project.pk]), values, headers={"Accept": "application/json"}
        )

    def test_captions_are_saved(self, client, project):
        reply = self.post(client, project, "captions", **CAPTIONS)
        project.refresh_from_db()
        assert project.caption == {
            "name": "classic",
            "position": "top",
            "size_share": 0.065,
            "bottom_share": 0.12,
            "text_colour": "#ffee00",
            "box_opacity": 0.0,
            "box_colour": "#101010",
            "outline_share": 0.075,
            "speaker_names": False,
            "speaker_colours": True,
            "colours": {"A": "#ff8866", "B": "#66ccff"},
        }
        assert reply.json()["revision"]

    def test_a_stale_form_gets_theirs(self, client, project):
        revision = self.post(client, project, "captions", **CAPTIONS).json()["revision"]
        self.post(client, project, "captions", **CAPTIONS | {"size": "4"}, revision=revision)
        reply = self.post(client, project, "captions", **CAPTIONS | {"size": "8"}, revision=revision)
        assert reply.status_code == 409 and reply.json()["theirs"]["size"] == 4.0

    def test_wrong_captions_are_refused_at_the_field(self, client, project):
        reply = self.post(client, project, "captions", **CAPTIONS | {"size": "40"})
        assert reply.status_code == 422 and "size" in reply.json()["errors"]

    def test_a_try_is_shown_with_what_is_unwise_and_saves_nothing(self, client, project):
        address = reverse("pipeline:composer_captions", args=[project.pk])
        page = client.get(address, CAPTIONS | {"size": "2.6", "outline": "0"}).content.decode()
        assert "hard to read on a phone" in page and "box or an outline" in page
        project.refresh_from_db()
        assert project.caption == {}

    def test_a_dark_colour_is_told_of_when_it_was_chosen_and_not_when_it_is_the_looks(self, client, project):
        project.look = {**project.look, "speaker_colours": {"A": "#ff5a36", "B": "#66ccff"}}
        project.save()
        address = reverse("pipeline:composer_captions", args=[project.pk])
        assert "too dark to mark" not in client.get(address, CAPTIONS | {"colour_a": "#ff5a36"}).content.decode()
        assert "#401010 is too dark to mark" in client.get(address, CAPTIONS | {"colour_a": "#401010"}).content.decode()

    def test_the_frame_shows_them(self, client, project):
        script = project.scripts.get()
        turn = script.turns.get(position=1)
        turn.words = [["Three", 0.0, 0.4], ["channels", 0.4, 1.0]]
        turn.save()
        address = reverse("pipeline:composer_captions_picture", args=[project.pk])
        plain = client.get(address, CAPTIONS | {"name": "none"})
        drawn = client.get(address, CAPTIONS)
        assert plain.headers["ETag"] != drawn.headers["ETag"] and size_of(drawn) == (960, 540)
        assert client.get(address, CAPTIONS | {"size": "900"}).status_code == 404

    def test_music_off(self, client, project):
        self.post(client, project, "music", level="-24")
        project.refresh_from_db()
        assert project.music == {"is_on": False, "level_db": -24.0}
        assert self.post(client, project, "music", level="3").status_code == 422

    def test_without_scripts_it_leads_back(self, client, project):
        address = reverse("pipeline:composer_music", args=[project.pk])
        assert client.post(address, {"level": "-24"}).headers["Location"].endswith("#panel-video_composition")

    def test_format(self, client, project):
        client.post(reverse("pipeline:composer_format", args=[project.pk]), {"aspect": "1:1"})
        project.refresh_from_db()
        assert project.aspect == "1:1"
        assert "6 pictures are drawn again" in panel_of(client, project)


class TestState:
    def get(self, client, project) -> str:
        return client.get(reverse("pipeline:composer_state", args=[project.pk])).content.decode()

    def test_all_is_due_before_the_first_composition(self, client, project):
        page = self.get(client, project)
        assert "parts are made anew" in page and 'data-remade=""' in page

    def test_scenes_whose_parts_are_missing_are_named(self, client, project):
        script = project.scripts.get()
        timeline = previews.present_timeline(project, script)
        hashes = {
            path: path.stem for path in [scene.media for scene in timeline.scenes] + [clip.path for clip in timeline.speech]
        }
        hashes[timeline.music.path] = timeline.music.path.stem
        plan = plan_make(timeline, timeline_captions(timeline), hashes)
        for part in plan.segments:
            path = segment_path(segments_dir(), part.key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"made")
        sound = sound_path(segments_dir(), plan.sound_key)
        sound.parent.mkdir(parents=True, exist_ok=True)
        sound.write_bytes(b"made")
        assert "Every part is there already" in self.get(client, project)
        act(client, project, "change", position=2, motion="push_in")
        page = self.get(client, project)
        assert 'data-remade="3"' in page and "(scene 3)" in page

    def test_somebody_elses_is_not_there(self, client, project):
        other = factories.ProjectFactory.create()
        factories.with_script(other)
        assert client.get(reverse("pipeline:composer_state", args=[other.pk])).status_code == 404

    def test_quality_codec_and_preview_go_with_the_task(self, client, project):
        address = reverse("pipeline:stage_run", args=[project.pk, "video_composition"])
        client.post(address, {"quality": "high", "codec": "av1"})
        task = project.tasks.get(task_type="video_composition")
        assert task.input_data == {"quality": "high", "codec": "av1"}
        Task.objects.filter(pk=task.pk).update(status=Task.Status.CANCELLED)
        client.post(address, {"preview": "1"})
        assert project.tasks.order_by("-created_at").first().input_data == {"preview": True}
