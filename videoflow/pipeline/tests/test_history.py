"""Finding, copying, putting aside and deleting projects."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from videoflow.pipeline import services
from videoflow.pipeline.housekeeping import sweep
from videoflow.pipeline.models import Asset, Project, Scene, Script, Speech
from videoflow.pipeline.services import project_delete, project_restore, session_is_kept
from videoflow.pipeline.store import asset_path
from videoflow.pipeline.tests import factories
from videoflow.sessions.models import WorkflowState
from videoflow.tasks.models import Task

pytestmark = pytest.mark.django_db

LIST = reverse("pipeline:project_list")


@pytest.fixture
def session(client):
    return factories.session_of(client)


def named(session, title: str, **facts) -> Project:
    return factories.ProjectFactory.create(session=session, title=title, **facts)


def act(client, name: str, project: Project):
    return client.post(reverse(f"pipeline:project_{name}", args=[project.pk]))


def titles(client, query: str = "") -> set[str]:
    return {card.project.title for card in client.get(LIST + query).context["cards"]}


class TestSearch:
    def test_finds_titles_and_lines_of_the_newest_script(self, client, session):
        moss, trains = named(session, "Moss on roofs"), named(session, "Night trains")
        factories.with_script(trains)
        old = factories.ScriptFactory.create(project=moss, version=1)
        factories.TurnFactory.create(script=old, position=0, text="All about zeppelins.")
        factories.TurnFactory.create(script=factories.ScriptFactory.create(project=moss, version=2), position=0, text="Green.")
        assert titles(client, "?q=moss") == {"Moss on roofs"}
        assert titles(client, "?q=GARDENING+films") == {"Night trains"}
        assert titles(client, "?q=night+gardening") == {"Night trains"}, "a word may be in the title, another in the script"
        assert titles(client, "?q=moss+gardening") == set()
        assert titles(client, "?q=zeppelins") == set(), "a version that was replaced is not searched"

    def test_shows_the_line_that_was_found(self, client, session):
        factories.with_script(named(session, "Night trains"))
        page = str(client.get(f"{LIST}?q=gardening").content, "utf-8")
        assert "Most gardening films would be glad" in page
        assert "Most gardening films" not in str(client.get(f"{LIST}?q=trains").content, "utf-8")

    def test_takes_any_text(self, client, session):
        named(session, "100 % <b>sure</b>")
        assert titles(client, "?q=100+%25") == {"100 % <b>sure</b>"}
        for odd in ("'", "\\", "_" * 500, "%25_"):
            assert client.get(f"{LIST}?q={odd}").status_code == 200

    def test_says_when_nothing_fits_and_leads_back(self, client, session):
        named(session, "Moss")
        page = str(client.get(f"{LIST}?q=zebra").content, "utf-8")
        assert "Nothing found" in page and "Show all projects" in page

    def test_the_palette_finds_the_creators_own(self, client, session):
        named(session, "Moss on roofs")
        named(factories.CreatorSessionFactory.create(), "Moss of a stranger")
        page = str(client.get(reverse("pipeline:project_find"), {"q": "moss"}).content, "utf-8")
        assert "Moss on roofs" in page and "stranger" not in page and "<html" not in page


class TestFilters:
    @pytest.fixture
    def zoo(self, session):
        running = named(session, "running")
        factories.task_running(running, "media_generation", 20, "Drawing")
        failed = named(session, "failed")
        factories.task_failed(failed, "media_generation", "No room")
        mended = named(session, "mended")
        factories.task_failed(mended, "media_generation", "No room", created_at=timezone.now() - timedelta(hours=1))
        factories.task_done(mended, "media_generation", "Done")
        finished = factories.project_finished(session)
        Project.objects.filter(pk=finished.pk).update(title="finished")
        published = factories.project_finished(session)
        Project.objects.filter(pk=published.pk).update(title="published")
        factories.with_publication(published, published.videos.get(), settings.VIDEOFLOW_DATA)
        named(session, "archived", archived_at=timezone.now())
        named(session, "deleted", deleted_at=timezone.now())
        yield
        for project in Project.objects.all():
            project_delete(project=project)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("", {"running", "failed", "mended", "finished", "published"}),
            ("running", {"running"}),
            ("failed", {"failed"}),
            ("finished", {"finished", "published"}),
            ("published", {"published"}),
            ("archived", {"archived"}),
            ("deleted", {"deleted"}),
            ("nonsense", {"running", "failed", "mended", "finished", "published"}),
        ],
    )
    def test_ok(self, client, zoo, status, expected):
        response = client.get(f"{LIST}?status={status}")
        assert {card.project.title for card in response.context["cards"]} == expected
        counted = {name: count for name, _, count, _ in response.context["tabs"]}
        assert counted.get(status, counted[""]) == len(expected), "the tab says how many stand behind it"


class TestDelete:
    def test_puts_it_out_of_sight_and_undo_brings_it_back(self, client, session):
        project = factories.project_finished(session)
        task = factories.task_running(project, "video_composition", 30, "Encoding")
        WorkflowState.objects.create(session=session, active_project=project)
        asset = project.assets.first()
        page = client.post(reverse("pipeline:project_delete", args=[project.pk]), follow=True)
        assert "was deleted" in str(page.content, "utf-8")
        assert titles(client) == set()
        for hidden in (
            reverse("pipeline:project_detail", args=[project.pk]),
            reverse("pipeline:asset_file", args=[asset.pk, asset.name]),
        ):
            assert client.get(hidden).status_code == 404
        task.refresh_from_db()
        assert task.status == Task.Status.CANCELLED
        assert project.title not in str(client.get(reverse("tasks:task_list")).content, "utf-8")
        assert WorkflowState.objects.get().active_project_id is None
        undo = reverse("pipeline:project_restore", args=[project.pk])
        assert f'action="{undo}"' in str(page.content, "utf-8")
        client.post(undo)
        assert titles(client) == {project.title}
        assert asset_path(asset).exists()

    def test_asks_where_scripts_are_off(self, client, session):
        project = factories.project_finished(session)
        page = str(client.get(reverse("pipeline:project_delete", args=[project.pk])).content, "utf-8")
        assert "had back for a day" in page
        assert Project.objects.get().deleted_at is None

    def test_housekeeping_deletes_for_good_after_a_day(self, client, session):
        project = factories.project_finished(session)
        path = asset_path(project.assets.first())
        act(client, "delete", project)
        list(sweep())
        assert Project.objects.filter(pk=project.pk).exists(), "it can still be had back"
        Project.objects.update(deleted_at=timezone.now() - timedelta(hours=25))
        assert ("projects deleted more than a day ago", 1) in {(swept.what, swept.count) for swept in sweep(dry_run=True)}
        assert Project.objects.filter(pk=project.pk).exists()
        list(sweep())
        assert not Project.objects.filter(pk=project.pk).exists()
        assert not path.exists()

    def test_what_was_taken_back_while_the_sweep_went_on_stays(self, session, monkeypatch):
        projects = [named(session, title, deleted_at=timezone.now() - timedelta(hours=25)) for title in ("One", "Two")]
        deleted: list[str] = []

        def delete(*, project: Project) -> None:
            deleted.append(project.title)
            for other in projects:
                project_restore(project=other)

        monkeypatch.setattr(services, "project_delete", delete)
        assert services.projects_sweep() == len(deleted) == 1

    def test_for_good_at_once_only_from_the_deleted_ones(self, client, session):
        project = factories.project_finished(session)
        assert act(client, "purge", project).status_code == 404
        act(client, "delete", project)
        assert "cannot be undone" in str(client.get(reverse("pipeline:project_purge", args=[project.pk])).content, "utf-8")
        assert act(client, "purge", project).status_code == 302
        assert not Project.objects.exists()

    def test_does_not_keep_its_session_alive(self, client, session):
        project = factories.project_finished(session)
        assert session_is_kept(session=session)
        act(client, "delete", project)
        assert not session_is_kept(session=session)


class TestArchive:
    def test_ok(self, client, session):
        project = named(session, "Moss")
        act(client, "archive", project)
        assert titles(client) == set()
        assert titles(client, "?status=archived") == {"Moss"}
        assert client.get(reverse("pipeline:project_detail", args=[project.pk])).status_code == 200
        act(client, "restore", project)
        assert titles(client) == {"Moss"}


@pytest.mark.parametrize("name", ["delete", "archive", "restore", "duplicate", "purge"])
class TestOwner:
    def test_a_strangers_project_is_a_404(self, client, session, name):
        stranger = factories.ProjectFactory.create(deleted_at=timezone.now() if name == "purge" else None)
        assert act(client, name, stranger).status_code == 404
        assert client.post(reverse(f"pipeline:project_{name}", args=[uuid4()])).status_code == 404
        assert Project.objects.get() == stranger


class TestDuplicate:
    def test_copies_everything_but_the_video_and_shares_the_files(self, client, session):
        project = factories.project_finished(session)
        music = project.assets.get(kind="music")
        Project.objects.filter(pk=project.pk).update(music={"asset_id": str(music.pk)}, publish_draft={"title": "x"})
        scene = project.scenes.first()
        scene.candidates.add(project.scenes.last().asset)
        response = act(client, "duplicate", project)
        copy = Project.objects.exclude(pk=project.pk).get()
        assert response.url == reverse("pipeline:project_detail", args=[copy.pk])
        assert copy.title == f"{project.title} (copy)"
        assert (copy.videos.count(), copy.publish_draft) == (0, {})
        old, new = Script.objects.get(project=project), Script.objects.get(project=copy)
        assert [turn.text for turn in new.turns.all()] == [turn.text for turn in old.turns.all()]
        assert Speech.objects.filter(turn__script=new).count() == 6
        assert {asset.project_id for asset in _assets_of(copy)} == {copy.pk}
        assert {asset.path for asset in _assets_of(copy)} == {asset.path for asset in _assets_of(project)}
        assert Scene.objects.get(script=new, position=0).candidates.get().project_id == copy.pk
        assert copy.assets.get(pk=copy.music["asset_id"]).path == music.path
        themes = set(copy.reports.get().themes.values_list("pk", flat=True))
        assert set(copy.tasks.get(task_type="script_generation").input_data["theme_ids"]) <= themes
        assert copy.reports.get().themes.first().videos.count() == 4

    def test_the_copy_stands_where_the_original_stands(self, client, session):
        project = factories.project_finished(session)
        page = act(client, "duplicate", project)
        board = client.get(page.url).context["board"]
        states = {state.name: state.state for state in board.stages}
        assert [states[name] for name in ("trending_analysis", "script_generation", "media_generation")] == ["completed"] * 3
        assert states["video_composition"] == "idle"

    def test_deleting_either_leaves_the_files_of_the_other(self, client, session):
        project = factories.project_finished(session)
        act(client, "duplicate", project)
        copy = Project.objects.exclude(pk=project.pk).get()
        project_delete(project=project)
        assert all(asset_path(asset).exists() for asset in copy.assets.all())

    def test_an_empty_project_can_be_copied(self, client, session):
        assert act(client, "duplicate", named(session, "x" * 200)).status_code == 302
        assert Project.objects.count() == 2


def _assets_of(project: Project) -> list[Asset]:
    speech = [speech.asset for speech in Speech.objects.filter(turn__script__project=project)]
    return speech + [scene.asset for scene in project.scenes.all()]


class TestWhereTheyLeftOff:
    def test_the_start_page_leads_back_to_the_step(self, client, session):
        project = named(session, "Moss")
        factories.with_script(project)
        named(session, "Newer")
        opened = reverse("pipeline:panel_opened", args=[project.pk])
        assert client.post(opened, {"panel": "script_generation"}).status_code == 204
        response = client.get("/")
        assert response.context["last"].project == project
        address = reverse("pipeline:project_detail", args=[project.pk])
        assert f'href="{address}#panel-script_generation"' in str(response.content, "utf-8")
        assert [card.project.title for card in response.context["recent"]] == ["Newer"]

    def test_an_unknown_step_is_refused(self, client, session):
        opened = reverse("pipeline:panel_opened", args=[named(session, "Moss").pk])
        assert client.post(opened, {"panel": "../x"}).status_code == 400
        assert Project.objects.get().last_panel == ""

    def test_running_work_is_drawn_with_its_bar(self, client, session):
        task = factories.task_running(named(session, "Moss"), "media_generation", 42, "Drawing scene 3 of 9")
        page = str(client.get("/", headers={"HX-Request": "true", "HX-Target": "last"}).content, "utf-8")
        assert f'data-task-bar="{task.pk}"' in page and "Drawing scene 3 of 9" in page
        assert "<html" not in page

    def test_nobody_has_left_off_on_a_first_visit(self, client):
        page = str(client.get("/").content, "utf-8")
        assert "Continue where you left off" not in page


class TestPreferences:
    URL = reverse("pipeline:preferences")

    def test_are_kept_for_every_device(self, client, session):
        response = client.post(self.URL, {"language": "de", "notifications": "on"})
        assert response.url == reverse("pipeline:settings")
        session.refresh_from_db()
        assert session.preferences == {"language": "de", "notifications": True, "auto_save": False, "single_keys": False}
        page = str(client.get(response.url).content, "utf-8")
        assert '<html lang="de" data-off="auto_save.single_keys"' in page

    def test_an_unknown_language_is_none(self, client, session):
        client.post(self.URL, {"language": "xx"})
        session.refresh_from_db()
        assert "language" not in session.preferences
        assert '<html lang="en"' in str(client.get("/").content, "utf-8")
