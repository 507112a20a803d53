"""What a training keeps beside its data: the volume of its checkpoints."""

from estimator import uncertainty
from estimator.coefficients import Coefficients
from estimator.uncertainty import Range
from estimator.workload import Workload

_BYTES_PER_TB = 1e12


def checkpoint_tb(*, trained_params: Range, bytes_per_param: Range, kept_count: Range) -> Range:
    """Return the storage that kept checkpoints take. [TB, decimal]

    ``bytes_per_param`` is 14 for weights in BF16 with Adam's master copy and two moments in FP32 (2 + 4 + 4 + 4). The
    three err independently. Source: Rajbhandari et al. 2020 (arXiv:1910.02054), section 3.1.
    """
    return uncertainty.scaled(uncertainty.independent(trained_params, bytes_per_param, kept_count), 1 / _BYTES_PER_TB)


def kept_tb(*, workload: Workload, coefficients: Coefficients) -> tuple[Range, tuple[str, ...]] | None:
    """Return what a training's checkpoints take and the ids it stands on; None where no model is trained or none known.

    Full training keeps the state of every parameter, LoRA that of its adapters: the frozen weights are stored once and
    belong to the team's stated data. Source: ``storage`` in docs/estimates.md. [TB, decimal]
    """
    plan, model = workload.training, workload.architecture
    if plan is None or model is None:
        return None
    had = coefficients.group("cost.checkpoint")
    used = [had["kept_count"], had["bytes_per_param"]]
    params = uncertainty.exactly(float(model.params()))
    if plan.method in ("lora", "qlora"):
        params = uncertainty.scaled(uncertainty.of(had["adapter_rank"]), float(model.lora_params(rank=1)))
        used.append(had["adapter_rank"])
    taken = checkpoint_tb(
        trained_params=params,
        bytes_per_param=uncertainty.of(had["bytes_per_param"]),
        kept_count=uncertainty.of(had["kept_count"]),
    )
    return taken, (*(entry.id for entry in used), f"answer:{workload.id}.model")
