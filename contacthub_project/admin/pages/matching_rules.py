"""The page on which the matching rules of a node are changed."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_lazy

from configuration.domain.matching_policy import COUNTRIES, MOST_RULES
from configuration.queries.rules import rules_of
from contacthub_project.admin import matching_rules_form as rows
from contacthub_project.admin.api_client import Reply
from contacthub_project.admin.context import Refused, WorkspaceContext
from contacthub_project.admin.form_fields import forced
from contacthub_project.admin.site import page

UNDER_WAY = gettext_lazy("Its customers are being recognised anew.")


@page("settings/nodes/<uuid:node_id>/recognition/", "matching-rules")
def matching_rules(office: WorkspaceContext, node_id: Any) -> HttpResponseBase:
    """Change the rules by which a node recognises people, after a look at what it does."""
    path, form = f"/configuration/nodes/entries/{node_id}", office.request.POST
    known = office.api.get(f"{office.path}{path}/matching-rules")
    if not known.is_good:
        raise Refused(known)
    saved = rows.rules_of_api(known.json["rules"])
    rules, will_do = saved, None
    problems: list[dict[str, str]] = []
    if office.request.method == "POST":
        rules = rows.typed_rules(form)
        act = form.get("act")
        if act in {"look", "save"}:
            rules = rows.filled(rules)
            body = rows.body_of(rules)
            if act == "look" or form.get("looked") != _text(body):
                will_do = _what_it_does(office, node_id, body)
            else:
                reply = office.api.write(
                    "PUT", f"{office.path}{path}/matching-rules", body,
                    version=form.get("version"), query=forced(form),
                )  # fmt: skip
                if reply.is_good:
                    office.done(reply, _message_of(reply))
                    return office.go("node", node_id=node_id)
                if reply.faults:
                    rules, problems = rows.with_faults(rules, reply.faults)
                else:
                    office.done(reply, "")
            rules = rules or [rows.RuleRows()]
    workspace = rules_of(office.workspace_id)
    assert workspace is not None, "the page is of a workspace in which somebody works"
    return office.show(
        "matching_rules",
        gettext("How %s recognises people") % office.node_name(str(node_id)),
        rules=rules,
        problems=problems,
        will_do=will_do,
        is_changed=rows.body_of(rules) != rows.body_of(saved),
        groups=rows.choices_of(workspace.customer_schema, rules),
        normalizers=rows.NORMALIZERS,
        countries=sorted(COUNTRIES),
        country=workspace.country,
        may_add=len(rules) < MOST_RULES,
        version=form.get("version") or known.response.headers["ETag"].strip('"'),
        forced=form.get("force") == "on",
        back=office.url("node", node_id=node_id),
    )


def _message_of(reply: Reply) -> str:
    return (
        str(UNDER_WAY) if reply.status == HTTPStatus.ACCEPTED else gettext("The rules are changed.")
    )


def _what_it_does(office: WorkspaceContext, node_id: Any, body: Any) -> dict[str, Any]:
    """Return how many customers would be recognised anew, and the rules that were looked at."""
    totals = {each["id"]: each["customers"] for each in office.everything("/stats/nodes")}
    return {"customers": totals.get(str(node_id), 0), "looked": _text(body)}


def _text(body: Any) -> str:
    return json.dumps(body, sort_keys=True)
