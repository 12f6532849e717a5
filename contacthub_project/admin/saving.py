"""Model admins that write through our own API, in the same process, as the signed-in person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.forms import AdminForm, Fieldline

from contacthub_project.admin.api_client import Api, Reply
from contacthub_project.admin.api_form import (
    VERSION,
    ApiModelForm,
    RefusedByApi,
    as_json,
    camel_case,
)
from contacthub_project.admin.confirmation import Confirmation
from contacthub_project.admin.context import StaffContext, WorkspaceContext, staff_context
from contacthub_project.admin.refusals import refusal_text
from contacthub_project.admin.sign_in.reauthentication import ANY, hold_form
from contacthub_project.admin.workspace import current_workspace
from contacthub_project.api.exception_handler import answer
from contacthub_project.core.errors import ContacthubError


class SavesThroughApi:
    """Mixin of model admins: save_model, delete_model and delete_queryset call the API.

    The API's errors become errors of the form, with what was typed. `sensitive` has the acts
    ("add", "change", "delete", names of actions) that need a recent authentication, with what
    they do, for people.
    """

    api_path: ClassVar[str] = ""  # of the collection, below the workspace
    update_method: ClassVar[str] = "PUT"
    sensitive: ClassVar[Mapping[str, Any]] = {}
    form = ApiModelForm

    def get_api_path(self, request: HttpRequest, obj: Model | None = None) -> str:
        """Return the path of the collection, or of an object of it."""
        office: WorkspaceContext = self.office(request)  # type: ignore[attr-defined]
        return f"{office.path}{self.api_path}" + (f"/{obj.pk}" if obj is not None else "")

    def get_api_body(self, request: HttpRequest, form: Any, current: Any) -> dict[str, Any]:
        """Return the document to be sent; `current` is the API's own, None for a new object."""
        return (current or {}) | {
            camel_case(name): as_json(value)
            for name, value in form.cleaned_data.items()
            if name != VERSION
        }

    def get_api_query(self, request: HttpRequest, form: Any) -> dict[str, str]:
        """Return the query of the write."""
        return {}

    def api(self, request: HttpRequest) -> Api:
        api: Api = self.staff(request).api  # type: ignore[attr-defined]
        return api

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        known = {
            "refusal": getattr(request, "refusal", None),
            "office": current_workspace(request),
        }
        return type(form.__name__, (form,), known)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show or save the form; not in a transaction: the API's actions own theirs."""
        if request.method != "POST":
            response: HttpResponseBase = super().changeform_view(  # type: ignore[misc]
                request, object_id, form_url, extra_context
            )
            return response
        vars(helpers).update(AdminForm=AdminForm, Fieldline=Fieldline)  # as unfold's own does
        act = "add" if object_id is None else "change"
        held_back = hold_form(request, self.sensitive_act(act))
        if held_back is not None:
            return held_back
        parts = (request, object_id, form_url, extra_context)
        try:
            return self._changeform_view(*parts)  # type: ignore[attr-defined, no-any-return]
        except RefusedByApi as refused:
            if refused.reply.status == 404 and object_id is not None:
                raise
            request.refusal = refused  # type: ignore[attr-defined]
            return self._changeform_view(*parts)  # type: ignore[attr-defined, no-any-return]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Confirm, then delete; errors of the API appear on the same page."""
        held_back = hold_form(request, self.sensitive_act("delete"))
        if held_back is not None:
            return held_back
        obj = self.get_object(request, object_id)  # type: ignore[attr-defined]
        confirmation = self.deletion_of(obj) if obj is not None else None
        if confirmation is not None and self.has_delete_permission(request, obj):  # type: ignore[attr-defined]
            page = confirmation.page(request, self, obj)
            if page is not None:
                return page
        try:
            return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined, no-any-return]
        except RefusedByApi as refused:
            messages.error(request, failure_text(request, refused.reply))
            return HttpResponseRedirect(request.get_full_path())

    def deletion_of(self, obj: Model) -> Confirmation:
        """Return the confirmation of a deletion."""
        return Confirmation(
            title=gettext("Delete {obj}?").format(obj=obj),
            what=gettext("It is deleted for good."),
            action=gettext("Delete"),
        )

    def sensitive_act(self, act: str) -> dict[str, str | Promise]:
        """Return the argument of `hold_form` for an act of this class."""
        return {ANY: str(self.sensitive[act])} if act in self.sensitive else {}

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Create or change the object by the API; raises RefusedByApi."""
        api, path = self.api(request), self.get_api_path(request, obj if change else None)
        current = None
        if change:
            known = api.get(path)
            if not known.is_good:
                raise RefusedByApi(known)
            current = known.json
        body, query = self.get_api_body(request, form, current), self.get_api_query(request, form)
        method = self.update_method if change else "POST"
        version = form.cleaned_data.get(VERSION) if change else None
        reply = api.write(method, path, body, query=query, version=version)
        if not reply.is_good:
            raise self._refused(request, reply, obj, form)
        if not change:
            obj.pk = self.new_key(reply)
            obj._state.adding = False
        self.saved(request, obj, reply)

    def new_key(self, reply: Reply) -> Any:
        """Return the primary key of an object that the API has made."""
        return UUID(reply.json["id"])

    def saved(self, request: HttpRequest, obj: Model, reply: Reply) -> None:
        """Called with the API's answer after the object was saved."""
        request.api_reply = reply  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write nothing: relations are part of the document."""

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete the object by the API; raises RefusedByApi."""
        reply = self.api(request).write("DELETE", self.get_api_path(request, obj))
        if not reply.is_good:
            raise RefusedByApi(reply)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete each by the API; show a message for refused ones."""
        for obj in queryset:
            try:
                self.delete_model(request, obj)
            except RefusedByApi as refused:
                text = failure_text(request, refused.reply)
                messages.error(request, format_html("{}: {}", str(obj), text))

    def change_each(
        self, request: HttpRequest, queryset: QuerySet[Any], values: Mapping[str, Any]
    ) -> int:
        """Give each object the values; tell of those that are refused; return how many changed."""
        api, done = self.api(request), 0
        for obj in queryset:
            path = self.get_api_path(request, obj)
            reply = api.get(path)
            if reply.is_good:
                reply = api.write(self.update_method, path, reply.json | dict(values))
            if reply.is_good:
                done += 1
            else:
                text = failure_text(request, reply)
                messages.error(request, format_html("{}: {}", str(obj), text))
        return done

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return the objects only: dependent rows may be millions."""
        count = {str(self.model._meta.verbose_name_plural): len(objs)}  # type: ignore[attr-defined]
        return [str(each) for each in objs], count, set(), []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Write nothing: the audit log has the change, with what was there before."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Write nothing, as above."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Write nothing, as above."""

    def _refused(self, request: HttpRequest, reply: Reply, obj: Model, form: Any) -> RefusedByApi:
        refused = RefusedByApi(reply)
        saved = self.get_object(request, str(obj.pk)) if reply.status == 412 else None  # type: ignore[attr-defined]
        if saved is not None:
            refused.saved_version = saved.version
            refused.differences = list(_differences(form, type(form)(instance=saved)))
        return refused


@contextmanager
def failures_as_refusals() -> Iterator[None]:
    """Raise RefusedByApi for failures of actions that no operation of the API calls."""
    try:
        yield
    except ContacthubError as failure:
        response = answer(failure)
        raise RefusedByApi(Reply(response.status_code, response)) from None


def _differences(typed: Any, saved: Any) -> Any:
    """Yield label, saved and typed text of the fields that differ."""
    for name, field in typed.fields.items():
        bound, initial = typed[name], saved.get_initial_for_field(saved.fields[name], name)
        if name != VERSION and field.has_changed(initial, bound.data):
            text = initial if not isinstance(initial, list) else ", ".join(map(str, initial))
            yield str(bound.label), str(text or ""), str(bound.data or "")


def failure_text(request: HttpRequest, reply: Reply) -> SafeString:
    """Return the API's error, its faults and the remedy, as one text."""
    visitor: StaffContext = current_workspace(request) or staff_context(request)
    return refusal_text(visitor, reply)
