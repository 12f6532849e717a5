"""What ends sessions and tokens, whoever does it and by whatever way."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_refresh_token_model,
    set_token_value,
)

from configuration.actions.attribution import attributed_to
from configuration.actions.users import issue_access_token, remove_member, set_roles
from configuration.actions.workspaces import delete_workspace
from configuration.models import Membership, StaffChange, User
from contacthub_project.api import oauth2
from contacthub_project.messaging.shared_version import shared_version
from customers.api import waiting
from tests.back_office.office import Staff
from tests.client import ApiClient
from tests.contacthub_project.test_oauth2 import REDIRECT, ask, basic, make_client
from tests.factories import HOUR, Hub, make_user

Application = get_application_model()


class Access:
    """Every way in that a person may have."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.browser = Client(headers={"host": "localhost"})
        self.browser.force_login(user)
        self.personal = issue_access_token(user, lasting=HOUR)
        self.script, self.secret = make_client(user, "client-credentials")
        self.of_script = self.new_script_token().json()["access_token"]
        self.application, _ = make_client(
            make_user("CLAB_OPERATOR"), "authorization-code", "public"
        )
        refresh = get_refresh_token_model()(
            user=user, application=self.application, token_family=uuid.uuid4()
        )
        self.refresh_token = f"refresh {user.pk}"
        set_token_value(refresh, self.refresh_token)
        refresh.save()
        self.code = get_grant_model().objects.create(
            user=user, application=self.application, code=f"code {user.pk}", redirect_uri=REDIRECT,
            expires=timezone.now() + HOUR, scope="hub",
        )  # fmt: skip

    def new_script_token(self) -> Any:
        return ask("token", {"grant_type": "client_credentials"}, **basic(self.script, self.secret))

    @property
    def open(self) -> set[str]:
        """The ways that are open."""
        page = self.browser.get(reverse("admin:configuration_apiclient_changelist"))
        tokens = {
            name: ApiClient(token).get("/me").status == 200
            for name, token in (("personal", self.personal), ("script", self.of_script))
        }
        return {
            name
            for name, is_open in {
                "session": page.status_code == 200,
                "refresh": get_refresh_token_model().objects.filter(user=self.user).exists(),
                "code": get_grant_model().objects.filter(user=self.user).exists(),
                **tokens,
            }.items()
            if is_open
        }


ALL = {"session", "refresh", "code", "personal", "script"}


def by_action(user: User) -> None:
    set_roles(user, roles=["USER"], is_active=True)


def by_saving(user: User) -> None:
    user.roles = ["USER"]
    user.save()


def by_query(user: User) -> None:
    User.objects.filter(id=user.id).update(roles=["USER"])
    shared_version.advance()


def by_sql(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE configuration_user SET roles = '{USER}' WHERE id = %s", [user.id])
    time.sleep(settings.PRINCIPAL_CACHE_SECONDS + 0.1)  # as on another machine


def new_password(user: User) -> None:
    user.set_password("correct horse battery")
    user.save(update_fields=["password"])


def lock_out(user: User) -> None:
    set_roles(user, roles=user.roles, is_active=False)


def close_back_office(user: User) -> None:
    user.is_staff = False
    user.save()


def removal(user: User) -> None:
    remove_member(user, user.memberships.get().workspace_id)


def removal_by_query(user: User) -> None:
    user.memberships.all().delete()


WAYS: list[Callable[[User], None]] = [
    by_action, by_saving, by_query, by_sql, new_password, lock_out, close_back_office, removal,
    removal_by_query,
]  # fmt: skip


def changed(way: Callable[[User], None], user: User) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        way(user)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_ends_all_sessions_and_tokens(hub: Hub, way: Callable[[User], None]) -> None:
    person = Access(Staff(hub, "CLAB_OPERATOR").user)
    colleague = Access(Staff(hub, "CLAB_OPERATOR").user)
    assert person.open == colleague.open == ALL
    changed(way, person.user)
    assert person.open == set()
    assert colleague.open == ALL, "nobody else is concerned"
    # They stay ended when the person gets back what they had.
    with TestCase.captureOnCommitCallbacks(execute=True):
        Membership.objects.get_or_create(user=person.user, workspace=hub.workspace)
        User.objects.filter(id=person.user.id).update(
            roles=["CLAB_OPERATOR"], is_active=True, is_staff=True
        )
    assert person.open == set()
    assert person.new_script_token().status_code == 200, "the client is still theirs"


def test_other_changes_end_nothing(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    person = Access(staff.user)
    other_workspace = Hub().workspace
    with TestCase.captureOnCommitCallbacks(execute=True):
        staff.user.name = "Another"
        staff.user.save()
        hub.admin.put(f"{hub.configuration}/users/{staff.user.id}", {"nodes": []})
        Membership.objects.create(user=staff.user, workspace=other_workspace)
    assert person.open == ALL
    # Who worked in a workspace that is deleted goes on elsewhere.
    with TestCase.captureOnCommitCallbacks(execute=True):
        delete_workspace(other_workspace)
        Membership.objects.filter(workspace=other_workspace).delete()
    assert person.open == ALL
    assert not StaffChange.objects.filter(path=staff.user.username, summary="Person let out")


def test_an_old_row_written_back_opens_nothing(hub: Hub) -> None:
    person = Access(Staff(hub, "ADMIN").user)
    read_before = User.objects.get(id=person.user.id)
    changed(by_action, person.user)
    read_before.save()
    assert person.open == set()


def test_a_demoted_operator_keeps_none_of_djangos_own_pages(hub: Hub) -> None:
    operator = Staff(hub, "CLAB_OPERATOR")
    pages = [reverse(f"admin:{name}_changelist") for name in (
        "django_celery_beat_periodictask", "configuration_senduserdatabase",
    )]  # fmt: skip
    for page in pages:
        assert operator.client.get(page, HTTP_HOST="localhost").status_code == 200
    changed(by_saving, operator.user)
    again = Client(headers={"host": "localhost"})
    again.force_login(User.objects.get(id=operator.user.id))
    for page in pages:
        assert again.get(page).status_code in {302, 403}
        assert again.post(page + "add/", {}).status_code in {302, 403}
    assert not operator.user.has_perms(["oauth2_provider.add_application"])


def test_clients_are_made_for_oneself_alone(hub: Hub) -> None:
    operator = Staff(hub, "CLAB_OPERATOR")
    for name in ("application", "accesstoken", "refreshtoken", "grant", "idtoken"):
        for path in (f"/admin/oauth2_provider/{name}/", f"/admin/oauth2_provider/{name}/add/"):
            assert operator.client.get(path, HTTP_HOST="localhost").status_code == 404
    new = {"name": "Mine", "authorization_grant_type": "client-credentials",
           "user": str(make_user("CLAB_OPERATOR").id)}  # fmt: skip
    admin = Staff(hub, "ADMIN")
    admin.client.post(reverse("admin:configuration_apiclient_add"), new, HTTP_HOST="localhost")
    assert Application.objects.get().user == admin.user


def test_every_change_is_in_the_audit_log(hub: Hub, capsys: Any) -> None:
    operator, person = Staff(hub, "CLAB_OPERATOR"), Staff(hub, "ADMIN").user

    def noted() -> list[tuple[Any, ...]]:
        rows = StaffChange.objects.filter(path=person.username).order_by("id")
        return list(rows.values_list("summary", "user_id", "workspace_id", "before", "after"))

    known = len(noted())
    before, after = ({"roles": [role], "active": True} for role in ("ADMIN", "USER"))
    here = (operator.user.id, hub.workspace.id)
    standing = {"roles": ["USER"], "is_active": "on", f"node_{hub.node.id.hex}": "RW"}
    standing[f"node_{hub.other_node.id.hex}"] = "RW"
    operator.submit_admin("configuration_user_change", person.id, **standing)
    operator.submit_admin(
        "configuration_user_set_password", person.id, password="correct horse battery"
    )
    operator.submit_admin("configuration_user_remove_from_workspace", person.id, post="yes")
    assert noted()[known:] == [
        ("Roles changed", *here, before, after),
        ("Password set", *here, None, None),
        ("Person let out", *here, None, None),
    ]
    # By other ways nobody is named, and operators read of it.
    person.refresh_from_db()
    by_query(person)
    User.objects.filter(id=person.id).update(roles=["CLAB_OPERATOR"])
    call_command("createsuperuser", username="root", interactive=False, verbosity=0, stdout=capsys)
    assert noted()[-1] == (
        "Roles changed", None, None, after, {"roles": ["CLAB_OPERATOR"], "active": True},
    )  # fmt: skip
    made = StaffChange.objects.get(path="root")
    assert (made.summary, made.after["roles"]) == ("Person added", ["CLAB_OPERATOR"])
    assert (
        "root" in operator.open_admin("configuration_staffchange_changelist", place="outside").text
    )
    assert "root" not in Staff(hub, "ADMIN").audit_log()
    outside = Staff(hub, "ADMIN").open_admin(
        "configuration_staffchange_changelist", place="outside"
    )
    assert "root" not in outside
    assert "Roles changed" in Staff(hub, "ADMIN").audit_log()


def test_a_change_is_noted_as_its_transactions_only(hub: Hub) -> None:
    operator, person = make_user("CLAB_OPERATOR"), make_user("USER")
    with attributed_to(operator, workspace_id=hub.workspace.id):
        pass
    by_action(person)
    User.objects.filter(id=person.id).update(roles=[])
    assert StaffChange.objects.filter(path=person.username, user=operator).count() == 0


def test_a_code_or_session_that_ends_meanwhile_gives_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = Staff(hub, "ADMIN")
    client, secret = make_client(staff.user, "authorization-code")
    verifier = "v" * 43
    query = {
        "response_type": "code", "client_id": client.client_id, "redirect_uri": REDIRECT,
        "scope": "hub", "code_challenge_method": "S256", "allow": "Authorize",
        "code_challenge": challenge_of(verifier),
    }  # fmt: skip
    held = oauth2._locked_person

    def meanwhile(person_id: Any) -> Any:
        """Somebody else has changed the person just before they are held."""
        User.objects.filter(id=staff.user.id).update(roles=[str(next(roles))])
        return held(person_id)

    roles = iter(["USER", "GUEST", "USER"])
    staff.client.get("/oauth2/authorize/", query, HTTP_HOST="localhost")
    with monkeypatch.context() as patch:
        patch.setattr(oauth2, "_locked_person", meanwhile)
        refused = staff.client.post("/oauth2/authorize/", query, HTTP_HOST="localhost")
        assert "error=access_denied" in refused["Location"]
    assert not get_grant_model().objects.exists()
    staff.client.force_login(User.objects.get(id=staff.user.id))
    agreed = staff.client.post("/oauth2/authorize/", query, HTTP_HOST="localhost")
    code = agreed["Location"].split("code=")[1].split("&")[0]
    exchange = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
        "code_verifier": verifier,
    }  # fmt: skip
    monkeypatch.setattr(oauth2, "_locked_person", meanwhile)
    answer = ask("token", exchange, **basic(client, secret))
    assert (answer.status_code, json.loads(answer.content)["error"]) == (400, "invalid_grant")
    assert not get_access_token_model().objects.filter(user=staff.user).exists()


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_who_changes_their_own_password_goes_on_here_and_nowhere_else(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    staff.user.set_password("correct horse battery")
    staff.user.save()
    here, elsewhere = (Client(headers={"host": "localhost"}) for _ in range(2))
    for browser in (here, elsewhere):
        browser.force_login(staff.user)
    form = {
        "old_password": "correct horse battery",
        "new_password1": "battery horse correct",
        "new_password2": "battery horse correct",
    }
    assert here.post("/admin/password_change/", form).status_code == 302
    assert here.get(reverse("admin:configuration_apiclient_changelist")).status_code == 200
    assert elsewhere.get(reverse("admin:configuration_apiclient_changelist")).status_code == 302


def test_a_stream_ends_with_its_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "KEEP_ALIVE_SECONDS", 0.05)
    hub.post_customer()
    user = make_user("ADMIN", workspaces=(hub.workspace,))
    client = ApiClient(issue_access_token(user, lasting=HOUR))
    answer = client.stream(f"{hub.path}/updates", Accept="text/event-stream")
    begun = [next(answer) for _ in range(3)]
    assert b"retry" in begun[0]
    assert any(b"data:" in part for part in begun)
    changed(new_password, user)
    started = time.monotonic()
    rest = list(answer)
    assert time.monotonic() - started < 5
    assert not any(b"data:" in part for part in rest)


def test_an_answer_that_is_waited_for_ends_with_its_token(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user("ADMIN", workspaces=(hub.workspace,))
    client = ApiClient(issue_access_token(user, lasting=HOUR))
    path, empty = f"{hub.path}/updates", {"offset": 10**9, "wait": 1}
    assert client.get(path, query=empty | {"wait": 0}).status == 200
    read = waiting.read_page

    def changed_meanwhile(*arguments: Any, **options: Any) -> Any:
        page = read(*arguments, **options)
        changed(new_password, user)
        return page

    monkeypatch.setattr(waiting, "read_page", changed_meanwhile)
    assert client.get(path, query=empty).status == 401
