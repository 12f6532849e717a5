"""Calls the API within the process as the signed-in person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import iscoroutine
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils import translation
from django.utils.translation import gettext

from configuration.models import User
from configuration.queries.principals import principal_of_user
from contacthub_project.admin.audit import record_change
from contacthub_project.api import BASE_PATH
from contacthub_project.api.operations import contract
from contacthub_project.api.requests import Request
from contacthub_project.runtime.blocking import run_blocking


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API."""

    status: int
    response: HttpResponseBase

    @property
    def is_good(self) -> bool:
        return self.status < 400

    @property
    def json(self) -> Any:
        content = getattr(self.response, "content", b"")
        return orjson.loads(content) if content else {}

    @property
    def message(self) -> str:
        """The error message, in one sentence."""
        return self.json.get("message") or gettext("Something went wrong")

    @property
    def faults(self) -> dict[str, str]:
        """The messages of faults by JSON pointer."""
        return {each["path"]: each["message"] for each in self.json.get("errors") or ()}


class Api:
    """The API with the permissions of one person."""

    def __init__(self, user: User) -> None:
        self._user = user

    @cached_property
    def principal(self) -> Any:
        return replace(principal_of_user(self._user), in_back_office=True)

    def may(self, method: str, template: str) -> bool:
        """Return whether the person's roles allow an operation of the contract."""
        operation = contract()[template].get(method)
        return operation is not None and operation.allows(self.principal.roles)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Reply:
        return self._call("GET", path, query=query)

    def call_dry(self, method: str, path: str, body: Any) -> Reply:
        """Ask what a change would do, with `dryRun`: nothing is written, and nothing recorded."""
        return self._call(method, path, json.dumps(body).encode(), query={"dryRun": "true"})

    def preview(self, path: str, body: Any) -> Reply:
        """Call a POST operation that writes nothing; nothing is recorded."""
        return self._call("POST", path, json.dumps(body).encode())

    def write(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: int | str | None = None,
        query: Mapping[str, Any] | None = None,
        subject: str | None = None,
    ) -> Reply:
        """Send a change, and record it in the audit log with the documents before and after.

        `version` is sent as `If-Match`. `subject` is the path of what a POST changes, where it
        may change something that is there. Operations that the API itself records (`is_noted`) are
        only called.
        """
        content = json.dumps(body).encode()  # not by orjson: numbers may have any size
        template = resolve(BASE_PATH + path).url_name or ""
        if contract()[template][method].is_noted:
            return self._call(method, path, content, version=version, query=query)
        about = path if method != "POST" else subject
        before = self._call("GET", about) if about is not None else None
        reply = self._call(method, path, content, version=version, query=query)
        if reply.is_good:
            record_change(
                self._user,
                method=method,
                path=path,
                before=before.json if before is not None and before.is_good else None,
                answer=reply.json,
                after=self._after(method, about),
            )
        return reply

    def upload(self, path: str, request: Any) -> Reply:
        """Pass a form with a file on unchanged."""
        reply = self._call("POST", path, form=request)
        if reply.is_good:
            record_change(
                self._user, method="POST", path=path, before=None, answer=reply.json, after=None
            )
        return reply

    def _after(self, method: str, path: str | None) -> Any:
        if method == "DELETE" or path is None:
            return None
        reply = self._call("GET", path)
        return reply.json if reply.is_good else None

    def _call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: Mapping[str, Any] | None = None,
        version: int | str | None = None,
        form: Any = None,
    ) -> Reply:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if version is not None:
            headers.append((b"if-match", f'"{version}"'.encode()))
        request = Request(
            {
                "type": "http",
                "method": method,
                "path": BASE_PATH + path,
                "query_string": urlencode(query or {}, doseq=True).encode(),
                "headers": headers,
                "server": ("localhost", 80),
                "scheme": "http",
            },
            body,
        )
        request.signed_in = self.principal  # type: ignore[attr-defined]
        if form is not None:
            # The file is read already, on disk: the form is handed over, not sent again.
            request.META["CONTENT_TYPE"] = request.content_type = "multipart/form-data"
            request._post, request._files = form.POST, form.FILES  # type: ignore[attr-defined]
        match = resolve(BASE_PATH + path)
        with translation.override(settings.LANGUAGE_CODE):  # as for all other clients
            response = match.func(request, *match.args, **match.kwargs)
            if iscoroutine(response):
                response = run_blocking(response)
        return Reply(response.status_code, response)
