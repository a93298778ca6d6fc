from django.urls import path

from videoflow.tasks import views

app_name = "tasks"
urlpatterns = [
    path("tasks/", views.task_list, name="task_list"),
    path("tasks/<uuid:task_id>/cancel/", views.cancel, name="task_cancel"),
    path("tasks/<uuid:task_id>/retry/", views.retry, name="task_retry"),
    path("progress/<uuid:session_id>/events", views.events, name="events"),
]
