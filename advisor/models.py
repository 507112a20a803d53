"""What the product remembers: people, their workspaces, the decisions they ask for and the runs that answer them."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

MAX_ATTEMPTS = 3


class UserManager(BaseUserManager["User"]):
    """Finds users by their address in lower case, the only case that is stored."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person. Roles live in memberships; the instance role `operator` looks after the catalog."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False)
    is_local_owner = models.BooleanField(default=False, help_text="Whom the link in the terminal signs in.")
    session_salt = models.CharField(max_length=32, blank=True, help_text="A new one ends every session.")
    joined_at = models.DateTimeField()

    objects = UserManager()

    USERNAME_FIELD = "email"

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
            models.UniqueConstraint(
                fields=["is_local_owner"], condition=Q(is_local_owner=True), name="user_one_local_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def shown_name(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Bind sessions to the salt as well as to the password: somebody without a password can end them too."""
        return salted_hmac(
            "advisor.models.User.session", f"{self.password}:{self.session_salt}", secret=secret, algorithm="sha256"
        ).hexdigest()


class Workspace(models.Model):
    """A team's shelf of decisions: what one member sees, all members see."""

    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="workspace_has_a_name")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What one user may do in one workspace."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        EDITOR = "editor", "Editor"
        VIEWER = "viewer", "Viewer"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_once_per_workspace"),
            models.CheckConstraint(
                condition=Q(role__in=["owner", "editor", "viewer"]), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.workspace_id}"

    @property
    def may_write(self) -> bool:
        return self.role in (self.Role.OWNER, self.Role.EDITOR)


class Decision(models.Model):
    """One question of a team, answered by the reports of its revisions.

    `accepted` is the revision that is the record; it stays until another is accepted or another decision supersedes
    this one. `proposed` is the one that waits for an owner. How both came about stands in the approvals.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PROPOSED = "proposed", "Proposed"
        ACCEPTED = "accepted", "Accepted"
        SUPERSEDED = "superseded", "Superseded"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="decisions")
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    proposed = models.ForeignKey("Revision", on_delete=models.RESTRICT, null=True, blank=True, related_name="+")
    accepted = models.ForeignKey("Revision", on_delete=models.RESTRICT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"], name="decision_newest_first")]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="decision_has_a_title"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "proposed", "accepted", "superseded"]), name="decision_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(supersedes__isnull=True) | ~Q(supersedes=F("id")), name="decision_supersedes_another"
            ),
            models.UniqueConstraint(fields=["supersedes"], name="decision_superseded_once"),
            models.CheckConstraint(
                condition=Q(status="draft", proposed__isnull=True, accepted__isnull=True)
                | Q(status="proposed", proposed__isnull=False, accepted__isnull=True)
                | Q(status="accepted", accepted__isnull=False)
                | Q(status="superseded", proposed__isnull=True, accepted__isnull=False),
                name="decision_status_has_its_revision",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Revision(models.Model):
    """One state of a decision's document. `version` counts its edits, so that two editors notice each other."""

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    refused = models.JSONField(default=dict, blank=True, help_text="By place: what was typed and is no valid answer.")
    version = models.PositiveIntegerField(default=1)
    based_on = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["decision", "number"], name="revision_number_once_per_decision"),
            models.CheckConstraint(condition=Q(number__gte=1), name="revision_number_from_one"),
            models.CheckConstraint(condition=Q(version__gte=1), name="revision_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of decision {self.decision_id}"


class Approval(models.Model):
    """One step of a decision's life: who proposed, accepted or sent back which revision, and why.

    Appended, never rewritten: the database refuses an update. The actor's name is the one of that time.
    """

    class Transition(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        WITHDRAWN = "withdrawn", "Withdrawn"
        REJECTED = "rejected", "Rejected"
        ACCEPTED = "accepted", "Accepted"
        SUPERSEDED = "superseded", "Superseded"

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="approvals")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="approvals")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    actor = models.CharField(max_length=254)
    transition = models.CharField(max_length=10, choices=Transition.choices)
    comment = models.TextField(blank=True)
    review_by = models.DateField(null=True, blank=True, help_text="When an accepted revision is to be looked at again.")
    supersedes = models.ForeignKey(Decision, on_delete=models.RESTRICT, null=True, blank=True, related_name="+")
    superseded_by = models.ForeignKey(Revision, on_delete=models.RESTRICT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(transition__in=["proposed", "withdrawn", "rejected", "accepted", "superseded"]),
                name="approval_transition_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(transition__in=["withdrawn", "rejected"]) | ~Q(comment=""),
                name="approval_return_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(review_by__isnull=True) | Q(transition="accepted"),
                name="approval_review_of_what_is_accepted",
            ),
            models.CheckConstraint(
                condition=Q(supersedes__isnull=True) | Q(transition__in=["proposed", "accepted"]),
                name="approval_supersedes_by_a_proposal",
            ),
            models.CheckConstraint(
                condition=Q(transition="superseded", superseded_by__isnull=False)
                | (~Q(transition="superseded") & Q(superseded_by__isnull=True)),
                name="approval_superseded_by_a_revision",
            ),
            models.UniqueConstraint(
                fields=["revision", "transition"],
                condition=Q(transition__in=["accepted", "superseded"]),
                name="approval_accepts_a_revision_once",
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.revision_id} {self.transition} by {self.actor}"


class Edit(models.Model):
    """Who touched which place of a draft, making which version: what a stale page is compared with."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="edits")
    version = models.PositiveIntegerField()
    place = models.CharField(max_length=200)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["revision", "version"], name="edit_by_version")]
        constraints = [
            models.UniqueConstraint(fields=["revision", "version", "place"], name="edit_once_per_version_and_place")
        ]

    def __str__(self) -> str:
        return f"{self.place} in version {self.version} of revision {self.revision_id}"


class Leased(models.Model):
    """A row that stands for work in the background. It is the truth; the broker only carries the news of it.

    A worker owns a running row by its `attempt` and a lease. A lease that runs out belongs to nobody,
    and whoever still works under an older attempt can no longer write here.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Finished"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    OPEN_STATES = (State.QUEUED, State.RUNNING)
    MOST_ATTEMPTS = MAX_ATTEMPTS

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    stage = models.CharField(max_length=200, blank=True)
    progress_fraction = models.FloatField(default=0.0)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    enqueued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["state", "lease_until"], name="%(class)s_lost_leases")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="%(class)s_state_is_known",
            ),
            models.CheckConstraint(condition=Q(attempt__lte=MAX_ATTEMPTS), name="%(class)s_attempts_are_bounded"),
            models.CheckConstraint(
                condition=Q(progress_fraction__gte=0.0, progress_fraction__lte=1.0),
                name="%(class)s_progress_is_a_fraction",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True)),
                name="%(class)s_lease_exactly_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
                name="%(class)s_ends_with_a_time",
            ),
            models.CheckConstraint(
                condition=(Q(state="failed") & ~Q(error="")) | (~Q(state="failed") & Q(error="")),
                name="%(class)s_error_exactly_when_failed",
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES


class Run(Leased):
    """One try at answering a revision."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="runs")
    moment = models.DateField(help_text="The date the advice is asked for; every attempt uses the same.")
    error_items = models.JSONField(default=list, blank=True)

    class Meta(Leased.Meta):
        constraints = [
            *Leased.Meta.constraints,
            models.UniqueConstraint(
                fields=["revision"], condition=Q(state__in=["queued", "running"]), name="run_one_open_per_revision"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.state}"


class Report(models.Model):
    """What a run found, as the canonical bytes that were hashed. Never rewritten."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="report")
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    schema_version = models.PositiveIntegerField()
    feasible = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="report_hash_is_sha256"),
            models.CheckConstraint(condition=Q(schema_version__gte=1), name="report_schema_from_one"),
        ]

    def __str__(self) -> str:
        return f"report of run {self.run_id}"


class Rendering(models.Model):
    """A report as a file, kept byte for byte as it was issued. The row waits until a worker has made the file.

    It is issued with the report, and anew at each step of its revision's life: `approval` is that step.
    """

    class Format(models.TextChoices):
        PDF = "pdf", "PDF"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        KEPT = "kept", "Kept"
        FAILED = "failed", "Failed"

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="renderings")
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, null=True, blank=True, related_name="renderings")
    format = models.CharField(max_length=8, choices=Format.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    enqueued_at = models.DateTimeField()
    content = models.BinaryField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    renderer = models.CharField(max_length=80, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "enqueued_at"], name="rendering_lost")]
        constraints = [
            models.UniqueConstraint(fields=["report", "format", "approval"], name="rendering_once_per_step"),
            models.UniqueConstraint(
                fields=["report", "format"], condition=Q(approval__isnull=True), name="rendering_once_with_the_report"
            ),
            models.CheckConstraint(condition=Q(format__in=["pdf"]), name="rendering_format_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "kept", "failed"]), name="rendering_state_is_known"
            ),
            models.CheckConstraint(condition=Q(attempt__lte=MAX_ATTEMPTS), name="rendering_attempts_are_bounded"),
            models.CheckConstraint(
                condition=Q(state="kept", content__isnull=False, sha256__regex=r"^[0-9a-f]{64}$")
                | (~Q(state="kept") & Q(content__isnull=True, sha256="")),
                name="rendering_bytes_exactly_when_kept",
            ),
            models.CheckConstraint(
                condition=(Q(state="failed") & ~Q(error="")) | (~Q(state="failed") & Q(error="")),
                name="rendering_error_exactly_when_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format} of report {self.report_id}: {self.state}"


class SignInLink(models.Model):
    """A one-time way in for whoever can read this machine's terminal. Only the token's hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="sign_in_link_expires_later")
        ]

    def __str__(self) -> str:
        return f"sign-in link of {self.user_id}"


class Session(AbstractBaseSession):
    """Where a browser is signed in, and who is."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="sessions")

    def __str__(self) -> str:
        return f"session of {self.user_id}"


class Invite(models.Model):
    """A link that makes whoever opens it a member, once. Only the token's hash is kept."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invites")
    role = models.CharField(max_length=10, choices=Membership.Role.choices)
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=["owner", "editor", "viewer"]), name="invite_role_is_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="invite_expires_later"),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_by__isnull=True)
                | Q(used_at__isnull=False, used_by__isnull=False, revoked_at__isnull=True),
                name="invite_is_used_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"invite to {self.workspace_id} as {self.role}"


class ResetLink(models.Model):
    """A link that sets somebody's password, once. Only the token's hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reset_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="reset_link_expires_later")
        ]

    def __str__(self) -> str:
        return f"reset link of {self.user_id}"


class Token(models.Model):
    """A secret with which a program acts for one user in one workspace. Only its hash is kept."""

    class Cap(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    cap = models.CharField(max_length=5, choices=Cap.choices)
    prefix = models.CharField(max_length=24, help_text="The beginning of the secret, to tell tokens apart.")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the hour.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="token_has_a_name"),
            models.CheckConstraint(condition=Q(cap__in=["read", "write"]), name="token_cap_is_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_expires_later"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class AuditEvent(models.Model):
    """Who did what, when. Appended, never rewritten: the database refuses an update. Holds no secrets."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    actor = models.CharField(max_length=254, help_text="The user's address at that time, or the command.")
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=254, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-id"], name="audit_newest_first"),
            models.Index(fields=["user", "-id"], name="audit_by_user"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(action=""), name="audit_event_has_an_action")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"


class RefusedTry(models.Model):
    """A refused password, link or token, kept for a day to slow down whoever guesses."""

    kind = models.CharField(max_length=10)
    subject = models.CharField(max_length=254, blank=True)
    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["kind", "subject", "at"], name="refused_try_by_subject"),
            models.Index(fields=["kind", "address", "at"], name="refused_try_by_address"),
        ]

    def __str__(self) -> str:
        return f"refused {self.kind} from {self.address}"


class RequestCount(models.Model):
    """How many requests one token or one address has made in one minute: counted here, all processes see it."""

    subject = models.CharField(max_length=100)
    minute = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "minute"], name="request_count_once_a_minute")]

    def __str__(self) -> str:
        return f"{self.count} by {self.subject}"


class KeptAnswer(models.Model):
    """The answer to a request that may be sent again under the same Idempotency-Key; encrypted, kept for a day."""

    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="kept_answers")
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    content = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="kept_answer_by_age")]
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="kept_answer_once_per_key")]

    def __str__(self) -> str:
        return f"answer to {self.key}"


class Webhook(models.Model):
    """Where a workspace wants to hear that a run has ended. The secret that signs the message is encrypted."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="webhook")
    url = models.URLField(max_length=500)
    secret = models.TextField()
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"webhook of {self.workspace_id}"


class Delivery(models.Model):
    """One message about one ended run, and what became of it. `attempt` counts the tries."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempt = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="delivery_due")]
        constraints = [
            models.UniqueConstraint(fields=["webhook", "run"], name="delivery_once_per_run"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "delivered", "failed"]), name="delivery_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="delivered", delivered_at__isnull=False)
                | (~Q(state="delivered") & Q(delivered_at__isnull=True)),
                name="delivery_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}: {self.state}"


class Endpoint(models.Model):
    """A model's address that a workspace measures with a key of its own. The key is encrypted and never shown again."""

    class Kind(models.TextChoices):
        OPENAI = "openai", "OpenAI-compatible chat API"
        AZURE_OPENAI = "azure_openai", "Azure OpenAI"
        GEMINI = "gemini", "Gemini API or Vertex AI"
        BEDROCK = "bedrock", "Amazon Bedrock"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="endpoints")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    address = models.URLField(max_length=500, blank=True, help_text="Blank for Bedrock, where the region says it.")
    model = models.CharField(max_length=200, help_text="Azure: the deployment.")
    region = models.CharField(max_length=40, blank=True, help_text="Bedrock only.")
    api_version = models.CharField(max_length=40, blank=True, help_text="Azure only.")
    model_offer_id = models.CharField(max_length=254, blank=True, help_text="What its results stand for in reports.")
    input_usd_per_mtok = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    output_usd_per_mtok = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    key = models.TextField()
    key_id = models.CharField(max_length=128, blank=True, help_text="Bedrock: the access key's public half.")
    key_ending = models.CharField(max_length=4, blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="endpoint_name_once_per_workspace"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(model=""), name="endpoint_has_a_name_and_a_model"),
            models.CheckConstraint(
                condition=Q(kind__in=["openai", "azure_openai", "gemini", "bedrock"]), name="endpoint_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="bedrock", address="") & ~Q(region="") | ~Q(kind="bedrock") & ~Q(address=""),
                name="endpoint_has_one_place",
            ),
            models.CheckConstraint(
                condition=Q(input_usd_per_mtok__isnull=True, output_usd_per_mtok__isnull=True)
                | Q(
                    input_usd_per_mtok__isnull=False,
                    output_usd_per_mtok__isnull=False,
                    input_usd_per_mtok__gte=0,
                    output_usd_per_mtok__gte=0,
                ),
                name="endpoint_price_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EndpointProbe(Leased):
    """One measurement of an endpoint: what was to be sent, what it showed, and the most it can have cost."""

    # What one attempt has sent is paid for: a worker that is lost in the middle is not followed by another.
    MOST_ATTEMPTS = 1

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="probes")
    plan = models.JSONField()
    result = models.JSONField(null=True, blank=True)
    tokens_at_most = models.PositiveBigIntegerField(default=0)
    usd_at_most = models.DecimalField(max_digits=12, decimal_places=4, default=0)

    class Meta(Leased.Meta):
        constraints = [
            *Leased.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(state="succeeded") | Q(result__isnull=False), name="endpointprobe_succeeds_with_a_result"
            ),
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=Q(state__in=["queued", "running"]),
                name="endpointprobe_one_open_per_endpoint",
            ),
        ]

    def __str__(self) -> str:
        return f"probe {self.pk}: {self.state}"
