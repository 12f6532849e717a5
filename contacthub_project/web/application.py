"""The ASGI application: receives requests, runs their handlers in threads, sends the responses."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
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
from contacthub_project.runtime.blocking import work_by
from contacthub_project.runtime.metrics import count_refused
from contacthub_project.web.bodies import (
    ANONYMOUS_BYTES,
    Body,
    ClientDisconnected,
    Receive,
    announced_length,
)
from contacthub_project.web.handlers import ActionKind, ApiHandler, PagesHandler
from contacthub_project.web.responses import ClientGone, Send, send_response
from contacthub_project.web.uploads import (
    PAGES,
    FormRead,
    UnreadForm,
    check_signed_in,
    received_form,
)
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
            await _handle_lifespan(receive, send)
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
                # Needs no work: the path or the method is unknown, or it is an OPTIONS request.
                response = self.api.answer(request)
            else:
                response = await self._operate(request, operation, body, work)
        except ContacthubError as refusal:
            request.refusal = refusal
            response = self.api.answer(request)
        await _send(request, response, body, send, work, refuse=self.api.answer)

    async def _operate(
        self, request: Request, operation: Operation, body: Body, work: Work
    ) -> HttpResponseBase:
        """Read the body of a request and return the response of its action."""
        if operation.takes_upload and request.content_type == MULTIPART and body.length != 0:
            return await self._take_upload(request, body, work)
        if body.length != 0:
            await _read_body(request, body, work, operation)
        return await self._run_action(request, operation, body, work)

    async def _take_upload(self, request: Request, body: Body, work: Work) -> HttpResponseBase:
        """Return the response to a form with a file, which is received if the action reads it."""
        request.set_body(UnreadForm())
        try:
            return await work.run(partial(self.api.answer, request))
        except FormRead:
            pass
        again = Request(request.scope)
        again.started, again.quota = request.started, request.quota
        async with received_form(body, work) as form:
            again.set_body(form)
            return await work.run_begun(partial(self.api.answer, again))

    async def _run_action(
        self, request: Request, operation: Operation, body: Body, work: Work
    ) -> HttpResponseBase:
        """Return the response of an action.

        Run in a thread, or in the event loop if a coroutine.
        """
        match self.api.kind_of(request, operation):
            case ActionKind.COROUTINE:
                return await work.run_coroutine(partial(self.api.answer_async, request))
            case ActionKind.WAITING:
                work_by(work.run)
                return await body.until_disconnected(self.api.answer_async(request))
            case _:
                return await work.run(partial(self.api.answer, request))

    async def _serve_page(self, request: Request, receive: Receive, send: Send) -> None:
        is_upload = request.content_type == MULTIPART and _page_name(request) in PAGES
        work = Work(WorkClass.UPLOAD if is_upload else WorkClass.PAGES, _address(request))
        body = Body(receive, 0)
        try:
            self._check_load(work.work_class)
            body.length = announced_length(request.META)
            response = await self._answer_page(request, body, work)
        except ContacthubError as refusal:
            request.refusal = refusal
            response = self.pages.refuse(request)
        await _send(request, response, body, send, work, refuse=self.pages.refuse)

    async def _answer_page(self, request: Request, body: Body, work: Work) -> HttpResponseBase:
        answer = partial(self.pages.answer, request)
        if body.length == 0:
            return await work.run(answer)
        if work.work_class is WorkClass.UPLOAD:
            await work.run(partial(check_signed_in, request))
            async with received_form(body, work) as form:
                request.set_body(form)
                return await work.run_begun(answer)
        await _read_form(request, body, work)
        return await work.run(answer)

    def _operation(self, request: Request) -> Operation | None:
        """Return the requested operation; None if there is none."""
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
    """Send a response; if it is a stream that may not begin, the response made by `refuse`."""
    try:
        await _send_answer(request, response, body, send, work)
    except ContacthubError as refusal:  # nothing has been sent yet
        request.refusal = refusal
        await _send_answer(request, refuse(request), body, send, work)


async def _send_answer(
    request: Request, response: HttpResponseBase, body: Body, send: Send, work: Work
) -> None:
    """Send a response; raises TooManyWaiting when it is a stream that may not begin."""
    if response.status_code == 413 and "HTTP_EXPECT" not in request.META:
        await body.drain()
    sending = send_response(response, send, work)
    if not body.is_taken:
        # The rest of the body belongs to this request: the connection cannot be used again.
        response.headers["Connection"] = "close"
        await sending
    elif response.streaming:
        await body.until_disconnected(sending)
    else:
        await sending


async def _read_body(request: Request, body: Body, work: Work, operation: Operation) -> None:
    """Read the body of an API request; large ones only of authenticated clients."""

    async def admit() -> None:
        if not request.META.get("HTTP_AUTHORIZATION"):
            raise Unauthorized
        await work.run(partial(authenticate, request))

    request.set_body(await body.read(operation.largest_body, admit))


async def _read_form(request: Request, body: Body, work: Work) -> None:
    """Read the body of a page's form."""

    async def admit() -> None:
        await work.run(partial(check_signed_in, request))

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


async def _handle_lifespan(receive: Receive, send: Send) -> None:
    """Respond to the server's lifespan events."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _stop_waiting_on_signals()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _stop_waiting_on_signals() -> None:
    """On SIGTERM and SIGINT respond to the requests that wait for changes.

    Servers wait for the requests that are under way, and notify the application afterwards.
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
