"""What is changed on a customer's card itself: tags, and whether a subscription is on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_bulk import LONGEST_TAG
from contacthub_project.admin.site import page


@page("customers/<uuid:customer_id>/tags/", "customer-tags")
def change_tags(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Give a customer a tag of `add`, or take the tag of `remove` away."""
    form, back = office.request.POST, office.go("customer", customer_id=customer_id)
    added, removed = form.get("add", "").strip(), form.get("remove", "")
    if office.request.method != "POST" or not (added or removed):
        return back
    if len(added) > LONGEST_TAG:
        messages.error(
            office.request,
            gettext("A tag has at most {longest_tag} characters.").format(longest_tag=LONGEST_TAG),
        )
        return back
    person = office.get(f"/customers/{customer_id}")
    tags = list((person["tags"] or {}).get("manual") or [])
    kept = [each for each in tags if each != removed]
    if added and added not in kept:
        kept.append(added)
    if kept != tags:
        reply = office.api.write(
            "PATCH",
            f"{office.path}/customers/{customer_id}",
            {"tags": {"manual": kept}},
            version=person["version"],
        )
        office.done(
            reply,
            gettext("The tag {added} is set.").format(added=added)
            if added
            else gettext("The tag {removed} is gone.").format(removed=removed),
        )
    return back


@page("customers/<uuid:customer_id>/subscription/", "customer-subscription")
def switch_subscription(office: WorkspaceContext, customer_id: Any) -> HttpResponseBase:
    """Switch the subscription of `id` on or off; `on` is what it shall be."""
    form, back = office.request.POST, office.go("customer", customer_id=customer_id)
    if office.request.method != "POST":
        return back
    person = office.get(f"/customers/{customer_id}")
    known = person["base"].get("subscriptions") or []
    chosen = next((each for each in known if each["id"] == form.get("id")), None)
    if chosen is None:
        messages.error(office.request, gettext("There is no such subscription any more."))
        return back
    changed = {"id": chosen["id"], "subscribed": form.get("on") == "true"}
    reply = office.api.write(
        "PATCH",
        f"{office.path}/customers/{customer_id}",
        {"base": {"subscriptions": [changed]}},
        version=person["version"],
    )
    name = chosen.get("name") or chosen["id"]
    office.done(
        reply,
        gettext("{name} is {state}.").format(
            name=name, state=gettext("on") if changed["subscribed"] else gettext("off")
        ),
    )
    return back
