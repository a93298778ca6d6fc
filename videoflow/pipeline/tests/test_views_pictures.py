import shutil

import pytest
from django.urls import reverse

from videoflow.errors import BadInput
from videoflow.pipeline.editing.scenes_media import picture_use
from videoflow.pipeline.editing.scenes_service import licence_waive, scene_ask
from videoflow.pipeline.editing.staleness import scene_is_outdated
from videoflow.pipeline.models import Asset, Project, Scene
from videoflow.pipeline.store import cache_dir
from videoflow.pipeline.tests.factories import ProjectFactory, session_of, task_failed, with_media, with_script
from videoflow.pipeline.tests.picture_service import chosen, serving
from videoflow.providers.picturing.found import NoPicture

pytestmark = pytest.mark.django_db(transaction=True)
HX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "scene-room"}


@pytest.fixture
def project(client) -> Project:
    project = ProjectFactory.create(session=session_of(client))
    with_media(project, with_script(project), count=3)
    shutil.rmtree(cache_dir("searches"))  # answers of services are kept for a day
    return project


def url(name: str, scene: Scene) -> str:
    return reverse(f"pipeline:{name}", args=[scene.project_id, scene.key])


def refused_candidate(scene: Scene) -> Asset:
    asset = scene.asset
    other = Asset.objects.create(
        **{name: getattr(asset, name) for name in ("project", "kind", "path", "sha256", "size_bytes", "width_px", "height_px")},
        origin="commons",
        name="scene-001-2.jpg",
        source_key="commons:image:1",
        credit="“Quay” by Eve on Wikimedia Commons",
        licence="CC BY-NC 4.0",
        licence_refused="it forbids commercial use",
        page_url="https://commons.wikimedia.org/wiki/File:Quay",
    )
    scene.candidates.add(other)
    return other


class TestShape:
    def test_a_services_picture_is_cropped_and_not_outdated_by_its_shape(self, project):
        scene = project.scenes.select_related("asset").first()
        turns = list(scene.script.turns.all())
        Asset.objects.filter(pk=scene.asset_id).update(width_px=1880, height_px=1253, fingerprint="0123456789abcdef")
        Scene.objects.filter(pk=scene.pk).update(made=scene.asset_id)
        scene = project.scenes.select_related("asset").first()
        assert not scene_is_outdated(project, scene, turns)
        project.aspect = "9:16"
        assert scene_is_outdated(project, scene, turns)


class TestAsk:
    def test_ok(self, client, project, settings):
        scene = project.scenes.first()
        with serving("pexels", settings):
            chosen(project, "pexels")
            page = client.get(url("media_scene", scene)).content.decode()
            assert "Another from Pexels" in page
            response = client.post(url("media_ask", scene), **HX)
        shown = response.content.decode()
        scene.refresh_from_db()
        assert response.status_code == 200
        assert (scene.asset.origin, scene.asset.licence) == ("pexels", "Pexels License")
        assert scene.asset.fetched_at is not None
        assert scene.asset.credit in shown
        assert "Why this one" in shown and scene.asset.relevance_why[:30] in shown
        assert scene.candidates.count() == 2

    def test_asked_again_it_is_another_one(self, project, settings):
        scene = project.scenes.first()
        with serving("pexels", settings):
            chosen(project, "pexels")
            first = scene_ask(scene=scene)
            second = scene_ask(scene=Scene.objects.get(pk=scene.pk))
        assert first.source_key != second.source_key

    def test_a_maker_is_asked_through_the_book_of_calls(self, project, settings):
        scene = project.scenes.first()
        with serving("openai", settings) as fake:
            chosen(project, "openai")
            asset = scene_ask(scene=scene)
            assert len(fake.requests) == 1
        [call] = project.provider_calls.all()
        assert (call.state, call.provider, call.capability) == ("done", "openai", "images")
        assert (asset.origin, asset.model) == ("openai", call.model)

    def test_a_service_that_has_nothing_says_so_in_the_scene(self, client, project, settings):
        scene = project.scenes.first()
        with serving("pexels", settings) as fake:
            chosen(project, "pexels")
            fake.route("GET", "/v1/(?:videos/)?search")(lambda asked: {"photos": [], "videos": []})
            with pytest.raises(NoPicture):
                scene_ask(scene=scene)
            response = client.post(url("media_ask", scene), **HX)
        assert response.status_code == 422
        assert "Pexels has nothing for “" in response.content.decode()
        scene.refresh_from_db()
        assert scene.asset.origin == "embedded"

    def test_without_a_key_it_says_where_to_give_one(self, client, project):
        chosen(project, "pexels")
        response = client.post(url("media_ask", project.scenes.first()), **HX)
        assert response.status_code == 422
        assert "Pexels needs a key" in response.content.decode()

    def test_where_pictures_are_drawn_there_is_no_such_button(self, client, project):
        scene = project.scenes.first()
        assert 'id="scene-ask"' not in client.get(url("media_scene", scene)).content.decode()
        assert client.post(url("media_ask", scene), **HX).status_code == 422

    def test_another_sessions_scene_is_not_there(self, client, project):
        other = ProjectFactory.create()
        with_media(other, with_script(other), count=1)
        scene = other.scenes.first()
        for name in ("media_ask", "media_waive"):
            assert client.post(url(name, scene), **HX).status_code == 404
            assert client.get(url(name, project.scenes.first())).status_code == 405


class TestInstead:
    def test_ok(self, client, project):
        chosen(project, "pexels")
        project.tasks.all().delete()
        sentence = "A scene has no picture. Scene 2: Pexels has nothing for “quay”."
        task = task_failed(project, "media_generation", sentence, code="NO_PICTURE")
        panel = client.get(reverse("pipeline:panel", args=[project.pk, "media_generation"])).content.decode()
        address = reverse("pipeline:media_instead", args=[project.pk])
        assert sentence in panel
        assert address in panel
        client.post(address)
        project.refresh_from_db()
        task.refresh_from_db()
        assert project.providers["images"] == {"service": "pexels", "options": {}, "fallback": True}
        assert task.status in ("pending", "retrying")

    def test_where_nothing_waits_for_it_nothing_changes(self, client, project):
        chosen(project, "pexels")
        page = client.post(reverse("pipeline:media_instead", args=[project.pk]), follow=True).content.decode()
        assert "The media are not waiting for this any more." in page
        project.refresh_from_db()
        assert project.providers["images"]["fallback"] is False


class TestWaive:
    def test_ok(self, client, project):
        scene = project.scenes.first()
        other = refused_candidate(scene)
        page = client.get(url("media_scene", scene)).content.decode()
        assert "it forbids commercial use" in page
        assert "I may use it: show it" in page
        response = client.post(url("media_waive", scene), {"asset": str(other.pk)}, **HX)
        scene.refresh_from_db()
        assert response.status_code == 200
        assert scene.asset_id == other.pk
        assert scene.asset.licence_waived_at is not None
        assert "taken on yourself" in response.content.decode()

    def test_unasked_it_cannot_be_shown(self, client, project):
        scene = project.scenes.first()
        other = refused_candidate(scene)
        with pytest.raises(BadInput, match="stands against it"):
            picture_use(scene=scene, asset=other)
        response = client.post(url("media_choose", scene), {"asset": str(other.pk)}, **HX)
        assert response.status_code == 422
        licence_waive(asset=other)
        picture_use(scene=scene, asset=other)
        scene.refresh_from_db()
        assert scene.asset_id == other.pk
