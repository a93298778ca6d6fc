import pytest
from django.urls import reverse

from videoflow.pipeline.editing import music, scenes_media
from videoflow.pipeline.editing.library import library_page
from videoflow.pipeline.editing.steps import undo
from videoflow.pipeline.models import Asset, Project, Scene
from videoflow.pipeline.panels.media import tile_of, tiles_of, wave_of
from videoflow.pipeline.store import asset_path
from videoflow.pipeline.tests.factories import (
    AssetFactory,
    ProjectFactory,
    asset_make,
    image_bytes,
    session_of,
    task_failed,
    with_media,
    with_script,
)
from videoflow.providers.embedded_pictures import EmbeddedPictures
from videoflow.render import peaks_read
from videoflow.sessions.models import CreatorSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(client) -> Project:
    project = ProjectFactory.create(session=session_of(client))
    script = with_script(project)
    with_media(project, script)
    for turn in script.turns.all():  # as the stage leaves it: every word has its times
        texts = turn.text.split()
        step = turn.measured_seconds / len(texts)
        turn.words = [[text, index * step, (index + 1) * step] for index, text in enumerate(texts)]
        turn.save()
    return project


@pytest.fixture
def scene(project) -> Scene:
    return at(project, 2)


def at(project: Project, position: int) -> Scene:
    scene = scenes_media.scene_of(project, project.scenes.get(position=position).key)
    assert scene is not None
    return scene


def other(project: Project, name: str = "other.jpg") -> Asset:
    return asset_make(
        project, kind="image", name=name, content=image_bytes(320, 180, "#123456", name), width_px=320, height_px=180
    )


def act(client, scene: Scene, name: str, **data: str):
    return client.post(reverse(f"pipeline:media_{name}", args=[scene.project_id, scene.key]), data, HTTP_HX_REQUEST="true")


def panel(client, project: Project) -> str:
    return client.get(reverse("pipeline:panel", args=[project.pk, "media_generation"])).content.decode()


def test_tiles_stand_in_order_and_say_their_state(client, project):
    script = project.scripts.get()
    project.scenes.filter(position=1).update(is_locked=True)
    scenes_media.picture_use(scene=at(project, 2), asset=other(project))
    scenes_media.picture_use(scene=at(project, 3), asset=AssetFactory.create(project=project, origin=Asset.UPLOAD))
    script.turns.filter(position=4).update(text="Other words entirely.")
    tiles = tiles_of(project, script)
    assert [tile.number for tile in tiles] == [1, 2, 3, 4, 5, 6]
    assert [tile.state for tile in tiles] == ["ready", "locked", "chosen", "yours", "stale", "ready"]
    page = panel(client, project)
    assert "Words changed" in page
    assert "Brought by you" in page


def test_tile_has_the_words_heard_while_it_is_seen(project):
    first = project.scripts.get().turns.get(position=0)
    scene = at(project, 0)
    said = tile_of(project, scene).said
    assert said
    assert first.text.startswith(said)
    assert len(said) < len(first.text) or first.measured_seconds < scene.seconds


def test_queries_do_not_grow_with_the_scenes(client, project, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        panel(client, project)
    script = project.scripts.get()
    with django_assert_max_num_queries(8):
        tiles_of(project, script)


def test_choose_restore_and_undo(client, scene):
    first, second = scene.asset, other(scene.project)
    page = act(client, scene, "choose", asset=str(second.pk))
    assert page.status_code == 200
    assert "vf:edited" in page.headers["HX-Trigger"]
    assert at(scene.project, 2).asset == second
    act(client, scene, "restore")
    assert at(scene.project, 2).asset == first
    undo(scene.project)
    assert at(scene.project, 2).asset == second
    assert set(scene.candidates.all()) == {first, second}


def test_lock_from_the_tile_answers_with_the_tile(client, scene):
    address = reverse("pipeline:media_lock", args=[scene.project_id, scene.key])
    tile = f"tile-{scene.key}"
    page = client.post(address, {"lock": "1"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET=tile).content.decode()
    assert page.startswith("<li")
    assert f'id="{tile}"' in page
    assert "Locked" in page
    assert at(scene.project, 2).is_locked
    assert client.post(address, {"unlock": "1"}).url == reverse("pipeline:media_scene", args=[scene.project_id, scene.key])
    assert not at(scene.project, 2).is_locked


def test_another_picture_is_drawn_for_the_same_words(client, scene):
    first = scene.asset
    scene.project.look = dict(EmbeddedPictures().look(topic="Forests", keywords=["forest"], seed=3))
    scene.project.save()
    page = act(client, scene, "redraw")
    assert page.status_code == 200, page.content.decode()
    now = at(scene.project, 2)
    assert now.asset != first
    assert now.made == first
    assert (now.asset.origin, now.asset.licence != "", now.asset.width_px) == ("embedded", True, now.asset.width_px)
    assert set(now.candidates.all()) == {first, now.asset}


def test_edited_lines_are_spoken_before_their_picture_is_drawn(client, scene):
    scene.project.scripts.get().turns.filter(position=1).update(text="Not spoken yet.")
    page = act(client, scene, "redraw")
    assert page.status_code == 422
    assert "Update the media first" in page.content.decode()


def test_library_holds_other_projects_and_each_picture_once(client, scene):
    elsewhere = ProjectFactory.create(session=scene.project.session, title="Elsewhere")
    picture = asset_make(elsewhere, kind="image", name="mine.jpg", content=image_bytes(64, 36, "#111111"), origin=Asset.UPLOAD)
    scenes_media.asset_adopt(project=scene.project, asset=picture)
    strange = AssetFactory.create()
    sessions = CreatorSession.objects.filter(pk=scene.project.session_id)
    shown = library_page(sessions, "picture").assets
    assert [asset.sha256 for asset in shown].count(picture.sha256) == 1
    assert shown[0].sha256 == picture.sha256
    assert strange not in shown
    address = reverse("pipeline:media_library", args=[scene.project_id])
    assert "Use: mine.jpg" in client.get(address, {"scene": str(scene.key), "own": "1"}).content.decode()
    act(client, scene, "choose", asset=str(picture.pk))
    used = at(scene.project, 2).asset
    assert (used.project_id, used.sha256, used.origin) == (scene.project_id, picture.sha256, Asset.UPLOAD)


def test_strangers_meet_nothing(client, scene):
    theirs = AssetFactory.create()
    assert act(client, scene, "choose", asset=str(theirs.pk)).status_code == 404
    stranger = ProjectFactory.create()
    with_media(stranger, with_script(stranger))
    foreign = at(stranger, 0)
    assert client.get(reverse("pipeline:media_scene", args=[stranger.pk, foreign.key])).status_code == 404
    for name in ("redraw", "choose", "restore", "lock"):
        assert act(client, foreign, name).status_code == 404
    for name in ("media_library", "media_music", "upload_new"):
        assert client.get(reverse(f"pipeline:{name}", args=[stranger.pk])).status_code in (404, 405)
        assert client.post(reverse(f"pipeline:{name}", args=[stranger.pk])).status_code in (404, 405)


def test_description_is_kept_and_two_writers_meet(client, scene):
    address = reverse("pipeline:media_describe", args=[scene.project_id, scene.asset_id])
    json = {"HTTP_ACCEPT": "application/json"}
    revision = scenes_media.asset_revision(scene.asset)
    saved = client.post(address, {"alt": "A tree in a pot", "revision": revision}, **json)
    assert saved.json()["revision"] != revision
    stale = client.post(address, {"alt": "Mine", "revision": revision}, **json)
    assert (stale.status_code, stale.json()["theirs"]) == (409, {"alt": "A tree in a pot"})
    scene.asset.refresh_from_db()
    assert scene.asset.alt == "A tree in a pot"
    assert client.post(address, {"licence": "mine"}, **json).status_code == 422  # it is not the creator's file
    assert client.post(address, {"alt": "x" * 501}, **json).status_code == 422


def test_mood_is_laid_over_the_whole_video_and_can_be_undone(client, project):
    before = music.music_shown(project)
    page = client.post(reverse("pipeline:media_music", args=[project.pk]), {"mood": "tech"}, HTTP_HX_REQUEST="true")
    assert page.status_code == 200
    project.refresh_from_db()
    bed = music.music_shown(project)
    assert bed is not None
    assert bed.seconds == pytest.approx(project.scripts.get().media_seconds, abs=0.01)
    assert bed.peaks
    assert (music.mood_of(project), bed == before) == ("tech", False)
    undo(project)
    project.refresh_from_db()
    assert music.music_shown(project) == before
    refused = client.post(reverse("pipeline:media_music", args=[project.pk]), {"mood": "polka"}, HTTP_HX_REQUEST="true")
    assert (refused.status_code, "polka" in refused.content.decode()) == (422, True)


def test_failed_stage_says_what_is_missing_and_offers_the_rest(client):
    project = ProjectFactory.create(session=session_of(client))
    with_media(project, with_script(project), count=2, done=False)
    task_failed(project, "media_generation", "The disk is full.")
    page = panel(client, project)
    assert "Not drawn" in page
    assert "Draw the missing ones" in page
    assert page.count('id="tile-open-') == 2


def test_waveform_is_small_and_follows_the_sound(tmp_path, project):
    speech = project.scripts.get().turns.first().speech.asset
    peaks = peaks_read(asset_path(speech))
    assert len(str(peaks)) < 2000
    drawn = wave_of([0, 50, 100], project.scripts.get().turns.first())
    assert drawn.width == 9
    assert drawn.bars.count("M") == 3
    assert len(drawn.times.split()) == len(project.scripts.get().turns.first().words)
