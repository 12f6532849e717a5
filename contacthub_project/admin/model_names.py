"""Names of models and fields, and labels of choices, in the language of the page.

The classes say them in English, as defaults of Django: `created at` of the field `created_at`.
Translated here, for all at once, they change neither the classes nor their migrations.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.contrib import admin
from django.db.models import Field, Model
from django.utils.translation import gettext_lazy

APPS = ("configuration", "customers", "events", "bulkjobs", "segments", "analytics")


def translate_names() -> None:
    """Make the names of our models translatable, once all models are loaded."""
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            options = model._meta
            singular, plural = names_of(model)
            options.verbose_name = gettext_lazy(singular)
            options.verbose_name_plural = gettext_lazy(plural)
            for field in options.fields:
                field.verbose_name = gettext_lazy(str(field.verbose_name))
                if _has_words(field):
                    field.choices = [
                        (value, gettext_lazy(str(label))) for value, label in field.flatchoices
                    ]


def names_of(model: type[Model]) -> tuple[str, str]:
    """Return the English name of a model, and its plural."""
    singular, plural = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    if "verbose_name_plural" not in model._meta.original_attrs and singular.endswith("y"):
        plural = f"{singular[:-1]}ies"
    return singular, plural


def shown_names() -> Iterator[str]:
    """Yield the names that pages of model admins show."""
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in APPS:
            continue
        yield from names_of(model)
        named = set(_named(model_admin))
        for field in model._meta.fields:
            if field.name in named:
                yield from _shown(field)


def _shown(field: Field) -> Iterator[str]:
    yield str(field.verbose_name)
    if _has_words(field):
        yield from (str(label) for _value, label in field.flatchoices)


def _has_words(field: Field) -> bool:
    """Return whether the labels of a field's choices are more than its values."""
    return any(value != label for value, label in field.flatchoices)


def _named(model_admin: admin.ModelAdmin) -> Iterator[str]:
    """Yield the names of fields that a list, its filters and the form of one row have."""
    for each in [*model_admin.list_display, *(model_admin.fields or ())]:
        yield str(each)
    for each in model_admin.list_filter:
        yield each if isinstance(each, str) else str(each[0]) if isinstance(each, tuple) else ""
    for _name, options in model_admin.fieldsets or ():
        yield from (str(each) for each in options["fields"])
    yield from model_admin.form.base_fields
