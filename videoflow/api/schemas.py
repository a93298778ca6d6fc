"""The shapes of requests and replies; the OpenAPI document is made from them."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from videoflow.pipeline import stages

if TYPE_CHECKING:
    TaskType = str
    Component = str
else:  # the stages that are there, so that a new one is a file of its own and nothing here
    TaskType = Literal[tuple(stage.name for stage in stages.load())]
    Component = Literal[tuple(stage.component for stage in stages.load())]
Status = Literal["pending", "in_progress", "retrying", "completed", "failed", "cancelled"]
Priority = Literal["low", "normal", "high"]
Theme = Literal["light", "dark", "system"]

Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
"""An id in a request. A malformed one is a 404 like a foreign one, so it is not checked here."""
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
ApiKey = Annotated[
    str,
    Field(
        description="Write-only: kept in the vault, read back as “…last4”. Sending that back changes nothing.",
        json_schema_extra={"minLength": 8, "maxLength": 600, "pattern": "^[!-~]+$"},  # checked by the vault
    ),
]

SESSION_ID = "7e57d004-2b97-4e7a-b45f-5387367791cd"
TASK_ID = "0b6e3a4e-9a52-4f0b-8f0e-3d6f0d3f2f11"
PROJECT_ID = "3f0c1c7a-6a3e-4f93-9a55-0a8f5b1f2c77"
MOMENT = "2026-01-05T09:30:00Z"


class Request(BaseModel):
    """A body: unknown fields are refused, and nothing is taken for another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


# Errors ------------------------------------------------------------------------------------------------------------------


class Error(Reply):
    """Every refusal."""

    error_code: str
    message: str = Field(description="One sentence a creator can act on.")
    details: dict[str, Any]
    timestamp: Time
    retryable: bool = Field(description="Whether the same request can succeed later.")


# Sessions ----------------------------------------------------------------------------------------------------------------


class PreferencesChange(Request):
    """What is given is merged; ``null`` deletes one."""

    theme: Theme | None = None
    auto_save: bool | None = None
    notifications: bool | None = None
    openai_api_key: ApiKey | None = None
    youtube_api_key: ApiKey | None = None
    gemini_api_key: ApiKey | None = None


class Preferences(Reply):
    theme: Theme
    auto_save: bool
    notifications: bool
    openai_api_key: str | None = Field(description="“…last4” of the stored key.")
    youtube_api_key: str | None
    gemini_api_key: str | None


class WorkflowFacts(Reply):
    current_step: TaskType
    completed_steps: list[TaskType]
    active_project_id: Id | None
    form_data: dict[str, Any]


class SessionCreate(Request):
    preferences: PreferencesChange | None = None


class SessionChange(Request):
    model_config = ConfigDict(json_schema_extra={"examples": [{"preferences": {"theme": "dark", "openai_api_key": None}}]})

    preferences: PreferencesChange


SESSION_EXAMPLE: dict[str, Any] = {
    "session_id": SESSION_ID,
    "preferences": {
        "theme": "system",
        "auto_save": True,
        "notifications": True,
        "openai_api_key": "…a1b2",
        "youtube_api_key": None,
        "gemini_api_key": None,
    },
    "workflow_state": {
        "current_step": "trending_analysis",
        "completed_steps": [],
        "active_project_id": None,
        "form_data": {},
    },
    "created_at": MOMENT,
    "expires_at": "2026-01-06T09:30:00Z",
    "last_activity": MOMENT,
}


class Session(Reply):
    model_config = ConfigDict(json_schema_extra={"examples": [SESSION_EXAMPLE]})

    session_id: Id
    preferences: Preferences
    workflow_state: WorkflowFacts
    created_at: Time
    expires_at: Time | None = Field(description="Slides with each activity; null for a session of a signed-in user.")
    last_activity: Time


class NewSession(Session):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{**SESSION_EXAMPLE, "access_token": "shown-once-7Yp0cPzq3yM6p1x0aQ9vJ2wB8sK4dT5f"}]}
    )

    access_token: str = Field(description="Shown once; send it as “Authorization: Bearer …”.")


class WorkflowFactsChange(Request):
    current_step: TaskType = "trending_analysis"
    completed_steps: list[TaskType] = Field(default_factory=list, max_length=len(stages.load()))
    active_project_id: Id | None = None
    form_data: dict[str, Any] = Field(default_factory=dict)


class WorkflowChange(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"workflow_state": {"current_step": "script_generation", "completed_steps": ["trending_analysis"]}},
            ]
        }
    )

    workflow_state: WorkflowFactsChange


class WorkflowState(Reply):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "session_id": SESSION_ID,
                    "workflow_state": {**SESSION_EXAMPLE["workflow_state"], "active_project_id": PROJECT_ID},
                    "last_updated": MOMENT,
                }
            ]
        }
    )

    session_id: Id
    workflow_state: WorkflowFacts
    last_updated: Time


class UIStateChange(Request):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"form_data": {"topic": "Tiny forests"}, "ui_state": {"open": "notes"}, "auto_save": True}]
        }
    )

    form_data: dict[str, Any] = Field(default_factory=dict)
    ui_state: dict[str, Any] = Field(default_factory=dict)
    auto_save: bool = True


class UIState(Reply):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "session_id": SESSION_ID,
                    "component_name": "script_generator",
                    "form_data": {"topic": "Tiny forests"},
                    "ui_state": {"open": "notes"},
                    "auto_save": True,
                    "last_updated": MOMENT,
                    "revision": 3,
                }
            ]
        }
    )

    session_id: Id
    component_name: Component
    form_data: dict[str, Any]
    ui_state: dict[str, Any]
    auto_save: bool
    last_updated: Time
    revision: int


# Tasks -------------------------------------------------------------------------------------------------------------------


class TaskSubmit(Request):
    session_id: Id
    input_data: dict[str, Any] = Field(description="As the task type's schema has it.")
    priority: Priority = "normal"


class NoFields(Request):
    """A body is not needed; an empty object is taken."""


TASK_EXAMPLE: dict[str, Any] = {
    "task_id": TASK_ID,
    "session_id": SESSION_ID,
    "project_id": PROJECT_ID,
    "task_type": "script_generation",
    "status": "in_progress",
    "priority": "normal",
    "progress": 42,
    "message": "Speaking turn 12 of 30",
    "input_data": {"input_type": "theme", "theme_ids": [7]},
    "result_data": None,
    "created_at": MOMENT,
    "started_at": MOMENT,
    "completed_at": None,
    "retry_count": 0,
    "estimated_seconds_remaining": 21,
    "error": None,
}


class Task(Reply):
    model_config = ConfigDict(json_schema_extra={"examples": [TASK_EXAMPLE]})

    task_id: Id
    session_id: Id
    project_id: Id
    task_type: TaskType
    status: Status
    priority: Priority
    progress: int = Field(ge=0, le=100)
    message: str
    input_data: dict[str, Any]
    result_data: dict[str, Any] | None
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    retry_count: int = Field(ge=0, le=3)
    estimated_seconds_remaining: int | None
    error: Error | None


class TaskList(Reply):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tasks": [TASK_EXAMPLE], "total": 1, "limit": 20, "offset": 0, "has_more": False}]}
    )

    tasks: list[Task]
    total: int
    limit: int
    offset: int
    has_more: bool


class TaskFilters(BaseModel):
    """The query of the list of tasks."""

    model_config = ConfigDict(extra="forbid")

    session_id: Id
    status: Status | None = None
    task_type: TaskType | None = None
    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=2**31 - 1)
