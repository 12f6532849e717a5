"""Pages are in the language of the person; the API is in English whoever asks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.management import call_command
from django.test import Client
from django.utils import translation

from configuration.admin.staff_change import summary_text
from configuration.models import Workspace
from contacthub_project.admin.model_names import APPS
from customers.admin.rule_options import rule_options
from customers.models import ConsentLogEntry
from tests.back_office.office import Staff
from tests.client import ApiClient
from tests.factories import Hub, make_token

pytestmark = pytest.mark.django_db

SCRIPTS = Path(settings.BASE_DIR) / "contacthub_project/static/office"
BUILDER = SCRIPTS / "rule_builder.js"
ITALIAN = {"HTTP_ACCEPT_LANGUAGE": "it-IT,it;q=0.9", "HTTP_HOST": "localhost"}


def language_of(html: str) -> str:
    found = re.search(r'<html\s[^>]*?lang="([a-z]+)', html)
    assert found is not None
    return found[1]


@pytest.fixture
def staff(hub: Hub) -> Staff:
    return Staff(hub, "ADMIN")


def page(staff: Staff, **headers: str) -> str:
    answer = staff.client.get(staff.url("dashboard"), **({"HTTP_HOST": "localhost"} | headers))
    assert answer.status_code == 200
    return answer.content.decode()


def choose(client: Client, language: str) -> None:
    form = {"language": language, "next": "/admin/login/"}
    assert client.post("/admin/language/", form, HTTP_HOST="localhost").status_code == 302


def test_pages_are_in_the_language_of_the_browser_until_one_is_chosen(staff: Staff) -> None:
    assert language_of(page(staff)) == "en"
    assert language_of(page(staff, **ITALIAN)) == "it"
    choose(staff.client, "en")
    assert language_of(page(staff, **ITALIAN)) == "en"


def test_a_person_finds_the_chosen_language_in_another_browser(staff: Staff) -> None:
    choose(staff.client, "it")
    elsewhere = Client()
    elsewhere.force_login(staff.user)
    answer = elsewhere.get(staff.url("dashboard"), HTTP_HOST="localhost")
    assert language_of(answer.content.decode()) == "it"
    assert answer.headers["Content-Language"] == "it"
    assert "Accept-Language" in answer.headers["Vary"]


def test_a_language_that_is_not_there_is_not_taken(staff: Staff) -> None:
    choose(staff.client, "it")
    for unknown in ("xx", "", "../it", "it\0"):
        staff.client.post("/admin/language/", {"language": unknown}, HTTP_HOST="localhost")
    staff.user.refresh_from_db()
    assert staff.user.lang == "it"


def test_signing_in_is_in_the_language_of_the_browser_or_the_chosen_one(db: None) -> None:
    client = Client()
    html = client.get("/admin/login/", **ITALIAN).content.decode()
    assert language_of(html) == "it"
    choose(client, "en")
    assert language_of(client.get("/admin/login/", **ITALIAN).content.decode()) == "en"


def test_the_language_of_one_page_is_not_that_of_what_runs_next_in_the_thread(staff: Staff) -> None:
    page(staff, **ITALIAN)
    assert translation.get_language() == "en"


def test_what_the_api_says_is_in_english(hub: Hub, staff: Staff) -> None:
    choose(staff.client, "it")
    page(staff, **ITALIAN)
    for client in (hub.trusted, ApiClient(make_token(staff.user))):
        usual = client.post(f"{hub.path}/customers", {})
        refused = client.post(f"{hub.path}/customers", {}, Accept_Language="it")
        assert refused.status == 400
        assert "Content-Language" not in refused.headers
        assert refused["message"] == usual["message"] == "source customer is not valid"
        assert refused["errors"] == usual["errors"]


def test_who_one_is_names_the_language_that_is_chosen(hub: Hub, staff: Staff) -> None:
    client = ApiClient(make_token(staff.user))
    assert client.get("/me")["lang"] == "en"
    choose(staff.client, "it")
    assert client.get("/me")["lang"] == "it"


# Names that are the same in both languages.
SAME = {
    "hash",
    "hash (sha-256)",
    "sku",
    "e-mail",
    "shard",
    "workspace",
    "webhook",
    "password",
    "url",
    "id",
    "file",
    "query",
    "none",
}


def shown_in(language: str) -> dict[str, str]:
    """The headings of lists, and names and choices in forms and filters, of all model admins."""
    titles = {}
    with translation.override(language):
        for model, model_admin in admin.site._registry.items():
            if model._meta.app_label not in APPS:
                continue
            names = [*model_admin.list_display, *(model_admin.fields or ())]
            for _title, options in model_admin.fieldsets or ():
                names += options["fields"]
            for name in dict.fromkeys(names):
                if name not in model_admin.form.base_fields:
                    heading = label_for_field(name, model, model_admin)
                    titles[f"{model.__name__}.{name}"] = str(heading)
            for name, field in model_admin.form.base_fields.items():
                titles[f"{model.__name__}.{name} in the form"] = str(field.label)
    return titles


def test_lists_and_forms_of_models_are_in_the_language_of_the_page() -> None:
    english, italian = shown_in("en"), shown_in("it")
    assert english.keys() == italian.keys()
    same = {name for name, text in english.items() if italian[name].lower() == text.lower()}
    assert len(english) > 100
    assert {english[name].lower() for name in same} <= SAME


def test_names_of_models_are_translated_without_a_migration() -> None:
    with translation.override("it"):
        assert str(Workspace._meta.get_field("created_at").verbose_name) == "creato il"
        assert Workspace(status="SUSPENDED").get_status_display() == "Sospeso"
        assert str(ConsentLogEntry._meta.verbose_name_plural) == "voci del registro dei consensi"
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_audit_log_tells_what_was_done_in_the_language_of_the_page(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR", "DPO")
    customer = hub.post_customer()["id"]
    staff.open("customer", customer_id=customer)
    address = staff.admin_url("configuration_staffchange_changelist")
    html = staff.client.get(address, **ITALIAN).content.decode()
    assert "Visualizzazione di un cliente" in html
    assert "View of a customer" not in html
    text, key = "Export 01234567-89ab-7def-8123-456789abcdef of loggedIn", "by source"
    with translation.override("it"):
        assert summary_text("Create Customer") == "Creazione di un cliente"
        assert summary_text(text) == (
            "Esportazione: Accesso effettuato (01234567-89ab-7def-8123-456789abcdef)"
        )
        assert summary_text(f"Export of customers {key} 01234567-89ab-7def-8123-456789abcdef") == (
            "Esportazione: clienti, dalla sorgente 01234567-89ab-7def-8123-456789abcdef"
        )
    assert summary_text("anything else") == "anything else"


def test_the_rule_builder_has_its_texts_from_the_page(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    html = staff.client.get(staff.url("customers"), **ITALIAN).content.decode()
    options = json.loads(re.search(r'<script id="rule-options"[^>]*>(.*?)</script>', html)[1])  # type: ignore[index]
    with translation.override("en"):
        english = rule_options(hub.workspace.id)["texts"]
    used = set(re.findall(r"this\.texts\.(\w+)", BUILDER.read_text()))
    assert used == options["texts"].keys() == english.keys()
    for name, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", options["texts"][name])) == sorted(
            re.findall(r"\{\w+\}", text)
        )
        assert name == "no" or options["texts"][name] != text, name


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.js")), ids=lambda path: path.name)
def test_scripts_show_no_text_of_their_own(path: Path) -> None:
    """A text in a script has words with a space between them, or is set as one."""
    code = re.sub(r"//[^\n]*", "", path.read_text())
    strings = [each[1:-1] for each in re.findall(r'"[^"\n]*"|`[^`\n]*`', code)]
    sentences = [each for each in strings if re.search(r"[A-Z][a-z]+ [a-z]+|[a-z]\.$", each)]
    assert sentences == []
    assert not re.search(r'(textContent|aria-label|placeholder)"?\s*[=:,]\s*"[A-Za-z]', code)
