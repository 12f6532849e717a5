"""The ASGI application: takes requests in, has them answered in threads, sends the answers."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

import structlog
from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from contacthub_project.api import BASE_PATH
from contacthub_project.api.authentication import authenticate, client_address
from contacthub_project.api.middleware import effective_method
from contacthub_project.api.operations import LARGEST_BODY, Operation
from contacthub_project.api.requests import MULTIPART, Request
from contacthub_project.core.errors import ContacthubError, Unauthorized, Unavailable
from contacthub_project.core.work_class import WorkClass
from contacthub_project.messaging.pubsub import subscriber
from contacthub_project.runtime.concurrency import work_by
from contacthub_project.runtime.metrics import count_refused
from contacthub_project.web.bodies import (
    ANONYMOUS_BYTES,
    Body,
    ClientDisconnected,
    Receive,
    announced_length,
)
from contacthub_project.web.handlers import ApiHandler, PagesHandler
from contacthub_project.web.responses import ClientGone, Send, send_response
from contacthub_project.web.uploads import PAGES, ThreadedBody, check_signed_in
from contacthub_project.web.work import Work

log = structlog.get_logger("contacthub.web")


class Application:
    """Runs under any ASGI server; one for each process."""

    def __init__(self) -> None:
        self.api = ApiHandler()
        self.pages = PagesHandler()
        self.requests = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not served")
        request = Request(scope)
        request.started = time.perf_counter()
        self.requests += 1
        try:
            if request.path_info.startswith(BASE_PATH):
                await self._serve_api(request, receive, send)
            else:
                await self._serve_page(request, receive, send)
        except ClientDisconnected:
            pass
        except ClientGone:
            log.info("the client does not read its answer")
        finally:
            self.requests -= 1

    async def _serve_api(self, request: Request, receive: Receive, send: Send) -> None:
        operation = self._operation(request)
        match = request.resolver_match
        key = None if match is None else match.kwargs.get("workspace_id")
        work_class = WorkClass.CONFIGURATION if operation is None else operation.work_class
        work = Work(work_class, key or _address(request))
        body = Body(receive, 0)
        try:
            self._check_load(work_class)
            body.length = announced_length(request.META)
            if operation is None:
                # There is nothing to do: the path or the method is unknown, or it is a question.
                response = self.api.answer(request)
            else:
                if body.length != 0:
                    await _take_in(request, body, work, operation)
                if self._is_coroutine(request, operation):
                    work_by(work.run)
                    response = await body.unless_gone(self.api.answer_async(request))
                else:
                    response = await work.run(partial(self.api.answer, request))
        except ContacthubError as refusal:
            request.refusal = refusal
            response = self.api.answer(request)
        await _send(request, response, body, send, work, refuse=self.api.answer)

    @staticmethod
    def _is_coroutine(request: Request, operation: Operation) -> bool:
        view: Any = request.resolver_match.func if request.resolver_match else None
        return iscoroutinefunction(getattr(view.cls, view.actions[operation.method.lower()]))

    async def _serve_page(self, request: Request, receive: Receive, send: Send) -> None:
        is_upload = request.content_type == MULTIPART and _page_name(request) in PAGES
        work = Work(WorkClass.UPLOAD if is_upload else WorkClass.PAGES, _address(request))
        body = Body(receive, 0)
        try:
            self._check_load(work.work_class)
            body.length = announced_length(request.META)
            if body.length != 0:
                await _take_in_form(request, body, work)
            response = await work.run(partial(self.pages.answer, request))
        except ContacthubError as refusal:
            request.refusal = refusal
            response = self.pages.refuse(request)
        await _send(request, response, body, send, work, refuse=self.pages.refuse)

    def _operation(self, request: Request) -> Operation | None:
        """The operation that is asked for; None if there is none."""
        match = self.api.route(request)
        if match is None:
            return None
        method = effective_method(request) or ""
        operations: Mapping[str, Operation] = match.func.initkwargs["operations"]  # type: ignore[attr-defined]
        return operations.get("GET" if method == "HEAD" else method)

    def _check_load(self, work_class: WorkClass) -> None:
        if self.requests > settings.WEB_REQUESTS and work_class is not WorkClass.HEALTH:
            count_refused(work_class, "requests")
            raise Unavailable("Too many requests are being served; try again", retry_after=2)


async def _send(
    request: Request,
    response: HttpResponseBase,
    body: Body,
    send: Send,
    work: Work,
    *,
    refuse: Callable[[Request], HttpResponseBase],
) -> None:
    """Send an answer; what `refuse` makes of the request when it streams and may not begin."""
    try:
        await _send_answer(request, response, body, send, work)
    except ContacthubError as refusal:  # nothing is sent yet
        request.refusal = refusal
        await _send_answer(request, refuse(request), body, send, work)


async def _send_answer(
    request: Request, response: HttpResponseBase, body: Body, send: Send, work: Work
) -> None:
    """Send an answer; raises TooManyWaiting when it streams and may not begin."""
    if response.status_code == 413 and "HTTP_EXPECT" not in request.META:
        await body.drain()
    sending = send_response(response, send, work)
    if not body.is_taken:
        # What may still come belongs to no further request.
        response.headers["Connection"] = "close"
        await sending
    elif response.streaming:
        await body.unless_gone(sending)
    else:
        await sending


async def _take_in(request: Request, body: Body, work: Work, operation: Operation) -> None:
    """Read what a request of the API carries; what is large only from those who are known."""

    async def admit() -> None:
        if not request.META.get("HTTP_AUTHORIZATION"):
            raise Unauthorized
        await work.run(partial(authenticate, request))

    if operation.takes_upload and request.content_type == MULTIPART:
        request.set_body(ThreadedBody(body))
    else:
        request.set_body(await body.read(operation.largest_body, admit))


async def _take_in_form(request: Request, body: Body, work: Work) -> None:
    """Read what a form of a page carries."""

    async def admit() -> None:
        await work.run(partial(check_signed_in, request))

    if work.work_class is WorkClass.UPLOAD:
        await admit()
        request.set_body(ThreadedBody(body))
        return
    is_anonymous = settings.SESSION_COOKIE_NAME not in request.COOKIES
    limit = ANONYMOUS_BYTES if is_anonymous else LARGEST_BODY
    request.set_body(await body.read(limit, None if is_anonymous else admit))


def _page_name(request: Request) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _address(request: Request) -> str:
    return str(client_address(request))


async def _live(receive: Receive, send: Send) -> None:
    """Answer the server's questions about beginning and end."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _stop_waiting_on_signals()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _stop_waiting_on_signals() -> None:
    """When the process is told to end, answer those who wait for changes.

    Servers wait for the requests that are under way, and tell the application afterwards.
    """
    loop = asyncio.get_running_loop()

    def chained(before: Any) -> Callable[..., None]:
        def handle(number: int, frame: Any) -> None:
            loop.call_soon_threadsafe(subscriber.stop)
            if callable(before):
                before(number, frame)

        return handle

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, chained(signal.getsignal(number)))
