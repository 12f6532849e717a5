"""Invalidates cached principals when a model that access depends on changes.

On this machine at once, on others within PRINCIPAL_CACHE_SECONDS.
"""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from oauth2_provider.models import get_access_token_model

from contacthub_project.messaging.shared_version import shared_version


def connect() -> None:
    """Connect the receivers; called once, by `AppConfig.ready`."""
    from allauth.mfa.models import Authenticator

    from configuration.models import (
        ApiClientAnswers,
        Membership,
        Node,
        NodeGrant,
        Source,
        User,
        Workspace,
    )

    deciding: tuple[type[models.Model], ...] = (
        ApiClientAnswers, Membership, Node, NodeGrant, Source, User, Workspace,
        get_access_token_model(),
    )  # fmt: skip
    for model in deciding:
        post_save.connect(_forget, sender=model, dispatch_uid=f"forget saved {model}")
        post_delete.connect(_forget, sender=model, dispatch_uid=f"forget deleted {model}")
    # With the last second factor a person's tokens end.
    post_delete.connect(_forget, sender=Authenticator, dispatch_uid="forget second factors")
    m2m_changed.connect(_forget, sender=Source.nodes.through, dispatch_uid="forget nodes")


def _forget(**_: Any) -> None:
    transaction.on_commit(shared_version.advance)
