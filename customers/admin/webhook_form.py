"""The form of a webhook in the back-office."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
)

from configuration.models import Node
from contacthub_project.admin.api_form import ApiModelForm
from customers.admin.rule_field import RulesField, RulesWidget, is_buildable
from customers.models import ChangeEntity, ChangeOperation, Webhook

OPERATIONS = {
    ChangeOperation.CREATE.value: _("new"),
    ChangeOperation.UPDATE.value: _("changed"),
    ChangeOperation.DELETE.value: _("deleted"),
}


class QueryText(forms.JSONField):
    """JSON of the query language; nothing is an empty text."""

    def __init__(self, **options: Any) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})
        super().__init__(required=False, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return str(value)
        return json.dumps(value, ensure_ascii=False, indent=1) if value else ""


class WebhookForm(ApiModelForm):
    """A webhook."""

    entities = forms.MultipleChoiceField(
        label=_("Tell of"),
        choices=[
            (ChangeEntity.CUSTOMER.value, _("Customers")),
            (ChangeEntity.EVENT.value, _("Events")),
            (ChangeEntity.SEGMENT.value, _("Who enters and leaves segments")),
        ],
        help_text=_("Nothing ticked is customers and events."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        required=False,
    )
    operations = forms.MultipleChoiceField(
        label=_("When they are"),
        choices=list(OPERATIONS.items()),
        help_text=_("Nothing ticked is all."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        required=False,
    )
    nodes = forms.ModelMultipleChoiceField(
        label=_("In the nodes"),
        queryset=Node.objects.none(),
        help_text=_("Nothing ticked is all."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        required=False,
    )
    event_types = forms.CharField(
        label=_("Types of events"),
        help_text=_("Such as viewedPage, a line each; none is all."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        required=False,
    )
    segments = forms.MultipleChoiceField(
        label=_("Segments"),
        help_text=_("Whose members are told of, if that is ticked above; nothing ticked is all."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        required=False,
    )
    rules = RulesField(
        label=_("Condition on customers"),
        help_text=_("Changes of customers are sent if they match; without a rule, all are."),
    )
    condition = QueryText(
        label=_("Condition on customers"),
        help_text=_("These rules are more than the builder shows; this is the API's query."),
    )
    event_conditions = QueryText(
        label=_("Conditions on events"),
        help_text=_(
            'A list, such as [{"event": {"name": "viewedPage"}, "condition": {"type": "atomic", '
            '"attribute": "properties.path", "operator": "EQUALS", "value": "/"}}]: events of '
            "these types must match one. Empty is none."
        ),
    )
    sent_fields = forms.CharField(
        label=_("Properties to send"),
        help_text=_("Such as base.contacts.email, a line each; none is all. The ids come always."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        required=False,
    )
    pointers = {
        "/fields": "sent_fields", "/nodes": "nodes", "/eventTypes": "event_types",
        "/segments": "segments", "/condition": "rules",
    }  # fmt: skip

    class Meta:
        model = Webhook
        fields = ("name", "url", "state", "max_in_flight")
        labels = {"url": _("Address"), "max_in_flight": _("Messages at the same time")}
        help_texts = {
            "max_in_flight": _(
                "1 to 8. Each customer's changes stay in order, those of others overtake."
            )
        }
        widgets = {"state": UnfoldAdminRadioSelectWidget()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["max_in_flight"].required = False  # what is there stays
        nodes: Any = self.fields["nodes"]
        nodes.queryset = Node.objects.in_workspace(self.office.workspace_id)
        webhook = self.instance
        self.fields["rules"].widget = RulesWidget(self.office, is_counted=False)
        if is_buildable(webhook.condition):
            del self.fields["condition"]
        else:
            del self.fields["rules"]
        chosen: Any = self.fields["segments"]
        chosen.choices = self._segments()
        displayed: dict[str, Any] = {
            "entities": webhook.entities,
            "operations": webhook.operations,
            "nodes": list(nodes.queryset.filter(id__in=webhook.node_ids)),
            "event_types": "\n".join(webhook.event_types),
            "segments": [str(each) for each in webhook.segment_ids],
            "rules": webhook.condition,
            "condition": webhook.condition,
            "event_conditions": webhook.event_conditions,
            "sent_fields": "\n".join(webhook.field_paths),
        }
        self.initial.update(displayed)

    def _segments(self) -> list[tuple[str, str]]:
        """Return the segments of the workspace, by name, and those chosen that are not found."""
        found = self.office.everything("/segments")
        choices = [(each["id"], each["name"]) for each in found]
        known = {segment_id for segment_id, _ in choices}
        gone = [str(each) for each in self.instance.segment_ids if str(each) not in known]
        return [
            *choices,
            *((each, gettext("{each} (not found)").format(each=each)) for each in gone),
        ]
