"""Educations, jobs and likes as resources below a customer.

The published contract has removed these operations; older clients still call them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema, extend_schema_view

from contacthub_project.api.components import Schema
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.date_format import Positions
from customers.actions.list_elements import (
    EDUCATIONS,
    JOBS,
    LIKES,
    ElementList,
    add_element,
    element_with,
    remove_element,
    replace_element,
)
from customers.actions.validation import CUSTOMER_BYTES
from customers.api import schema
from customers.api.scoping import CustomerScopedViewSet
from customers.queries.documents import document_of, element_moments


class ListElementViewSet(CustomerScopedViewSet):
    """The elements of one list of a customer's `base`, which have ids."""

    elements: ElementList

    async def list(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Return all elements, in their order."""
        known = await self.readable_elements(customer_id)
        return JsonResponse({"elements": [self.complete(each) for each in known]})

    async def create(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """Add an element."""
        customer, _ = await self.awritable_row(customer_id)
        body = self.body(limit=CUSTOMER_BYTES)
        added = await add_element(
            self.workspace, customer, self.elements, body=body, by=self.caller
        )
        return JsonResponse(self.complete(added), status=201)

    async def retrieve(
        self, request: HttpRequest, workspace_id: str, customer_id: str, item_id: str
    ) -> JsonResponse:
        """Return one element by its id."""
        found = element_with(await self.readable_elements(customer_id), item_id)
        if found is None:
            raise self.elements.not_found(item_id)
        return JsonResponse(self.complete(found))

    async def update(
        self, request: HttpRequest, workspace_id: str, customer_id: str, item_id: str
    ) -> JsonResponse:
        """Replace an element."""
        customer, _ = await self.awritable_row(customer_id)
        body = self.body(limit=CUSTOMER_BYTES)
        # The response holds only what was sent, so callers that may write may see it.
        replaced = await replace_element(
            self.workspace, customer, self.elements, item_id, body=body, by=self.caller
        )
        return JsonResponse(self.complete(replaced))

    async def destroy(
        self, request: HttpRequest, workspace_id: str, customer_id: str, item_id: str
    ) -> JsonResponse:
        """Remove an element."""
        customer, _ = await self.awritable_row(customer_id)
        await remove_element(self.workspace, customer, self.elements, item_id, by=self.caller)
        return JsonResponse({})

    async def readable_elements(self, customer_id: str) -> Sequence[Any]:
        """Return the customer's elements; none when the workspace has disabled the list.

        Raises NotFound, Forbidden.
        """
        row = await self.areadable_row(customer_id)
        if not self.workspace.customer_schema.has(self.elements.path):
            return []
        return self.elements.of(document_of(row))

    def complete(self, element: Mapping[str, Any]) -> dict[str, Any]:
        """Return every property of the element, absent ones null."""
        return self.workspace.customer_schema.complete_element(self.elements.name, element)

    def moments(self) -> Positions:
        """Return the positions of timestamps in an element, and in a list of them."""
        element = element_moments(self.workspace.customer_schema, self.elements.name)
        return {**element, "elements": (element,)} if isinstance(element, dict) else None


def _described(element: Schema, elements: Schema) -> Callable[[type], type]:
    """Return a decorator that describes the operations of a list by the schemas of its parts."""
    body = {"application/json": element}
    return extend_schema_view(
        list=extend_schema(responses={200: elements}, deprecated=True),
        create=extend_schema(request=body, responses={201: element}, deprecated=True),
        retrieve=extend_schema(responses={200: element}, deprecated=True),
        update=extend_schema(request=body, responses={200: element}, deprecated=True),
        destroy=extend_schema(responses={200: schema.NOTHING}, deprecated=True),
    )


@_described(schema.EDUCATION, schema.EDUCATIONS)
class EducationViewSet(ListElementViewSet):
    """A customer's educations."""

    elements = EDUCATIONS


@_described(schema.JOB, schema.JOBS)
class JobViewSet(ListElementViewSet):
    """A customer's jobs."""

    elements = JOBS


@_described(schema.LIKE, schema.LIKES)
class LikeViewSet(ListElementViewSet):
    """A customer's likes."""

    elements = LIKES
