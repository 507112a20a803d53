"""The questionnaire as data, by paths of the document.

Each question says what it asks, in which unit, of which work, what is taken where nobody answers and why, and how much
an answer can change the advice (``power``, 0–100: our judgement, an order and not a measurement).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from advisor.core.schema import Document, InlineModel, ManagedModel, Section, Traffic, Workload

ALL: tuple[str, ...] = (
    "pretraining",
    "finetuning",
    "batch_inference",
    "online_inference",
    "cpu_serving",
    "managed_api",
)
TRAINING: tuple[str, ...] = ("pretraining", "finetuning")
TOKENS: tuple[str, ...] = ("batch_inference", "online_inference", "managed_api")
RENTED: tuple[str, ...] = tuple(kind for kind in ALL if kind != "managed_api")
SERVED: tuple[str, ...] = ("batch_inference", "online_inference")
ACCELERATED: tuple[str, ...] = ("pretraining", "finetuning", "batch_inference", "online_inference")
# A managed model is asked for its data before how capacity is bought and who runs it: those two concern capacity of
# one's own and moved no such answer where we tried them; without the data every total is but a lower bound.
PAID_BY_TOKEN: tuple[str, ...] = ("managed_api",)
DAYS_PER_MONTH = 365.25 / 12
MAX_FIRST_COUNT = 12

When = Literal[
    "always",
    "transformer",
    "not a transformer",
    "measured",
    "no hours measured",
    "no rate measured",
    "runs a model",
    "tokens counted",
    "input not in characters",
    "output not in characters",
    "input not in tokens",
    "output not in tokens",
    "in characters",
    "cached",
    "cached, writes not measured",
]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question; ``workloads[]`` in its path stands for each workload of the kinds it is asked of."""

    path: str
    text: str
    help: str
    power: int
    power_why: str
    default_why: str
    unit: str = ""
    kinds: tuple[str, ...] = ALL
    when: When = "always"
    default: Any = None
    no_default: str = "not known"  # what stands in the report where there is neither answer nor default
    default_by_kind: Mapping[str, Any] = field(default_factory=dict)
    takes: str = ""  # another path whose answer is taken first
    first: tuple[str, ...] = ()  # the kinds of work whose first answer needs it
    counts: bool = True  # False: the answer stands in the record and changes no figure and no rank

    @property
    def of_workload(self) -> bool:
        """Return whether it is asked once per workload."""
        return self.path.startswith("workloads[]")

    @property
    def when_text(self) -> str:
        """Return for people when it is asked: the reference in docs/document.md is made from it."""
        kinds = "" if self.kinds == ALL or not self.of_workload else f"kind is {' or '.join(self.kinds)}"
        condition = _WHEN_TEXT[self.when]
        return " and ".join(part for part in (kinds, condition) if part) or "always"


_WHEN_TEXT: dict[str, str] = {
    "always": "",
    "transformer": "the model is a transformer",
    "not a transformer": "the model is not a transformer we know",
    "measured": "figures of your own are given",
    "no hours measured": "the model is not a transformer we know and hours are not measured",
    "no rate measured": "the model is not a transformer we know and a rate is not measured",
    "runs a model": "the work runs a model of its own",
    "tokens counted": "no figures of your own replace the count of tokens",
    "input not in characters": "no figures of your own replace the count of tokens, and input_characters is not said",
    "output not in characters": "no figures of your own replace the count of tokens, and output_characters is not said",
    "input not in tokens": "no figures of your own replace the count of tokens, and input_tokens is not said",
    "output not in tokens": "no figures of your own replace the count of tokens, and output_tokens is not said",
    "in characters": "tokens are counted from characters",
    "cached": "part of the input can be cached",
    "cached, writes not measured": "part of the input can be cached and what is written is not measured",
}


def first_questions(workload: Workload) -> list[Question]:
    """Return the questions a first answer needs for a decision of this workload, in order: 12 at most.

    They follow from what was said: who names a transformer is asked for tokens, who names none for a measurement.
    """
    return [
        question
        for question in QUESTIONS
        if workload.kind in question.first and (not question.of_workload or holds(question.when, workload))
    ]


def unanswered(document: Document) -> list[dict[str, Any]]:
    """Return every question that concerns this document and has no answer, with what is taken instead.

    Each entry is {path, question, default, default_text, why, unit, power}, ordered by power; a default of None means
    that the figure stays unknown or the limit open, as ``default_text`` says.
    """
    entries = []
    for question, path, workload in concerned(document):
        if answer_at(document, path) is None:
            default = default_of(question=question, document=document, workload=workload)
            entries.append(
                {
                    "path": path,
                    "question": question.text,
                    "default": default,
                    "default_text": _default_text(question, default),
                    "why": question.default_why,
                    "unit": question.unit,
                    "power": question.power,
                }
            )
    return sorted(entries, key=lambda entry: (-entry["power"], entry["path"]))


def concerned(document: Document) -> list[tuple[Question, str, Workload | None]]:
    """Return each question that concerns the document with its path there and the workload it is asked of."""
    found: list[tuple[Question, str, Workload | None]] = []
    for question in QUESTIONS:
        if not question.of_workload:
            found.append((question, question.path, None))
            continue
        for index, workload in enumerate(document.workloads):
            if workload.kind in question.kinds and holds(question.when, workload):
                found.append((question, question.path.replace("[]", f"[{index}]", 1), workload))
    return found


def default_of(*, question: Question, document: Document, workload: Workload | None) -> Any:
    """Return what is taken where the question has no answer; None where the figure stays unknown."""
    if question.takes == "current.region":
        return _place(document)
    if question.takes:
        taken = answer_at(document, question.takes)
        if taken is not None:
            return taken
    if workload is None:
        if question.path.startswith("preferences.") and question.path.endswith(".weight"):
            return _weight(document)
        return question.default
    if question.path == "workloads[].name":
        return workload.id
    if question.path == "workloads[].training.runs_per_month" and workload.kind == "pretraining":
        deadline = workload.targets.deadline_days
        return min(1.0, DAYS_PER_MONTH / deadline) if deadline else 1.0
    return question.default_by_kind.get(workload.kind, question.default)


def answer_at(document: Document, path: str) -> Any:
    """Return the value at a path of the document; None where nothing was said."""
    value: Any = document
    for step in path.replace("]", "").replace("[", ".").split("."):
        name = "from_" if step == "from" else step
        if isinstance(value, tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, Section) and name in type(value).model_fields:
            value = getattr(value, name)
        else:
            return None
    if isinstance(value, Section):
        return value if value.model_fields_set else None
    return value


def _place(document: Document) -> str | None:
    current = document.current
    in_cloud = current.provider in ("aws", "azure", "gcp")
    return f"{current.provider}:{current.region}" if in_cloud and current.region else None


def _weight(document: Document) -> float:
    """Return the weight of an aim nobody weighed: equal where none was weighed, else zero."""
    sections = [getattr(document.preferences, name) for name in type(document.preferences).model_fields]
    return 20.0 if all(section.weight is None for section in sections) else 0.0


def holds(when: When, workload: Workload) -> bool:
    """Return whether a condition of asking holds for a workload."""
    is_transformer = isinstance(workload.model, (str, InlineModel))
    if when == "transformer":
        return is_transformer
    if when == "not a transformer":
        return not is_transformer
    if when == "no hours measured":
        return not is_transformer and getattr(workload.measured, "hours_per_month", None) is None
    if when == "no rate measured":
        return not is_transformer and getattr(workload.measured, "units_per_s", None) is None
    if when == "measured":
        return workload.measured is not None
    if when == "runs a model":
        return not isinstance(workload.model, ManagedModel)
    if when in _COUNTS:
        is_counted = workload.measured is None and (is_transformer or workload.kind == "managed_api")
        return is_counted and _COUNTS[when](workload.traffic)
    return True


def _in_characters(traffic: Traffic) -> bool:
    return (traffic.input_tokens is None and traffic.input_characters is not None) or (
        traffic.output_tokens is None and traffic.output_characters is not None
    )


# The conditions that hold only where tokens are counted, and what each asks of the traffic.
_COUNTS: dict[str, Callable[[Traffic], bool]] = {
    "tokens counted": lambda _: True,
    "input not in characters": lambda traffic: traffic.input_characters is None,
    "output not in characters": lambda traffic: traffic.output_characters is None,
    "input not in tokens": lambda traffic: traffic.input_tokens is None,
    "output not in tokens": lambda traffic: traffic.output_tokens is None,
    "in characters": _in_characters,
    "cached": lambda traffic: bool(traffic.cached_fraction),
    "cached, writes not measured": lambda traffic: (
        bool(traffic.cached_fraction) and traffic.cache_write_fraction is None
    ),
}


def _default_text(question: Question, default: Any) -> str:
    if default is None:
        return question.no_default
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, (tuple, list)):
        return ", ".join(str(part) for part in default) or "none"
    text = (
        f"{default:,.6g}"
        if isinstance(default, float)
        else f"{default:,}"
        if isinstance(default, int)
        else str(default)
    )
    return f"{text} {question.unit}".strip()


_NOT_COUNTED = "it stays unknown: totals say 'at least' and name it"
_RECORDED = "it stands in the record only: no figure rests on it"
_NOT_BOUND = "no limit is set, so nothing is excluded by it"
_NOT_CONFIRMED = "rules that depend on it say 'confirm first'"

QUESTIONS: tuple[Question, ...] = (
    Question(
        path="decision",
        text="What is to be decided?",
        help="A few words; they become the title of the record.",
        power=100,
        power_why="without it there is nothing to answer",
        default_why="it must be said",
        no_default="it must be said",
        first=ALL,
    ),
    Question(
        path="workloads[].kind",
        text="What kind of work is it?",
        help="Work with different needs is better told as two workloads: each gets its own stack.",
        power=100,
        power_why="it decides which stacks are candidates at all",
        default_why="it must be said",
        no_default="it must be said",
        first=ALL,
    ),
    Question(
        path="workloads[].model",
        text="Which model does it run?",
        help="An architecture of the catalog, the shape of a transformer, or for a managed API the families that are "
        "good enough. Leave it empty for work that is no transformer.",
        power=95,
        power_why="memory, arithmetic and cache per token all follow from it",
        default_why="without a model or a measurement we advise an architecture and say 'cost unknown'",
        no_default="none",
        kinds=("pretraining", "finetuning", "batch_inference", "online_inference", "managed_api"),
        first=("pretraining", "finetuning", "batch_inference", "online_inference", "managed_api"),
    ),
    Question(
        path="workloads[].traffic.requests_per_s_mean",
        text="How many requests a second arrive, on average?",
        help="Over the hours in which there is traffic.",
        unit="requests/s",
        power=92,
        power_why="served work costs in proportion to it",
        default_why=_NOT_COUNTED,
        kinds=("batch_inference", "online_inference", "cpu_serving", "managed_api"),
        first=("batch_inference", "online_inference", "cpu_serving", "managed_api"),
    ),
    Question(
        path="workloads[].traffic.input_tokens",
        text="How many tokens does a request bring?",
        help="The mean of one call, with everything the model reads: instructions, history, retrieved text. Count "
        "sample requests of your own, or give input_characters instead.",
        unit="tokens",
        power=88,
        power_why="it sets the time to the first token and most of a token bill",
        default_why=_NOT_COUNTED,
        kinds=TOKENS,
        when="input not in characters",
        first=TOKENS,
    ),
    Question(
        path="workloads[].traffic.output_tokens",
        text="How many tokens does an answer have?",
        help="The mean of one call, with hidden reasoning unless reasoning_tokens says it; or give output_characters "
        "instead.",
        unit="tokens",
        power=88,
        power_why="each one reads the whole model once; it is the dearer half of a token bill",
        default_why=_NOT_COUNTED,
        kinds=TOKENS,
        when="output not in characters",
        first=TOKENS,
    ),
    Question(
        path="workloads[].training.tokens",
        text="On how many tokens does one run train?",
        help="All epochs together.",
        unit="tokens",
        power=92,
        power_why="training work is proportional to it",
        default_why=_NOT_COUNTED,
        kinds=TRAINING,
        when="tokens counted",
        first=TRAINING,
    ),
    Question(
        path="workloads[].measured.on",
        text="On which instance did you measure it?",
        help="The SKU your own figures come from, such as c6i.4xlarge.",
        power=90,
        power_why="work that is no transformer is priced only from your own figures",
        default_why="without them we advise an architecture and say 'cost unknown'",
        no_default="not measured",
        kinds=RENTED,
        when="not a transformer",
        first=RENTED,
    ),
    Question(
        path="workloads[].measured.units_per_s",
        text="How many units a second does one such instance do?",
        help="At the latency you accept, the whole instance.",
        unit="units/s",
        power=89,
        power_why="the fleet is the load divided by it",
        default_why=_NOT_COUNTED,
        kinds=("batch_inference", "online_inference", "cpu_serving"),
        when="no hours measured",
        first=("batch_inference", "online_inference", "cpu_serving"),
    ),
    Question(
        path="workloads[].measured.hours_per_month",
        text="How many hours of that instance does the work take a month?",
        help="Instance hours as billed; for served work instead of the rate.",
        unit="instance hours/month",
        power=87,
        power_why="other machines are scaled from it",
        default_why=_NOT_COUNTED,
        kinds=RENTED,
        when="no rate measured",
        first=TRAINING,
    ),
    Question(
        path="workloads[].measured.work_unit",
        text="What did you count?",
        help="request, image, token, sample …",
        power=30,
        power_why="it names the unit of the comparison, no more",
        default_why="work units are called units",
        kinds=RENTED,
        when="measured",
        default="unit",
    ),
    Question(
        path="workloads[].targets.ttft_p95_ms",
        text="How soon must the first token be there?",
        help="The time 95 of 100 requests must keep.",
        unit="ms",
        power=70,
        power_why="a tight limit forbids large batches, which is what makes serving cheap",
        default_why="interactive serving is planned for the coefficient inference.default_ttft_p95_ms",
        no_default="planned by coefficient",
        kinds=("online_inference",),
        when="transformer",
        first=("online_inference",),
    ),
    Question(
        path="workloads[].targets.tpot_p95_ms",
        text="How fast must the tokens then follow?",
        help="Milliseconds for each further token; people read at about 50 to 100 ms a token.",
        unit="ms",
        power=65,
        power_why="it bounds the batch and with it the tokens per accelerator",
        default_why="interactive serving is planned for the coefficient of the serving model",
        no_default="planned by coefficient",
        kinds=("online_inference",),
        when="transformer",
    ),
    Question(
        path="workloads[].targets.latency_p99_ms",
        text="Which response time must 99 of 100 requests keep?",
        help="End to end, in your own service.",
        unit="ms",
        power=60,
        power_why="it decides whether a batching accelerator or a far region can be used at all",
        default_why=_NOT_BOUND,
        no_default="no limit",
        kinds=("online_inference", "cpu_serving", "managed_api"),
    ),
    Question(
        path="workloads[].targets.deadline_days",
        text="How long may one run take?",
        help="Days from the start to the finished model or batch.",
        unit="days",
        power=75,
        power_why="it sets how many accelerators run at once, and time-boxed offers fit only some lengths",
        default_why=_NOT_BOUND,
        no_default="no limit",
        kinds=("pretraining", "finetuning", "batch_inference"),
        first=("pretraining", "finetuning", "batch_inference"),
    ),
    Question(
        path="workloads[].code.custom_kernels",
        text="How many kernels have you written for one kind of accelerator?",
        help="Kernels in CUDA, Triton or the like that this work needs.",
        unit="kernels",
        power=80,
        power_why="each must be written again for other silicon",
        default_why=_NOT_CONFIRMED,
        kinds=ACCELERATED,
        first=TRAINING,
    ),
    Question(
        path="workloads[].code.image_arch",
        text="For which processors do you build images?",
        help="amd64, arm64 or both.",
        power=72,
        power_why="Arm machines need arm64 images",
        default_why=_NOT_CONFIRMED,
        kinds=RENTED,
        first=("cpu_serving",),
    ),
    Question(
        path="workloads[].training.method",
        text="Are all weights trained, or adapters?",
        help="full trains all weights; lora and qlora train small adapters.",
        power=74,
        power_why="full training needs several times the memory",
        default_why="a fine-tune most often trains adapters; pre-training trains all weights",
        kinds=("finetuning",),
        default="lora",
    ),
    Question(
        path="constraints.providers",
        text="Which clouds may be used?",
        help="Leave it open to see what an exclusion costs.",
        power=85,
        power_why="an excluded cloud removes a third of the candidates",
        default_why="all three are compared",
        default=("aws", "azure", "gcp"),
        first=ALL,
    ),
    Question(
        path="constraints.residency",
        text="Must data stay in a place?",
        help="EU or a country; it applies to every service of the stack.",
        power=82,
        power_why="it removes regions, and for managed models most scopes",
        default_why="data may lie anywhere",
        no_default="anywhere",
        first=ALL,
    ),
    Question(
        path="constraints.purchase",
        text="Which ways to buy are acceptable?",
        help="On demand binds you to nothing, longer terms cost less, blocks and flex start end by themselves.",
        power=78,
        power_why="list prices differ by half between ways to buy, and some accelerators are sold in one way only",
        default_why="on demand binds nobody; the other ways are named where they are the only ones",
        default=("on_demand",),
        first=RENTED,
    ),
    Question(
        path="current.provider",
        text="Where do you run today?",
        help="Staying there is always one of the options.",
        power=76,
        power_why="moving costs effort, and staying is compared",
        default_why="no present place is taken: there is no 'stay' to compare",
        no_default="nowhere",
        first=ALL,
    ),
    Question(
        path="team.ml_systems_engineers",
        text="How many of your engineers run accelerators?",
        help="People who tune kernels, distributed training or serving engines.",
        unit="people",
        power=77,
        power_why="own capacity without them is a risk, and other silicon needs more of them",
        default_why="own capacity is marked 'confirm first'",
        first=RENTED,
    ),
    Question(
        path="constraints.budget_usd_per_month",
        text="What may it cost a month?",
        help="All workloads together.",
        unit="USD/month",
        power=68,
        power_why="a hard limit removes stacks; without it nothing is too dear",
        default_why=_NOT_BOUND,
        no_default="no limit",
        first=("managed_api",),
    ),
    Question(
        path="constraints.need_by",
        text="By which day must it run?",
        help="An ISO date.",
        power=66,
        power_why="a port that takes longer cannot be advised",
        default_why=_NOT_BOUND,
        no_default="no limit",
    ),
    Question(
        path="constraints.certifications",
        text="Which certificates must the services hold?",
        help="Such as iso27001, soc2, hipaa.",
        power=50,
        power_why="we hold little evidence of them, so most become something to confirm",
        default_why="none is asked for",
        default=(),
    ),
    Question(
        path="constraints.quota",
        text="Which quota do you hold?",
        help="Accelerators you may start today without asking, by provider and SKU.",
        power=54,
        power_why="more than that has to be asked for and may not be granted in time",
        default_why="a coefficient stands in for what may be had without asking",
        no_default="planned by coefficient",
    ),
    Question(
        path="horizon.months",
        text="Over how many months are costs compared?",
        help="Long enough for the effort of a move to pay back.",
        unit="months",
        power=48,
        power_why="commitments and moves pay back over time",
        default_why="a year is the shortest usual commitment",
        default=12,
    ),
    Question(
        path="horizon.ramp",
        text="How does the load arrive?",
        help="linear grows evenly to the full load over the horizon; immediate is all there from month one.",
        power=45,
        power_why="a linear ramp halves the sum",
        default_why="the full load from the start never understates the cost",
        default="immediate",
    ),
    Question(
        path="workloads[].traffic.peak_factor",
        text="How far does the peak stand above the mean?",
        help="Peak rate ÷ mean rate.",
        unit="ratio",
        power=62,
        power_why="own capacity is bought for the peak; token prices are not",
        default_why="our judgement: a service with a day and a night peaks at about twice its mean; a batch is even",
        kinds=("batch_inference", "online_inference", "cpu_serving"),
        default=2.0,
        default_by_kind={"batch_inference": 1.0},
    ),
    Question(
        path="workloads[].traffic.hours_per_day",
        text="In how many hours of the day is there traffic?",
        help="24 for a service that never sleeps.",
        unit="hours/day",
        power=55,
        power_why="capacity that stands idle at night is paid for unless it is switched off",
        default_why="a service runs around the clock unless somebody says otherwise",
        kinds=("batch_inference", "online_inference", "cpu_serving", "managed_api"),
        default=24.0,
    ),
    Question(
        path="workloads[].traffic.cached_fraction",
        text="Which part of the input is the same from request to request?",
        help="What a prefix cache can hold: instructions, tool descriptions, a document asked about twice.",
        unit="fraction",
        power=54,
        power_why="cached input costs a tenth on most managed models and no prefill on own capacity",
        default_why="no caching never understates the cost",
        kinds=TOKENS,
        when="tokens counted",
        default=0.0,
    ),
    Question(
        path="workloads[].traffic.calls_per_request",
        text="How many model calls does one request make?",
        help="The turns of an agent, the steps of a chain; tokens are then those of one call.",
        unit="calls",
        power=63,
        power_why="the bill and the load are proportional to it",
        default_why="a request is taken as one call",
        no_default="one call",
        kinds=TOKENS,
        when="tokens counted",
    ),
    Question(
        path="workloads[].traffic.reasoning_tokens",
        text="How many hidden reasoning tokens does a call take?",
        help="From the usage records of sample requests; 0 where there are none or output_tokens holds them.",
        unit="tokens",
        power=50,
        power_why="they are billed as output and can outnumber the answer",
        default_why="the stated output is taken as billed, with a range upwards on managed models",
        no_default="planned by coefficient",
        kinds=TOKENS,
        when="tokens counted",
    ),
    Question(
        path="workloads[].traffic.input_characters",
        text="How many characters does a request bring?",
        help="Where you have no token count: Unicode characters of one call, with everything the model reads.",
        unit="characters",
        power=40,
        power_why="tokens can be counted from it, with a range of about a third",
        default_why="tokens are asked for first",
        no_default="not known",
        kinds=TOKENS,
        when="input not in tokens",
    ),
    Question(
        path="workloads[].traffic.output_characters",
        text="How many characters does an answer have?",
        help="Where you have no token count: Unicode characters of one call.",
        unit="characters",
        power=40,
        power_why="tokens can be counted from it, with a range of about a third",
        default_why="tokens are asked for first",
        no_default="not known",
        kinds=TOKENS,
        when="output not in tokens",
    ),
    Question(
        path="workloads[].traffic.language",
        text="In which language is the text?",
        help="Two small letters, such as en, de or zh.",
        power=42,
        power_why="the same characters make up to five times the tokens in another language",
        default_why="English is taken, with a range toward other languages",
        no_default="English, with a range",
        kinds=TOKENS,
        when="in characters",
    ),
    Question(
        path="workloads[].traffic.retry_fraction",
        text="How many calls are sent again for each answer used?",
        help="Time-outs, rate limits, answers that fail a check; 0.02 is one in fifty.",
        unit="fraction",
        power=24,
        power_why="each one is billed in full",
        default_why="managed calls take the coefficient managed.retry_multiplier; own capacity takes none",
        no_default="planned by coefficient",
        kinds=TOKENS,
        when="tokens counted",
    ),
    Question(
        path="workloads[].traffic.cache_ttl_minutes",
        text="How long is a cached prefix kept?",
        help="The provider's lifetime that you use, such as 5 or 60 minutes.",
        unit="minutes",
        power=20,
        power_why="what has expired is written again, which costs more than reading it",
        default_why="the coefficient managed.cache_write_share is taken",
        no_default="planned by coefficient",
        kinds=("online_inference", "managed_api"),
        when="cached, writes not measured",
    ),
    Question(
        path="workloads[].traffic.cache_write_fraction",
        text="Which part of the cacheable input is written rather than read?",
        help="Cache-write tokens ÷ (cache-write + cache-read tokens) of your usage records.",
        unit="fraction",
        power=19,
        power_why="writing costs several times what reading costs",
        default_why="it follows from the lifetime of the cache where that is said, else from a coefficient",
        no_default="from cache_ttl_minutes, else by coefficient",
        kinds=("online_inference", "managed_api"),
        when="cached",
    ),
    Question(
        path="workloads[].serving.weight_format",
        text="In which format are the weights served?",
        help="Narrower weights need less memory and fewer machines; whether the answers stay good enough, only an "
        "evaluation of your own can tell.",
        power=46,
        power_why="it halves or doubles memory, and often the arithmetic rate",
        default_why="no one but you can judge the quality of a narrower format",
        no_default="as the model's maker publishes them",
        kinds=SERVED,
        when="transformer",
    ),
    Question(
        path="workloads[].serving.cache_format",
        text="In which format are keys and values kept?",
        help="Eight bits hold twice the requests at a time.",
        power=28,
        power_why="it sets how many requests fit beside the weights",
        default_why="serving stacks keep 8 bits where the arithmetic has 8 or 4 bits, else 16",
        no_default="8 bits with 8- or 4-bit arithmetic, else 16",
        kinds=SERVED,
        when="transformer",
    ),
    Question(
        path="workloads[].serving.accepted_tokens",
        text="How many tokens does speculative decoding yield a step?",
        help="As measured on your own requests: it depends on what they ask. Leave it open without a draft model.",
        unit="tokens",
        power=30,
        power_why="fewer steps an answer, at the price of drafting",
        default_why="no draft model is planned",
        default=1.0,
        kinds=SERVED,
        when="transformer",
    ),
    Question(
        path="workloads[].serving.disaggregated",
        text="Are prompts to be read on replicas of their own?",
        help="Then answers never wait for somebody else's prompt; moving the cache costs a share of the prompt's time.",
        power=26,
        power_why="it steadies the time per token and needs a second pool of machines",
        default_why="one pool reads and answers",
        default=False,
        kinds=SERVED,
        when="transformer",
    ),
    Question(
        path="workloads[].utilisation",
        text="For which share of the paid time is the hardware to be busy?",
        help="Your own target or experience.",
        unit="fraction",
        power=58,
        power_why="the advantage of own silicon vanishes at low use",
        default_why="capacity is planned by the coefficients of the estimator, which the report names",
        no_default="planned by coefficient",
        kinds=RENTED,
    ),
    Question(
        path="workloads[].training.precision",
        text="In which number format does it train?",
        help="bf16 is usual; fp8 doubles the arithmetic where hardware and recipe allow it.",
        power=56,
        power_why="it doubles or halves the arithmetic rate",
        default_why="bf16 trains everywhere without a recipe of its own",
        kinds=TRAINING,
        when="transformer",
        default="bf16",
    ),
    Question(
        path="workloads[].training.runs_per_month",
        text="How many such runs are there in a month?",
        help="Full runs, without experiments.",
        unit="runs/month",
        power=64,
        power_why="the monthly cost is proportional to it",
        default_why="one a month; for pre-training one within its deadline",
        kinds=TRAINING,
        when="transformer",
        default=1.0,
    ),
    Question(
        path="workloads[].training.experiment_overhead",
        text="How much do experiments and failed runs take beside the runs?",
        help="Accelerator time ÷ that of the runs.",
        unit="ratio",
        power=46,
        power_why="it is added to every accelerator hour",
        default_why="our judgement: about a third more; teams that search for a recipe use several times the final run",
        kinds=TRAINING,
        when="transformer",
        default=0.3,
    ),
    Question(
        path="workloads[].training.sequence_length",
        text="How long is one sequence?",
        help="Tokens of one training sequence.",
        unit="tokens",
        power=38,
        power_why="it moves activation memory and the share of attention",
        default_why="Llama 3 was pre-trained at 8,192; fine-tunes usually run shorter",
        kinds=TRAINING,
        when="transformer",
        default=8192,
        default_by_kind={"finetuning": 4096},
    ),
    Question(
        path="workloads[].training.global_batch_tokens",
        text="How many tokens does one optimiser step take?",
        help="Sequences × sequence length over all accelerators.",
        unit="tokens",
        power=40,
        power_why="it bounds how many accelerators can share a run",
        default_why="Llama 3 405B began at 4 million; a fine-tune of 64 sequences of 4,096 is usual",
        kinds=TRAINING,
        when="transformer",
        default=4_000_000.0,
        default_by_kind={"finetuning": 262_144.0},
    ),
    Question(
        path="workloads[].code.frameworks",
        text="In which languages and frameworks is it written?",
        help="Such as pytorch, jax, go, java.",
        power=52,
        power_why="a framework the silicon does not run excludes it",
        default_why="the frameworks of the team are taken; without them rules say 'confirm first'",
        takes="team.frameworks",
    ),
    Question(
        path="workloads[].code.unsupported_ops",
        text="Which operators do you know to be missing elsewhere?",
        help="Operators that your present silicon runs and another does not.",
        power=42,
        power_why="one missing operator blocks a port until it is written",
        default_why=_NOT_CONFIRMED,
        kinds=ACCELERATED,
        when="runs a model",
    ),
    Question(
        path="workloads[].data.stored_tb",
        text="How much data does the work keep?",
        help="Decimal terabytes.",
        unit="TB",
        power=44,
        power_why="it costs storage each month and egress when it moves",
        default_why=_NOT_COUNTED,
        first=PAID_BY_TOKEN,
    ),
    Question(
        path="workloads[].data.egress_gb_per_month",
        text="How much does it send out of the cloud in a month?",
        help="To users and to other clouds, decimal gigabytes.",
        unit="GB/month",
        power=43,
        power_why="egress is the part of the bill that binds you to where the data is",
        default_why=_NOT_COUNTED,
        first=PAID_BY_TOKEN,
    ),
    Question(
        path="workloads[].data.located_in",
        text="Where does the data lie today?",
        help="As provider:region.",
        power=41,
        power_why="data elsewhere must be moved, and residency may forbid it",
        default_why="where you run today; without that, nowhere",
        takes="current.region",
    ),
    Question(
        path="workloads[].targets.availability",
        text="For which share of the time must it answer?",
        help="In percent, such as 99.9.",
        unit="percent",
        power=47,
        power_why="more nines need spare replicas and rule out interruptible capacity",
        default_why=_NOT_BOUND,
        no_default="no limit",
        kinds=("online_inference", "cpu_serving", "managed_api"),
    ),
    Question(
        path="workloads[].targets.rto_minutes",
        text="How long may it be gone after a disaster?",
        help="Minutes until it answers again.",
        unit="minutes",
        power=22,
        power_why="minutes need a warm second region",
        default_why=_NOT_BOUND,
        no_default="no limit",
    ),
    Question(
        path="workloads[].targets.rpo_minutes",
        text="How much recent data may be lost in a disaster?",
        help="Minutes of data.",
        unit="minutes",
        power=21,
        power_why="none lost needs synchronous copies",
        default_why=_NOT_BOUND,
        no_default="no limit",
    ),
    Question(
        path="workloads[].name",
        text="What shall the workload be called?",
        help="For people; the id stays.",
        power=1,
        power_why="it changes nothing but the words",
        default_why="its id is taken",
        no_default="its id",
    ),
    Question(
        path="current.region",
        text="In which region?",
        help="Its code, such as us-east-1.",
        power=51,
        power_why="prices and capacity differ by region, and staying means this one",
        default_why="any region of the provider counts as staying",
        no_default="any region",
    ),
    Question(
        path="current.stored_tb",
        text="How much data do you hold there?",
        help="Decimal terabytes.",
        unit="TB",
        power=39,
        power_why="a later reader sees what a full exit would have to carry",
        default_why=_RECORDED,
        counts=False,
    ),
    Question(
        path="current.measured.accelerator_hours_per_month",
        text="How many accelerator hours do you use a month?",
        help="As billed, all accelerators together.",
        unit="accelerator hours/month",
        power=36,
        power_why="a later reader sees how large the present way was",
        default_why=_RECORDED,
        counts=False,
    ),
    Question(
        path="current.measured.occupancy",
        text="Which share of those hours did work?",
        help="Busy hours ÷ paid hours.",
        unit="fraction",
        power=35,
        power_why="a later reader sees how well the present way was used",
        default_why=_RECORDED,
        counts=False,
    ),
    Question(
        path="current.measured.cost_usd_per_month",
        text="What does the present way cost a month?",
        help="As billed.",
        unit="USD/month",
        power=37,
        power_why="savings can be stated only against it",
        default_why="staying is priced from the catalog where it can be",
    ),
    Question(
        path="team.size",
        text="How large is the engineering team?",
        help="People.",
        unit="people",
        power=33,
        power_why="a later reader sees for how large a team it was decided",
        default_why=_RECORDED,
        counts=False,
    ),
    Question(
        path="team.frameworks",
        text="Which frameworks does the team work in?",
        help="Such as pytorch or jax.",
        power=34,
        power_why="a new framework costs months",
        default_why=_NOT_CONFIRMED,
    ),
    Question(
        path="team.accelerators",
        text="Which accelerators has it used in production?",
        help="nvidia, amd, trainium, inferentia, tpu, maia.",
        power=53,
        power_why="new silicon means new compilers and profilers",
        default_why="all silicon counts as new to the team",
    ),
    Question(
        path="team.orchestrators",
        text="Which orchestrators does it run?",
        help="Such as kubernetes, slurm, ray.",
        power=32,
        power_why="a familiar one is a tie-breaker",
        default_why="all orchestrators count as new to the team",
    ),
    Question(
        path="organisation.seat",
        text="In which country is your seat?",
        help="Two capital letters, such as US or DE.",
        power=31,
        power_why="some model licences exclude countries",
        default_why="licences that depend on it say 'confirm first'",
    ),
    Question(
        path="organisation.monthly_users",
        text="How many people use your products in a month?",
        help="All products together.",
        unit="users",
        power=29,
        power_why="some open-weight licences end at 700 million users",
        default_why="licences that depend on it say 'confirm first'",
    ),
    Question(
        path="organisation.commercial",
        text="Is the use commercial?",
        help="true for products and internal business use.",
        power=28,
        power_why="non-commercial licences are excluded by it",
        default_why="licences that depend on it say 'confirm first'",
    ),
    *(
        Question(
            path=f"preferences.{name}.weight",
            text=f"How much does {words} count?",
            help="Points beside the other aims; only the proportions matter.",
            unit="points",
            power=power,
            power_why="it orders stacks that keep every limit",
            default_why="all aims count the same where none is weighed; else an aim without a weight counts nothing",
            no_default="an equal share",
        )
        for name, words, power in (
            ("cost", "cost", 57),
            ("time", "time to run", 49),
            ("latency", "response time", 27),
            ("portability", "freedom to leave", 26),
            ("operations", "ease of running", 25),
        )
    ),
    *(
        Question(
            path=f"preferences.{name}.{bound}",
            text=f"Which {words} {ending}",
            help="It anchors the judgement, so that other options never move it.",
            unit=unit,
            power=power,
            power_why="it sets the scale on which the aim is judged",
            no_default=taken,
            default_why=why,
        )
        for name, words, unit, least, most, why in (
            ("cost", "monthly cost", "USD/month", "0", "twice the reference", "the reference is what you run today"),
            ("time", "time to run", "days", "0", "the deadline", "without a deadline a coefficient stands in"),
            ("latency", "response time", "ms", "0", "the latency target", "without a target latency is not valued"),
            ("portability", "coupling", "score from 0 to 1", "0", "1", "the score goes from 0 to 1"),
            ("operations", "burden of running it", "fraction from 0 to 1", "0", "1", "the share goes from 0 to 1"),
        )
        for bound, ending, power, taken in (
            ("ideal", "is as good as you need?", 15, least),
            ("unacceptable", "is no use at all?", 16, most),
        )
    ),
    Question(
        path="commercial.discounts",
        text="Which discounts have you agreed?",
        help="Provider, SKUs, fraction.",
        power=59,
        power_why="a discount of a third turns most rankings between clouds",
        default_why="list prices are taken",
        default=(),
    ),
    Question(
        path="commercial.commitments",
        text="Which spending have you promised to a provider?",
        help="USD a month until a date.",
        power=61,
        power_why="what stays undrawn is paid all the same",
        default_why="no commitment is taken",
        default=(),
    ),
    *(
        Question(
            path=f"coupling_weights.{name}",
            text=f"How much does '{name.replace('_', ' ')}' weigh in coupling?",
            help="Points from 0 to 10.",
            unit="points",
            power=5,
            power_why="it moves the coupling figure and, by portability, a close call",
            default_why="the shipped weight is taken",
            default=default,
        )
        for name, default in (
            ("proprietary_api", 2.0),
            ("proprietary_compiler", 2.0),
            ("sole_cloud_hardware", 2.0),
            ("single_silicon_vendor", 1.0),
            ("artifact_not_portable", 1.0),
            ("no_open_source_runtime", 1.0),
            ("no_alternative", 2.0),
        )
    ),
)
