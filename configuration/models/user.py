"""People: roles, workspaces and grants for nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from configuration.domain.permissions import reaches_all_workspaces
from configuration.models.node import Node
from configuration.models.workspace import Workspace
from contacthub_project.db.keys import TenantForeignKey, TenantForeignKeyConstraint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID


class Role(models.TextChoices):
    """Roles of people. Those of applications depend on their source."""

    CLAB_OPERATOR = "CLAB_OPERATOR"
    ADMIN = "ADMIN"
    USER = "USER"
    GUEST = "GUEST"
    DPO = "DPO"
    PLATFORM_UPDATES = "PLATFORM_UPDATES"


class NodePermission(models.TextChoices):
    READ = "R"
    WRITE = "W"
    READ_WRITE = "RW"


class UserQuerySet(models.QuerySet["User"]):
    def in_workspace(self, workspace_id: UUID) -> UserQuerySet:
        """Return the people who work in a workspace."""
        return self.filter(memberships__workspace_id=workspace_id)

    def matching(self, search: str | None) -> UserQuerySet:
        """Return those whose name, surname, user name or e-mail contains the text, in any case."""
        if search is None:
            return self
        return self.filter(
            Q(name__icontains=search)
            | Q(surname__icontains=search)
            | Q(username__icontains=search)
            | Q(email__icontains=search)
        )

    def with_second_factor(self) -> UserQuerySet:
        """Return those who sign in with a second factor."""
        return self.filter(authenticator__type__in=["totp", "webauthn"]).distinct()

    def with_grants_in(self, workspace_id: UUID) -> UserQuerySet:
        """Prefetch their grants in nodes of a workspace as `grants_here`."""
        here = NodeGrant.objects.filter(
            workspace_id=workspace_id, node__workspace_id=workspace_id, node__removed_at=None
        ).order_by("node_id")
        return self.prefetch_related(
            models.Prefetch("grants", queryset=here, to_attr="grants_here")
        )


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create a person; without a password they cannot sign in by one."""
        user: User = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Create an operator of the installation."""
        fields = {"is_staff": True, "roles": [Role.CLAB_OPERATOR]} | fields
        return self.create_user(username, password, **fields)


class User(AbstractBaseUser):
    """A person. Permissions follow from `roles` and grants; `is_staff` opens the back-office.

    A trigger of the table raises `access_version` when roles change, or when the person is locked
    out, loses the back-office or is removed from a workspace. That, and a new password, ends
    sessions and tokens, whoever changes the row.
    """

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=150, unique=True)
    name = models.CharField(max_length=150, blank=True)
    surname = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    lang = models.CharField(max_length=8, blank=True)  # of pages; empty: the browser's
    roles = ArrayField(models.CharField(max_length=32, choices=Role.choices), default=list)
    workspaces = models.ManyToManyField(Workspace, through="Membership", related_name="users")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    access_version = models.BigIntegerField(default=0, editable=False)
    registered_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["surname", "name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(roles__contained_by=Role.values), name="user_roles_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.surname}".strip() or self.username

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether the person may use the admin pages of single models: operators may."""
        return self.is_active and reaches_all_workspaces(self.roles)

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return self.has_perm(app_label)

    def has_second_factor(self) -> bool:
        """Return whether the person signs in with a second factor."""
        found: bool = User.objects.with_second_factor().filter(pk=self.pk).exists()
        return found

    def lacks_second_factor(self) -> bool:
        """Return whether a workspace requires a second factor that the person does not have."""
        demanding = Workspace.objects.demanding_second_factor_of(self.id, self.roles)
        return demanding.exists() and not self.has_second_factor()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return the hash that sessions are compared with; ends them when access has changed."""
        return salted_hmac(
            "configuration.User.session",
            f"{self.access_version}:{self.password}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return self.name or self.username


class Membership(models.Model):
    """A person works in a workspace."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.workspace_id}"


class NodeGrant(models.Model):
    """A person's permission in a node, for roles that do not reach all nodes."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    workspace_id = models.UUIDField()
    node = TenantForeignKey(Node, on_delete=models.DO_NOTHING, related_name="grants")
    permission = models.CharField(
        max_length=2, choices=NodePermission.choices, default=NodePermission.READ
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "user"], name="grant_once"),
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="grant_node_of_workspace"
            ),
            models.CheckConstraint(
                condition=Q(permission__in=NodePermission.values), name="grant_permission_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.permission} {self.node_id}"
